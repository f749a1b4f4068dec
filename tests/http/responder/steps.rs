//! A turn that is told event by event, each when it may be.

use std::sync::Arc;

use async_trait::async_trait;
use chatkit_agent::{Reply, Responder, ResponderError, Turn};
use chatkit_domain::{Item, Title};
use chatkit_protocol::{
    Annotation, AnnotationTag, GeneratedImage, Source, SourceDetails, StatusIndicator, Task,
    TaskKind, Widget, WorkflowKind, widget::build,
};
use chatkit_tests::Client;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::suite::chatkit::said;

/// How many events come before the first step.
const OPENING: usize = 3;

/// Takes a step whenever it may.
#[derive(Clone, Debug)]
pub(super) struct Stepper {
    steps: Arc<Semaphore>,
}

impl Default for Stepper {
    fn default() -> Self {
        let steps = Arc::new(Semaphore::new(0));
        Self { steps }
    }
}

impl Stepper {
    /// Waits until one more event may be told.
    async fn may(&self) {
        if let Ok(step) = self.steps.acquire().await {
            step.forget();
        }
    }

    /// Has it take all steps that are left.
    pub(super) fn go_on(&self) {
        self.steps.add_permits(1_000);
    }

    /// Begins a turn in a new thread and leaves it behind so many events. Returns what was told, and
    /// the thread.
    pub(super) async fn run(&self, client: &Client, count: usize) -> (Vec<Value>, String) {
        self.steps.forget_permits(usize::MAX);
        self.steps
            .add_permits(count.saturating_sub(OPENING).min(1_000));
        let body = json!({"type": "threads.create", "params": {"input": said("step")}});
        let request = client.request(Method::POST, "/chatkit").json(&body);
        let mut response = request.send().await.unwrap();
        let (mut text, mut told): (_, Vec<Value>) = (String::new(), Vec::new());
        while told.len() < count {
            let Some(chunk) = response.chunk().await.unwrap() else {
                break;
            };
            text.push_str(std::str::from_utf8(&chunk).unwrap());
            while let Some((frame, rest)) = text.split_once("\n\n") {
                if let Some(data) = frame.strip_prefix("data: ") {
                    told.push(serde_json::from_str(data).unwrap());
                }
                text = rest.to_owned();
            }
        }
        assert!(told.len() <= count, "{told:?}");
        let thread = &told[0]["thread"]["id"];
        let thread = thread.as_str().unwrap().to_owned();
        (told, thread)
    }
}

fn thought(content: &str) -> Task {
    Task {
        status_indicator: StatusIndicator::None,
        title: None,
        kind: TaskKind::Thought {
            content: content.to_owned(),
        },
    }
}

fn card(text: &str) -> Widget {
    let text = build::markdown(text).id("body");
    build::card([text]).widget()
}

fn annotation() -> Annotation {
    Annotation {
        tag: AnnotationTag::Annotation,
        source: Source::File {
            filename: "a.pdf".to_owned(),
            details: SourceDetails {
                title: "A".to_owned(),
                ..SourceDetails::default()
            },
        },
        index: Some(4),
    }
}

fn picture() -> GeneratedImage {
    GeneratedImage {
        id: "ig_1".to_owned(),
        url: "https://img.example.com/1.png".to_owned(),
    }
}

#[async_trait]
impl Responder for Stepper {
    fn names_conversations(&self) -> bool {
        true
    }

    async fn respond(&self, turn: &Turn<'_>) -> Result<Reply, ResponderError> {
        if turn.user_message().content == "notes" {
            let notes = turn
                .history(50)
                .await?
                .into_iter()
                .filter_map(|item| match item {
                    Item::HiddenContext(note) => Some(note.content),
                    _ => None,
                });
            let notes: Vec<String> = notes.collect();
            turn.say(format!("Notes: {}", notes.join("; "))).await?;
            return Ok(Reply::Done);
        }
        self.work(turn).await?;
        self.write(turn).await?;
        self.show(turn).await?;
        self.insist(turn).await?;
        Ok(Reply::Done)
    }
}

impl Stepper {
    async fn work(&self, turn: &Turn<'_>) -> Result<(), ResponderError> {
        self.may().await;
        turn.progress("Looking", None);
        self.may().await;
        let mut steps = turn.workflow(WorkflowKind::Reasoning);
        self.may().await;
        steps.add(thought("Let me"));
        self.may().await;
        steps.update(0, thought("Let me think."));
        self.may().await;
        Ok(steps.done(None).await?)
    }

    async fn write(&self, turn: &Turn<'_>) -> Result<(), ResponderError> {
        self.may().await;
        let mut message = turn.message();
        self.may().await;
        message.part();
        for piece in [" \n", "It is", " so"] {
            self.may().await;
            message.text(piece);
        }
        self.may().await;
        message.annotate(annotation());
        self.may().await;
        message.end_part();
        self.may().await;
        message.done().await?;
        self.may().await;
        Ok(turn.set_title(Title::parse("So it is").unwrap()).await?)
    }

    async fn show(&self, turn: &Turn<'_>) -> Result<(), ResponderError> {
        self.may().await;
        let mut widget = turn.stream_widget(card("Dear"), None);
        self.may().await;
        widget.update(card("Dear all"));
        self.may().await;
        widget.done().await?;
        self.may().await;
        let mut image = turn.image();
        self.may().await;
        image.update(picture(), Some(0.5));
        self.may().await;
        image.done(picture()).await?;
        self.may().await;
        let draft = turn.say("A draft").await?;
        self.may().await;
        Ok(turn.remove(draft).await?)
    }

    async fn insist(&self, turn: &Turn<'_>) -> Result<(), ResponderError> {
        self.may().await;
        turn.allow_cancel(false);
        self.may().await;
        turn.say("This is said to its end.").await?;
        self.may().await;
        let mut message = turn.message();
        self.may().await;
        message.part();
        self.may().await;
        message.text("The end");
        self.may().await;
        message.end_part();
        self.may().await;
        Ok(message.done().await?)
    }
}

/// Whether a client that leaves behind these events stops the turn.
pub(super) fn may_stop(told: &[Value]) -> bool {
    let mut options = told.iter().rev().map(|event| &event["stream_options"]);
    let last = options.find(|options| options.is_object()).unwrap();
    last["allow_cancel"] == true
}

/// The items that stay of these events: those that are done, in their order; and when the turn was
/// stopped, the messages that were begun and say something.
pub(super) fn kept(told: &[Value], is_whole: bool) -> Vec<Value> {
    let (mut done, mut begun): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for event in told {
        let item = &event["item"];
        let id = event.get("item_id").unwrap_or_else(|| &item["id"]);
        match event["type"].as_str().unwrap() {
            "thread.item.added" => begun.push(item.clone()),
            "thread.item.done" => {
                begun.retain(|begun| begun["id"] != *id);
                done.push(item.clone());
            }
            "thread.item.removed" => done.retain(|done| done["id"] != *id),
            "thread.item.updated" => {
                if let Some(begun) = begun.iter_mut().find(|begun| begun["id"] == *id) {
                    write_to(begun, &event["update"]);
                }
            }
            _ => {}
        }
    }
    let says_something = |item: &Value| {
        let text = item["content"][0]["text"].as_str().unwrap_or_default();
        item["type"] == "assistant_message" && !text.trim().is_empty()
    };
    begun.retain(|item| !is_whole && says_something(item));
    done.extend(begun);
    done
}

/// A message with one part, as it goes on.
fn write_to(item: &mut Value, update: &Value) {
    match update["type"].as_str().unwrap() {
        "assistant_message.content_part.added" | "assistant_message.content_part.done" => {
            item["content"] = json!([update["content"]]);
        }
        "assistant_message.content_part.text_delta" => {
            let text = &mut item["content"][0]["text"];
            let delta = update["delta"].as_str().unwrap();
            *text = json!(format!("{}{delta}", text.as_str().unwrap()));
        }
        "assistant_message.content_part.annotation_added" => {
            item["content"][0]["annotations"] = json!([update["annotation"]]);
        }
        _ => {}
    }
}
