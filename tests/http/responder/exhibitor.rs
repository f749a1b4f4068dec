//! A responder that says and shows what the user asks for.

use async_trait::async_trait;
use chatkit_agent::{Reply, Responder, ResponderError, Turn};
use chatkit_domain::ConversationStatus;
use chatkit_protocol::{
    ClientToolCallStatus, GeneratedImage, ItemKind, OutputText, StatusIndicator, StructuredInput,
    Task, TaskKind, WorkflowKind, widget::build,
};
use serde_json::{Map, json};

/// Shows one item of each kind, and lets the agent answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exhibitor;

#[async_trait]
impl Responder for Exhibitor {
    async fn respond(&self, turn: &Turn<'_>) -> Result<Reply, ResponderError> {
        match turn.user_message().content.as_str() {
            "refuse" => Err(ResponderError::Refused {
                message: "Your plan does not allow this.".to_owned(),
                allow_retry: false,
            }),
            "hang" => std::future::pending().await,
            "say and hang" => {
                turn.say("Said.").await?;
                std::future::pending().await
            }
            "once" => answer_once(turn).await,
            "show" | "lock" | "note" | "picture" => {
                prepare(turn).await?;
                Ok(Reply::ByAgent)
            }
            "twice" | "mend" | "language" | "widget" | "withdraw" | "withdraw and answer" => {
                answer(turn).await?;
                Ok(Reply::Done)
            }
            _ => Ok(Reply::ByAgent),
        }
    }
}

/// Whole the first time, and a failure behind it ever after.
async fn answer_once(turn: &Turn<'_>) -> Result<Reply, ResponderError> {
    let is_first = turn.conversation().await?.metadata.is_empty();
    let seen = Map::from_iter([("seen".to_owned(), json!(true))]);
    turn.set_metadata(seen).await?;
    if is_first {
        turn.say("Whole.").await?;
        return Ok(Reply::Done);
    }
    turn.say("Half.").await?;
    Err(ResponderError::failed("it was answered before"))
}

/// What comes before the agent's answer.
async fn prepare(turn: &Turn<'_>) -> Result<(), ResponderError> {
    match turn.user_message().content.as_str() {
        "show" => show_everything(turn).await?,
        "lock" => {
            let reason = Some("Under review".to_owned());
            turn.set_status(ConversationStatus::Locked { reason })
                .await?;
        }
        "picture" => {
            let image = GeneratedImage {
                id: "ig_1".to_owned(),
                url: format!("data:image/png;base64,{}", "A".repeat(200_000)),
            };
            turn.image().done(image).await?;
        }
        _ => {
            turn.hide("The user is an administrator.").await?;
        }
    }
    Ok(())
}

/// What is an answer itself.
async fn answer(turn: &Turn<'_>) -> Result<(), ResponderError> {
    match turn.user_message().content.as_str() {
        "language" => {
            let locale = turn.options().locale.clone();
            turn.say(locale.unwrap_or_default()).await?;
        }
        "withdraw" => {
            let draft = turn.say("A draft.").await?;
            turn.remove(draft).await?;
        }
        "withdraw and answer" => {
            let draft = turn.say("A draft.").await?;
            turn.remove(draft).await?;
            let mut started = turn.message();
            started.text("Another dra");
            started.remove().await?;
            turn.say("The answer.").await?;
        }
        "widget" => {
            let text = build::text("Sunny");
            turn.widget(build::card([text]).widget(), None).await?;
        }
        "mend" => {
            let first = turn.say("first version").await?;
            let mut other = turn.message();
            other.text("Hel");
            turn.say("In between.").await?;
            other.text("lo.");
            other.done().await?;
            let content = vec![OutputText::new("second version")];
            turn.replace(first, ItemKind::AssistantMessage { content })
                .await?;
        }
        _ => {
            turn.say("First.").await?;
            let mut second = turn.message();
            second.text("Sec");
            second.text("ond.");
            second.done().await?;
        }
    }
    Ok(())
}

fn step(title: &str, content: &str) -> Task {
    Task {
        status_indicator: StatusIndicator::Complete,
        title: Some(title.to_owned()),
        kind: TaskKind::Custom {
            icon: None,
            content: Some(content.to_owned()),
        },
    }
}

async fn show_everything(turn: &Turn<'_>) -> Result<(), ResponderError> {
    let text = build::text("Sunny");
    turn.widget(build::card([text]).widget(), None).await?;
    let mut steps = turn.workflow(WorkflowKind::Custom);
    steps.add(step("Look", "out of the window"));
    steps.add(Task {
        status_indicator: StatusIndicator::None,
        title: None,
        kind: TaskKind::Thought {
            content: "A secret thought".to_owned(),
        },
    });
    steps.done(None).await?;
    turn.task(step("Booked", "for two")).await?;
    let question: StructuredInput = serde_json::from_value(json!({
        "id": "when", "type": "freeform", "question": "When?",
        "answer": {"values": ["At noon"], "skipped": false},
    }))
    .unwrap();
    turn.ask(vec![question]).await?;
    let image = GeneratedImage {
        id: "ig_1".to_owned(),
        url: "data:image/png;base64,AAAA".to_owned(),
    };
    turn.image().done(image).await?;
    for (call_id, status, output) in [
        (
            "done",
            ClientToolCallStatus::Completed,
            Some(json!({"x": 1.0})),
        ),
        ("open", ClientToolCallStatus::Pending, None),
    ] {
        turn.show(ItemKind::ClientToolCall {
            status,
            call_id: call_id.to_owned(),
            name: "get_selection".to_owned(),
            arguments: Map::new(),
            output,
        })
        .await?;
    }
    turn.hide("The user is an administrator.").await?;
    turn.show(ItemKind::EndOfTurn {}).await?;
    Ok(())
}
