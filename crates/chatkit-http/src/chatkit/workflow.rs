//! The tools that an answer used, as steps that a user sees. They are no item of the log: what is
//! shown is made from the calls that stand with the answer.

use std::time::Duration;

use chatkit_domain::{ConversationId, ItemId, Message, ToolCall, ToolCallId, ToolCallStatus};
use chatkit_protocol::{
    ItemKind, StatusIndicator, Summary, Task, TaskKind, ThreadItem, ThreadItemUpdate,
    ThreadStreamEvent, Workflow, WorkflowKind,
};
use chrono::{DateTime, Utc};

use super::threads::time;

/// What stands before the id of an answer in the id of its steps.
pub(super) const PREFIX: &str = "wf_";

/// The steps of an answer that used tools.
pub(super) fn of(message: &Message) -> Option<ThreadItem> {
    let (first, last) = (message.tool_calls.first()?, message.tool_calls.last()?);
    let took = last.completed_at.unwrap_or(last.created_at) - first.created_at;
    let tasks = message.tool_calls.iter().map(task).collect();
    let took = took.to_std().unwrap_or_default();
    Some(item(
        message.id,
        message.conversation_id,
        first.created_at,
        workflow(tasks, Some(took)),
    ))
}

fn item(
    answer: ItemId,
    thread: ConversationId,
    created_at: DateTime<Utc>,
    workflow: Workflow,
) -> ThreadItem {
    ThreadItem {
        id: format!("{PREFIX}{answer}"),
        thread_id: thread.to_string(),
        created_at: time(created_at),
        kind: ItemKind::Workflow { workflow },
    }
}

fn workflow(tasks: Vec<Task>, took: Option<Duration>) -> Workflow {
    let duration = took.map(|took| i64::try_from(took.as_secs()).unwrap_or(i64::MAX));
    Workflow {
        kind: WorkflowKind::Custom,
        tasks,
        summary: duration.map(|duration| Summary::Duration { duration }),
        expanded: false,
    }
}

/// A call as a step, under the tool's name in words.
fn task(call: &ToolCall) -> Task {
    let words = call.tool_name.replace('_', " ");
    let mut letters = words.chars();
    let title = letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect());
    Task {
        status_indicator: match call.status {
            ToolCallStatus::Running | ToolCallStatus::AwaitingApproval => StatusIndicator::Loading,
            ToolCallStatus::Success
            | ToolCallStatus::Error
            | ToolCallStatus::Denied
            | ToolCallStatus::Cancelled
            | ToolCallStatus::Unknown => StatusIndicator::Complete,
        },
        title,
        kind: TaskKind::Custom {
            icon: None,
            content: None,
        },
    }
}

/// The steps of an answer while it is written.
#[derive(Debug)]
pub(super) struct Steps {
    thread: ConversationId,
    answer: ItemId,
    began: Option<DateTime<Utc>>,
    calls: Vec<ToolCallId>,
    tasks: Vec<Task>,
    is_done: bool,
}

impl Steps {
    pub(super) fn new(thread: ConversationId, answer: ItemId) -> Self {
        Self {
            thread,
            answer,
            began: None,
            calls: Vec::new(),
            tasks: Vec::new(),
            is_done: false,
        }
    }

    /// A call that has begun, or has ended.
    pub(super) fn tell(&mut self, call: &ToolCall) -> ThreadStreamEvent {
        let task = task(call);
        let is_first = self.began.is_none();
        self.began.get_or_insert(call.created_at);
        let known = self.calls.iter().position(|known| *known == call.id);
        let index = known.unwrap_or(self.calls.len());
        if known.is_some() {
            self.tasks[index] = task.clone();
        } else {
            self.calls.push(call.id);
            self.tasks.push(task.clone());
        }
        if self.is_done {
            // Told as done when text came; what comes behind it makes it another.
            return ThreadStreamEvent::ItemReplaced {
                item: self.whole(true),
            };
        }
        if is_first {
            return ThreadStreamEvent::ItemAdded {
                item: self.whole(false),
            };
        }
        let task_index = index as u64;
        let update = if known.is_some() {
            ThreadItemUpdate::TaskUpdated { task_index, task }
        } else {
            ThreadItemUpdate::TaskAdded { task_index, task }
        };
        ThreadStreamEvent::ItemUpdated {
            item_id: format!("{PREFIX}{}", self.answer),
            update,
        }
    }

    /// The steps are done as far as they came: text follows, or the end.
    pub(super) fn end(&mut self) -> Option<ThreadStreamEvent> {
        let is_open = self.began.is_some() && !self.is_done;
        self.is_done |= is_open;
        is_open.then(|| ThreadStreamEvent::ItemDone {
            item: self.whole(true),
        })
    }

    /// There is no answer to show them with.
    pub(super) fn remove(&mut self) -> Option<ThreadStreamEvent> {
        let item_id = format!("{PREFIX}{}", self.answer);
        self.began
            .take()
            .map(|_| ThreadStreamEvent::ItemRemoved { item_id })
    }

    fn whole(&self, is_done: bool) -> ThreadItem {
        let began = self.began.unwrap_or_default();
        let took = (Utc::now() - began).to_std().unwrap_or_default();
        let workflow = workflow(self.tasks.clone(), is_done.then_some(took));
        item(self.answer, self.thread, began, workflow)
    }
}
