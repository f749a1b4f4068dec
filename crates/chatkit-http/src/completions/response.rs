//! Completions, whole and in chunks. The order of chunks is the one that the official SDKs expect:
//! a role once, text, the reason of the end, the usage if it was requested.

use chatkit_agent::{EndedRun, StartedRun, provider::FinishReason};
use chatkit_domain::{Run, Usage};
use futures::{Stream, StreamExt, stream};
use poem::Response;
use serde_json::{Value, json};

use super::{error, projection::AnswerText};
use crate::{problem::ApiError, sse, turns::answer_of};

/// A run's answer as a completion.
pub(super) struct Completion {
    run: Run,
    text: String,
    finish_reason: FinishReason,
}

impl Completion {
    /// The answer of a run that has one.
    pub(super) fn of(ended: EndedRun) -> Result<Self, ApiError> {
        let message = answer_of(&ended.run, ended.assistant_message, ended.failure)?;
        Ok(Self {
            run: ended.run,
            text: message.content,
            finish_reason: ended.finish_reason,
        })
    }

    pub(super) fn into_response(self) -> Response {
        let message = json!({"role": "assistant", "content": self.text, "refusal": null});
        let choice = json!({
            "index": 0, "message": message, "logprobs": null,
            "finish_reason": reason(self.finish_reason),
        });
        let body = json!({
            "id": id(&self.run),
            "object": "chat.completion",
            "created": self.run.created_at.timestamp(),
            "model": self.run.model,
            "choices": [choice],
            "usage": usage(self.run.usage.unwrap_or_default()),
        });
        Response::builder()
            .content_type("application/json")
            .body(body.to_string())
    }
}

/// The answer of a run as it is written.
pub(super) fn stream(started: StartedRun, with_usage: bool) -> Response {
    let chunks = Chunks {
        id: id(&started.run),
        run: started.run.clone(),
        with_usage,
    };
    let first = chunks.chunk(json!({"role": "assistant", "content": ""}), None);
    let opening = format!("{}{first}", sse::COMMENT);
    sse::response(stream::once(async move { opening }).chain(parts(started, chunks)))
}

fn parts(started: StartedRun, chunks: Chunks) -> impl Stream<Item = String> + Send {
    let text = AnswerText::new(started.run.id);
    stream::unfold(Some((started, text, chunks)), |state| async move {
        let (mut started, mut text, chunks) = state?;
        let next = next_piece(&mut started, &mut text);
        match tokio::time::timeout(sse::HEARTBEAT, next).await {
            Err(_) => Some((sse::COMMENT.to_owned(), Some((started, text, chunks)))),
            Ok(Some(piece)) => {
                let chunk = chunks.chunk(json!({"content": piece}), None);
                Some((chunk, Some((started, text, chunks))))
            }
            Ok(None) => Some((chunks.end(started).await, None)),
        }
    })
}

/// Waits for the next piece of text. `None` if no more follows.
async fn next_piece(started: &mut StartedRun, text: &mut AnswerText) -> Option<String> {
    loop {
        if let Some(piece) = text.take() {
            return Some(piece);
        }
        for numbered in started.next_events().await? {
            text.project(&numbered.event);
        }
    }
}

/// The members that all chunks of a completion share.
struct Chunks {
    id: String,
    run: Run,
    with_usage: bool,
}

impl Chunks {
    fn chunk(&self, delta: Value, finish_reason: Option<&str>) -> String {
        let choice = json!({
            "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason,
        });
        self.event(json!([choice]), Value::Null)
    }

    fn event(&self, choices: Value, usage: Value) -> String {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.run.created_at.timestamp(),
            "model": self.run.model,
            "choices": choices,
        });
        if self.with_usage {
            chunk["usage"] = usage;
        }
        format!("data: {chunk}\n\n")
    }

    /// The chunks after the last text: the end of the stored answer, or an error.
    async fn end(&self, started: StartedRun) -> String {
        let answer = match started.finished().await {
            Ok(ended) => Completion::of(ended),
            Err(_) => Err(ApiError::interrupted(self.run.clone())),
        };
        match answer {
            Ok(answer) => {
                let mut end = self.chunk(json!({}), Some(reason(answer.finish_reason)));
                if self.with_usage {
                    let spent = usage(answer.run.usage.unwrap_or_default());
                    end.push_str(&self.event(json!([]), spent));
                }
                end.push_str("data: [DONE]\n\n");
                end
            }
            Err(error) => {
                error.report();
                format!("data: {}\n\n", error::body(&error))
            }
        }
    }
}

fn id(run: &Run) -> String {
    format!("chatcmpl-{}", run.id)
}

const fn reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ContentFilter => "content_filter",
    }
}

fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens(),
    })
}
