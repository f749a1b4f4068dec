//! The tool calls of an answer, shown as the steps of a workflow. The workflow is not stored: it is
//! built from the calls of the answer.

use chatkit_agent::thread::time;
use chatkit_domain::{ConversationId, ItemId, Message, ToolCall, ToolCallId, ToolCallStatus};
use chatkit_protocol::{
    ItemKind, StatusIndicator, Summary, Task, TaskKind, ThreadItem, ThreadItemUpdate,
    ThreadStreamEvent, Workflow, WorkflowKind,
};
use chrono::{DateTime, TimeDelta, Utc};

/// The prefix of a workflow's id, before the id of the answer.
pub(super) const PREFIX: &str = "wf_";

/// The workflow of an answer that used tools.
pub(super) fn of(message: &Message) -> Option<ThreadItem> {
    let began = message.tool_calls.first()?.created_at;
    let ends = message
        .tool_calls
        .iter()
        .filter_map(|call| call.completed_at);
    let took = ends.max().unwrap_or(began) - began;
    let tasks = message.tool_calls.iter().map(task).collect();
    let workflow = workflow(tasks, Some(took));
    Some(item(message.id, message.conversation_id, began, workflow))
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

fn workflow(tasks: Vec<Task>, took: Option<TimeDelta>) -> Workflow {
    let duration = took.map(|took| took.num_seconds().max(0));
    Workflow {
        kind: WorkflowKind::Custom,
        tasks,
        summary: duration.map(|duration| Summary::Duration { duration }),
        expanded: false,
    }
}

/// A call as a step, with the tool's name in words.
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

/// The workflow of an answer while it is written.
#[derive(Debug)]
pub(super) struct Steps {
    thread: ConversationId,
    /// The answer, and the time of the first step.
    started: Option<(ItemId, DateTime<Utc>)>,
    /// The time at which the last step ended.
    ended: Option<DateTime<Utc>>,
    calls: Vec<ToolCallId>,
    tasks: Vec<Task>,
    is_done: bool,
}

impl Steps {
    pub(super) fn new(thread: ConversationId) -> Self {
        Self {
            thread,
            started: None,
            ended: None,
            calls: Vec::new(),
            tasks: Vec::new(),
            is_done: false,
        }
    }

    /// Adds a call that has started, or updates one that has ended.
    pub(super) fn add(&mut self, answer: ItemId, call: &ToolCall) -> ThreadStreamEvent {
        let task = task(call);
        let is_first = self.started.is_none();
        let started = *self.started.get_or_insert((answer, call.created_at));
        self.ended = self.ended.max(call.completed_at);
        let known = self.calls.iter().position(|known| *known == call.id);
        let index = known.unwrap_or(self.calls.len());
        if known.is_some() {
            self.tasks[index] = task.clone();
        } else {
            self.calls.push(call.id);
            self.tasks.push(task.clone());
        }
        if self.is_done {
            // The workflow was done when text followed. A later call replaces it.
            let item = self.whole(started);
            return ThreadStreamEvent::ItemReplaced { item };
        }
        if is_first {
            let item = self.whole(started);
            return ThreadStreamEvent::ItemAdded { item };
        }
        let task_index = index as u64;
        let update = if known.is_some() {
            ThreadItemUpdate::TaskUpdated { task_index, task }
        } else {
            ThreadItemUpdate::TaskAdded { task_index, task }
        };
        ThreadStreamEvent::ItemUpdated {
            item_id: format!("{PREFIX}{answer}"),
            update,
        }
    }

    /// Ends the workflow, because text follows.
    pub(super) fn end(&mut self) -> Option<ThreadStreamEvent> {
        let started = self.started.filter(|_| !self.is_done)?;
        self.is_done = true;
        let item = self.whole(started);
        Some(ThreadStreamEvent::ItemDone { item })
    }

    /// The workflow of the stored answer.
    pub(super) fn settle(&mut self, message: &Message) -> Option<ThreadStreamEvent> {
        let item = of(message)?;
        let started = self.started.take()?;
        if !self.is_done {
            return Some(ThreadStreamEvent::ItemDone { item });
        }
        (item != self.whole(started)).then_some(ThreadStreamEvent::ItemReplaced { item })
    }

    /// Removes the workflow, because there is no answer.
    pub(super) fn remove(&mut self) -> Option<ThreadStreamEvent> {
        let (answer, _) = self.started.take()?;
        let item_id = format!("{PREFIX}{answer}");
        Some(ThreadStreamEvent::ItemRemoved { item_id })
    }

    fn whole(&self, (answer, began): (ItemId, DateTime<Utc>)) -> ThreadItem {
        let took = self.ended.map(|ended| ended - began);
        let workflow = workflow(self.tasks.clone(), took.filter(|_| self.is_done));
        item(answer, self.thread, began, workflow)
    }
}

/// A thought of the model while it is written.
#[derive(Debug, Default)]
pub(super) struct Thoughts {
    /// The item that shows the thought, and its text so far.
    open: Option<(ItemId, String)>,
}

impl Thoughts {
    /// Appends to a thought. The protocol wants the whole text each time, so several pieces at once
    /// become one update.
    pub(super) fn add(
        &mut self,
        id: ItemId,
        text: &str,
        start: impl FnOnce(ItemKind) -> ThreadItem,
        events: &mut Vec<ThreadStreamEvent>,
    ) {
        let is_first = !self.is_open(id);
        if is_first {
            let workflow = Workflow {
                kind: WorkflowKind::Reasoning,
                ..workflow(Vec::new(), None)
            };
            let item = start(ItemKind::Workflow { workflow });
            events.push(ThreadStreamEvent::ItemAdded { item });
            self.open = Some((id, String::new()));
        }
        let Some((_, thought)) = &mut self.open else {
            return;
        };
        thought.push_str(text);
        let task = Task {
            status_indicator: StatusIndicator::None,
            title: None,
            kind: TaskKind::Thought {
                content: thought.clone(),
            },
        };
        let (item_id, task_index) = (id.to_string(), 0);
        let update = match events.last_mut() {
            Some(ThreadStreamEvent::ItemUpdated {
                item_id: last,
                update:
                    ThreadItemUpdate::TaskAdded { task: known, .. }
                    | ThreadItemUpdate::TaskUpdated { task: known, .. },
            }) if *last == item_id => {
                *known = task;
                return;
            }
            _ if is_first => ThreadItemUpdate::TaskAdded { task_index, task },
            _ => ThreadItemUpdate::TaskUpdated { task_index, task },
        };
        events.push(ThreadStreamEvent::ItemUpdated { item_id, update });
    }

    /// Whether this item shows the open thought.
    pub(super) fn is_open(&self, id: ItemId) -> bool {
        matches!(&self.open, Some((open, _)) if *open == id)
    }

    /// Ends the thought. Returns the item that was open.
    pub(super) fn end(&mut self) -> Option<ItemId> {
        self.open.take().map(|(id, _)| id)
    }
}
