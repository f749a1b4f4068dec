//! The tools that an answer used, as steps that a user sees. They are no item of the log: what is
//! shown is made from the calls that stand with the answer.

use chatkit_agent::thread::time;
use chatkit_domain::{ConversationId, ItemId, Message, ToolCall, ToolCallId, ToolCallStatus};
use chatkit_protocol::{
    ItemKind, StatusIndicator, Summary, Task, TaskKind, ThreadItem, ThreadItemUpdate,
    ThreadStreamEvent, Workflow, WorkflowKind,
};
use chrono::{DateTime, TimeDelta, Utc};

/// What stands before the id of an answer in the id of its steps.
pub(super) const PREFIX: &str = "wf_";

/// The steps of an answer that used tools.
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
    /// The answer, and when the first step began.
    begun: Option<(ItemId, DateTime<Utc>)>,
    /// When the last step ended.
    ended: Option<DateTime<Utc>>,
    calls: Vec<ToolCallId>,
    tasks: Vec<Task>,
    is_done: bool,
}

impl Steps {
    pub(super) fn new(thread: ConversationId) -> Self {
        Self {
            thread,
            begun: None,
            ended: None,
            calls: Vec::new(),
            tasks: Vec::new(),
            is_done: false,
        }
    }

    /// A call that has begun, or has ended.
    pub(super) fn tell(&mut self, answer: ItemId, call: &ToolCall) -> ThreadStreamEvent {
        let task = task(call);
        let is_first = self.begun.is_none();
        let begun = *self.begun.get_or_insert((answer, call.created_at));
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
            // Told as done when text came; what comes behind it makes it another.
            let item = self.whole(begun);
            return ThreadStreamEvent::ItemReplaced { item };
        }
        if is_first {
            let item = self.whole(begun);
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

    /// The steps are done as far as they came: text follows.
    pub(super) fn end(&mut self) -> Option<ThreadStreamEvent> {
        let begun = self.begun.filter(|_| !self.is_done)?;
        self.is_done = true;
        let item = self.whole(begun);
        Some(ThreadStreamEvent::ItemDone { item })
    }

    /// The steps as they stand with the answer, which is stored.
    pub(super) fn settle(&mut self, message: &Message) -> Option<ThreadStreamEvent> {
        let begun = self.begun.take()?;
        let item = of(message)?;
        if !self.is_done {
            return Some(ThreadStreamEvent::ItemDone { item });
        }
        (item != self.whole(begun)).then_some(ThreadStreamEvent::ItemReplaced { item })
    }

    /// There is no answer to show them with.
    pub(super) fn remove(&mut self) -> Option<ThreadStreamEvent> {
        let (answer, _) = self.begun.take()?;
        let item_id = format!("{PREFIX}{answer}");
        Some(ThreadStreamEvent::ItemRemoved { item_id })
    }

    fn whole(&self, (answer, began): (ItemId, DateTime<Utc>)) -> ThreadItem {
        let took = self.ended.map(|ended| ended - began);
        let workflow = workflow(self.tasks.clone(), took.filter(|_| self.is_done));
        item(answer, self.thread, began, workflow)
    }
}

/// What a model thinks, while it does.
#[derive(Debug, Default)]
pub(super) struct Thoughts {
    /// The item as which it is shown, and the thought so far.
    open: Option<(ItemId, String)>,
}

impl Thoughts {
    /// More of a thought. What is told of it must be whole each time, so that of several pieces at
    /// once only the last is.
    pub(super) fn tell(
        &mut self,
        id: ItemId,
        text: &str,
        begin: impl FnOnce(ItemKind) -> ThreadItem,
        told: &mut Vec<ThreadStreamEvent>,
    ) {
        let is_first = !self.are(id);
        if is_first {
            let workflow = Workflow {
                kind: WorkflowKind::Reasoning,
                ..workflow(Vec::new(), None)
            };
            let item = begin(ItemKind::Workflow { workflow });
            told.push(ThreadStreamEvent::ItemAdded { item });
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
        let update = match told.last_mut() {
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
        told.push(ThreadStreamEvent::ItemUpdated { item_id, update });
    }

    /// Whether these are shown as that item.
    pub(super) fn are(&self, id: ItemId) -> bool {
        matches!(&self.open, Some((open, _)) if *open == id)
    }

    /// The model has thought. Returns the item that was open.
    pub(super) fn end(&mut self) -> Option<ItemId> {
        self.open.take().map(|(id, _)| id)
    }
}
