//! A responder that answers as the reference server did when it was recorded.

use std::collections::HashMap;

use async_trait::async_trait;
use chatkit_agent::{Reply, Responder, ResponderError, Turn};
use chatkit_domain::{ConversationStatus, Title};
use chatkit_protocol::{ItemKind, NoticeLevel, ThreadStreamEvent, WorkflowKind};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Plays the turn that the user names.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) turns: HashMap<String, Vec<Value>>,
}

/// What was told behind the stream's options.
fn response(lines: &[Value]) -> Vec<Value> {
    let events = lines.iter().filter(|line| line["kind"] == "event");
    events.skip(3).map(|line| line["json"].clone()).collect()
}

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

/// The pieces of text that were told.
fn pieces(told: &[Value]) -> Vec<String> {
    let updates = told.iter().map(|event| &event["update"]);
    let deltas =
        updates.filter(|update| update["type"] == "assistant_message.content_part.text_delta");
    deltas.map(|update| read(&update["delta"])).collect()
}

/// The tasks that a workflow was told to have, each with whether it was there before.
fn tasks(told: &[Value]) -> impl Iterator<Item = (bool, &Value)> {
    told.iter()
        .filter_map(|event| match event["update"]["type"].as_str() {
            Some("workflow.task.added") => Some((false, &event["update"]["task"])),
            Some("workflow.task.updated") => Some((true, &event["update"]["task"])),
            _ if event["type"] == "thread.item.added" => {
                Some((false, event["item"]["workflow"]["tasks"].get(0)?))
            }
            _ => None,
        })
}

/// The summary of a workflow that was told to be done.
fn summary(told: &[Value]) -> Option<chatkit_protocol::Summary> {
    let done = told
        .iter()
        .filter(|event| event["type"] == "thread.item.done");
    let mut summaries = done.map(|event| &event["item"]["workflow"]["summary"]);
    summaries.find(|summary| !summary.is_null()).map(read)
}

async fn stream(turn: &Turn<'_>, pieces: &[String]) -> Result<(), ResponderError> {
    let mut message = turn.message();
    message.part();
    for piece in pieces {
        message.text(piece);
    }
    Ok(message.done().await?)
}

async fn show_steps(
    turn: &Turn<'_>,
    kind: WorkflowKind,
    told: &[Value],
) -> Result<(), ResponderError> {
    let mut workflow = turn.workflow(kind);
    let mut last = 0;
    for (was_there, task) in tasks(told) {
        if was_there {
            workflow.update(last, read(task));
        } else {
            last = workflow.add(read(task));
        }
    }
    Ok(workflow.done(summary(told)).await?)
}

fn title(text: &str) -> Title {
    Title::parse(text).unwrap()
}

/// An answer that is begun and breaks off.
fn begin(turn: &Turn<'_>) {
    let mut message = turn.message();
    message.text("Partial");
}

#[async_trait]
impl Responder for Player {
    fn names_conversations(&self) -> bool {
        true
    }

    async fn respond(&self, turn: &Turn<'_>) -> Result<Reply, ResponderError> {
        let said = turn.user_message().content.as_str();
        let name = said.strip_prefix('!').unwrap();
        let told = response(&self.turns[name]);
        match name.split('_').next().unwrap() {
            "widget" => show_widget(turn, name, &told).await?,
            "error" => return fail(turn, name, &told).await,
            _ if told.iter().any(|event| event["type"] == "thread.updated") => {
                change(turn, name, &told).await?;
            }
            _ if told
                .iter()
                .any(|event| event["type"] == "thread.item.updated") =>
            {
                write(turn, name, &told).await?;
            }
            _ => tell(turn, name, &told).await?,
        }
        Ok(Reply::Done)
    }
}

/// Turns that tell something at once.
async fn tell(turn: &Turn<'_>, name: &str, told: &[Value]) -> Result<(), ResponderError> {
    match name {
        "empty" => {}
        "notice" => {
            turn.notice(NoticeLevel::Info, "FYI", None);
            let almost = "**Almost** at your limit";
            turn.notice(NoticeLevel::Warning, almost, Some("Careful"));
            turn.notice(NoticeLevel::Danger, "Limit reached", Some("Stop"));
            turn.say("Noted.").await?;
        }
        "stream_options" => {
            turn.allow_cancel(false);
            turn.say("This part could not be cancelled.").await?;
            turn.allow_cancel(true);
        }
        "oneshot" => {
            turn.say("Whole message at once.").await?;
        }
        "end_of_turn" => {
            turn.say("Bye.").await?;
            turn.show(ItemKind::EndOfTurn {}).await?;
        }
        "task" => {
            turn.task(read(&told[0]["item"]["task"])).await?;
        }
        "replace" => {
            let id = turn.say("first version").await?;
            turn.replace(id, read(&told[1]["item"])).await?;
        }
        other => return Err(unknown(other)),
    }
    Ok(())
}

/// Turns that write something piece by piece.
async fn write(turn: &Turn<'_>, name: &str, told: &[Value]) -> Result<(), ResponderError> {
    match name {
        "text" | "unicode" => {}
        "hidden" => {
            turn.hide("The user is an administrator.").await?;
        }
        "progress" => {
            turn.progress("Searching...", Some("search"));
            turn.progress("Almost there", None);
        }
        "client_effect" => {
            turn.client_effect("highlight", read(&told[0]["data"]));
            turn.client_effect("refresh", Map::new());
        }
        "workflow" => show_steps(turn, WorkflowKind::Custom, told).await?,
        "reasoning" => show_steps(turn, WorkflowKind::Reasoning, told).await?,
        "image" => return draw(turn, told).await,
        "two_parts" | "annotations" | "remove" => return compose(turn, name, told).await,
        other => return Err(unknown(other)),
    }
    stream(turn, &pieces(told)).await
}

/// Messages that are more than a text.
async fn compose(turn: &Turn<'_>, name: &str, told: &[Value]) -> Result<(), ResponderError> {
    let mut message = turn.message();
    for piece in pieces(told) {
        if name == "two_parts" {
            message.part();
        }
        message.text(piece);
    }
    let annotations = told.iter().map(|event| &event["update"]["annotation"]);
    for annotation in annotations.filter(|annotation| !annotation.is_null()) {
        message.annotate(read(annotation));
    }
    if name == "remove" {
        message.remove().await?;
        turn.say("The draft was withdrawn.").await?;
        return Ok(());
    }
    Ok(message.done().await?)
}

async fn draw(turn: &Turn<'_>, told: &[Value]) -> Result<(), ResponderError> {
    let mut image = turn.image();
    for event in &told[1..4] {
        let progress = event["update"].get("progress").map(read);
        image.update(read(&event["update"]["image"]), progress);
    }
    Ok(image.done(read(&told[4]["item"]["image"])).await?)
}

fn unknown(name: &str) -> ResponderError {
    ResponderError::failed(format!("nobody plays {name}"))
}

/// Turns that change the thread.
async fn change(turn: &Turn<'_>, name: &str, told: &[Value]) -> Result<(), ResponderError> {
    match name {
        "close" => {
            turn.say("Closing.").await?;
            let reason = None;
            turn.set_status(ConversationStatus::Closed { reason })
                .await?;
        }
        "lock" => {
            turn.say("Locking.").await?;
            let reason = Some("Under review".to_owned());
            turn.set_status(ConversationStatus::Locked { reason })
                .await?;
        }
        "image_domains" => {
            turn.say(read::<String>(&told[0]["item"]["content"][0]["text"]))
                .await?;
            let domains = vec!["img.example.com".to_owned()];
            turn.set_image_domains(Some(domains)).await?;
        }
        "title" => {
            let mut message = turn.message();
            message.part();
            turn.set_title(title("A new title")).await?;
            for piece in pieces(told) {
                message.text(piece);
            }
            message.done().await?;
            let metadata = Map::from_iter([("seen".to_owned(), json!(true))]);
            turn.set_metadata(metadata.clone()).await?;
            assert_eq!(turn.conversation().await?.metadata, metadata);
        }
        "agent" => {
            turn.progress("Looking up tickets", Some("search"));
            show_steps(turn, WorkflowKind::Reasoning, &told[..5]).await?;
            let pieces = pieces(told);
            stream(turn, &pieces[..2]).await?;
            turn.show(read(&told[11]["item"])).await?;
            stream(turn, &pieces[2..]).await?;
            turn.set_title(title("Ticket lookup")).await?;
        }
        other => return Err(unknown(other)),
    }
    Ok(())
}

async fn show_widget(turn: &Turn<'_>, name: &str, told: &[Value]) -> Result<(), ResponderError> {
    let first = &told[0]["item"];
    let copy_text = first.get("copy_text").map(read);
    match name {
        "widget_stream" | "widget_stream_keep" | "widget_replace" => {
            let mut widget = turn.stream_widget(read(&first["widget"]), copy_text);
            for state in states(first["widget"].clone(), told) {
                widget.update(read(&state));
            }
            widget.done().await?;
        }
        "widget_component" => {
            let mut item = turn.item(read(first));
            let added = item.clone();
            turn.emit(ThreadStreamEvent::ItemAdded { item: added })
                .await?;
            let update = read(&told[1]["update"]);
            let item_id = item.id.clone();
            turn.emit(ThreadStreamEvent::ItemUpdated { item_id, update })
                .await?;
            item.kind = read(&told[2]["item"]);
            turn.emit(ThreadStreamEvent::ItemDone { item }).await?;
        }
        _ => {
            turn.widget(read(&first["widget"]), copy_text).await?;
        }
    }
    Ok(())
}

/// The states that a widget took on, by what was told of it.
fn states(mut widget: Value, told: &[Value]) -> Vec<Value> {
    let mut states = Vec::new();
    for event in told {
        let update = &event["update"];
        match update["type"].as_str() {
            Some("widget.root.updated") => widget = update["widget"].clone(),
            Some("widget.streaming_text.value_delta") => {
                let children = widget["children"].as_array_mut().unwrap();
                let mut children = children.iter_mut();
                let grows = children.find(|child| child["id"] == update["component_id"]);
                let value = &mut grows.unwrap()["value"];
                *value = json!(format!(
                    "{}{}",
                    value.as_str().unwrap(),
                    update["delta"].as_str().unwrap()
                ));
            }
            _ => continue,
        }
        states.push(widget.clone());
    }
    states
}

/// Turns that fail.
#[expect(clippy::panic, reason = "an exception was recorded")]
async fn fail(turn: &Turn<'_>, name: &str, told: &[Value]) -> Result<Reply, ResponderError> {
    let failure = |allow_retry| ResponderError::Failed {
        allow_retry,
        source: "as it was recorded".into(),
    };
    match name {
        "error_event" => {
            for event in told {
                turn.emit(read(event)).await?;
            }
            Ok(Reply::Done)
        }
        "error_custom" => {
            begin(turn);
            Err(ResponderError::Refused {
                message: "Your plan does not allow this.".to_owned(),
                allow_retry: true,
            })
        }
        "error_stream" => {
            begin(turn);
            Err(failure(true))
        }
        "error_stream_noretry" => Err(failure(false)),
        "error_exception" => {
            let mut message = turn.message();
            turn.set_title(title("Set before failing")).await?;
            message.text("Partial");
            panic!("as it was recorded");
        }
        other => Err(unknown(other)),
    }
}
