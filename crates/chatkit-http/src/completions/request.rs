//! What a completion asks for. What is not known is ignored, as OpenAI adds fields often.

use chatkit_agent::{RunOptions, StartInput, StartRun, provider::Sampling};
use chatkit_domain::{ConversationId, Dialect, EarlierMessage, MessageText, Role, RunTarget};
use serde::Deserialize;
use serde_json::Value;

use super::error::Refusal;
use crate::{
    problem::{ApiError, Resource},
    state::ApiState,
};

/// Most messages that a new conversation can begin with.
const MAX_EARLIER: usize = 500;

/// The body of a request.
#[derive(Debug, Deserialize)]
pub(super) struct CompletionRequest {
    messages: Vec<IncomingMessage>,
    model: Option<String>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    metadata: Option<Value>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    stop: Option<Stop>,
    seed: Option<i64>,
    tools: Option<Value>,
    functions: Option<Value>,
    n: Option<u64>,
    logprobs: Option<bool>,
    response_format: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct IncomingMessage {
    role: String,
    content: Option<Value>,
}

/// A request that was checked.
#[derive(Debug)]
pub(super) struct Completion {
    pub(super) start: StartRun,
    pub(super) stream: bool,
    /// Whether a stream ends with its usage.
    pub(super) stream_usage: bool,
}

impl CompletionRequest {
    /// Checks a request, with the conversation that its header names.
    pub(super) fn check(
        self,
        header: Option<&str>,
        state: &ApiState,
    ) -> Result<Completion, Refusal> {
        self.refuse_unsupported()?;
        let conversation = self.conversation(header)?;
        let texts = self
            .messages
            .iter()
            .map(IncomingMessage::text)
            .collect::<Result<Vec<_>, _>>()?;
        let is_users = self.messages.last().is_some_and(|last| last.role == "user");
        let (true, Some((text, before))) = (is_users, texts.split_last()) else {
            return Err(Refusal::field(
                "messages",
                "must end with a message of the user's",
            ));
        };
        let text = MessageText::parse(text.clone())
            .map_err(|error| Refusal::field("messages", format!("the last message {error}")))?;
        let (target, instructions) = match conversation {
            // Its history is in the database.
            Some(id) => (RunTarget::Existing(id), String::new()),
            None => {
                let id = state.clock().id();
                let (earlier, instructions) = self.earlier(before, state)?;
                (RunTarget::New { id, earlier }, instructions)
            }
        };
        let models = &state.options().models;
        let options = RunOptions {
            model: self.model.clone().filter(|model| models.contains(model)),
            instructions,
            sampling: self.sampling(),
            tool: None,
            locale: None,
        };
        Ok(Completion {
            start: StartRun {
                target,
                input: StartInput::Say(text, None),
                dialect: Dialect::Completions,
                idempotency: None,
                options,
            },
            stream: self.stream.unwrap_or_default(),
            stream_usage: self
                .stream_options
                .and_then(|options| options.include_usage)
                .unwrap_or_default(),
        })
    }

    /// Refuses what would be misunderstood if it were ignored.
    fn refuse_unsupported(&self) -> Result<(), Refusal> {
        let is_set = |value: &Option<Value>| match value {
            None | Some(Value::Null) => false,
            Some(Value::Array(values)) => !values.is_empty(),
            Some(_) => true,
        };
        let format = self.response_format.as_ref().map(|format| &format["type"]);
        let unsupported = [
            ("tools", is_set(&self.tools)),
            ("functions", is_set(&self.functions)),
            ("n", self.n.is_some_and(|n| n > 1)),
            ("logprobs", self.logprobs.unwrap_or_default()),
            (
                "response_format",
                format.is_some_and(|kind| !kind.is_null() && kind != "text"),
            ),
        ];
        match unsupported.into_iter().find(|(_, found)| *found) {
            Some((param, _)) => Err(Refusal::field(param, "is not supported")),
            None => Ok(()),
        }
    }

    /// The conversation that the header or the metadata names.
    fn conversation(&self, header: Option<&str>) -> Result<Option<ConversationId>, Refusal> {
        let metadata = self.metadata.as_ref();
        let named = metadata.and_then(|metadata| metadata["conversation_id"].as_str());
        let name = match (header, named) {
            (Some(one), Some(other)) if one != other => {
                let message = "names another conversation than the header X-Conversation-Id";
                return Err(Refusal::field("metadata.conversation_id", message));
            }
            (one, other) => one.or(other),
        };
        name.map(|name| {
            name.parse()
                .map_err(|_| ApiError::NotFound(Resource::Conversation).into())
        })
        .transpose()
    }

    /// The messages before the last: those of the conversation, and the instructions for this turn.
    fn earlier(
        &self,
        texts: &[String],
        state: &ApiState,
    ) -> Result<(Vec<EarlierMessage>, String), Refusal> {
        let mut earlier = Vec::new();
        let mut instructions = Vec::new();
        for (message, text) in self.messages.iter().zip(texts) {
            let role = match message.role.as_str() {
                "system" | "developer" => {
                    instructions.push(text.as_str());
                    continue;
                }
                "user" => Role::User,
                "assistant" => Role::Assistant,
                // Results of the caller's own tools, which are not kept here.
                _ => continue,
            };
            if !text.trim().is_empty() {
                earlier.push(EarlierMessage {
                    id: state.clock().id(),
                    role,
                    content: text.clone(),
                });
            }
        }
        if earlier.len() > MAX_EARLIER {
            let message = format!("must be at most {MAX_EARLIER} before the last");
            return Err(Refusal::field("messages", message));
        }
        Ok((earlier, instructions.join("\n\n")))
    }

    fn sampling(&self) -> Sampling {
        Sampling {
            temperature: self.temperature,
            top_p: self.top_p,
            max_tokens: self.max_tokens,
            max_completion_tokens: self.max_completion_tokens,
            stop: match &self.stop {
                None => Vec::new(),
                Some(Stop::One(text)) => vec![text.clone()],
                Some(Stop::Several(texts)) => texts.clone(),
            },
            seed: self.seed,
        }
    }
}

impl IncomingMessage {
    /// The text of a message: a string, or parts of text.
    fn text(&self) -> Result<String, Refusal> {
        let text = match &self.content {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => parts
                .iter()
                .map(|part| part["text"].as_str())
                .collect::<Option<String>>()
                .ok_or_else(|| Refusal::field("messages", "may hold only parts of text"))?,
            Some(_) => return Err(Refusal::field("messages", "must have text as content")),
        };
        if text.contains('\0') {
            return Err(Refusal::field("messages", "must not contain U+0000"));
        }
        Ok(text)
    }
}
