//! The request for a completion. Unknown members are ignored, as OpenAI often adds some.

use chatkit_agent::{RunOptions, StartInput, StartRun, provider::Sampling};
use chatkit_domain::{
    ConversationId, Dialect, EarlierMessage, MessageText, Resource, Role, RunTarget,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{problem::ApiError, state::ApiState};

/// Largest number of messages with which a new conversation can start.
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

/// A request that has been checked.
#[derive(Debug)]
pub(super) struct CheckedRequest {
    pub(super) start: StartRun,
    pub(super) stream: bool,
    /// Whether the stream ends with the usage.
    pub(super) stream_usage: bool,
}

impl CompletionRequest {
    /// Checks a request, with the conversation that its header names.
    pub(super) fn check(
        self,
        header: Option<&str>,
        state: &ApiState,
    ) -> Result<CheckedRequest, ApiError> {
        self.refuse_unsupported()?;
        let conversation = self.conversation(header)?;
        let (text, before) = self.texts()?;
        let (target, instructions) = match conversation {
            // The history is in the database.
            Some(id) => (RunTarget::Existing(id), String::new()),
            None => {
                let id = state.clock().id();
                let (earlier, instructions) = self.earlier(&before, state)?;
                (RunTarget::New { id, earlier }, instructions)
            }
        };
        let models = &state.options().models;
        let options = RunOptions::new()
            .with_model(self.model.clone().filter(|model| models.contains(model)))
            .with_instructions(instructions)
            .with_sampling(self.sampling());
        let input = StartInput::Message(text, None);
        let stream_usage = self.stream_options.and_then(|asked| asked.include_usage);
        Ok(CheckedRequest {
            start: StartRun::new(target, input, Dialect::Completions).with_options(options),
            stream: self.stream.unwrap_or_default(),
            stream_usage: stream_usage.unwrap_or_default(),
        })
    }

    /// The text of the last message, which must be the user's, and the texts before it.
    fn texts(&self) -> Result<(MessageText, Vec<String>), ApiError> {
        let texts = self.messages.iter().map(IncomingMessage::text);
        let mut texts = texts.collect::<Result<Vec<_>, _>>()?;
        let is_users = self.messages.last().is_some_and(|last| last.role == "user");
        let last = texts.pop().filter(|_| is_users);
        let last = last
            .ok_or_else(|| ApiError::invalid("messages", "must end with a message of the user"))?;
        let text = MessageText::parse(last)
            .map_err(|error| ApiError::invalid("messages", format!("the last message {error}")))?;
        Ok((text, texts))
    }

    /// Refuses members whose meaning would be lost if they were ignored.
    fn refuse_unsupported(&self) -> Result<(), ApiError> {
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
            Some((param, _)) => Err(ApiError::invalid(param, "is not supported")),
            None => Ok(()),
        }
    }

    /// The conversation that the header or the metadata names.
    fn conversation(&self, header: Option<&str>) -> Result<Option<ConversationId>, ApiError> {
        let metadata = self.metadata.as_ref();
        let named = metadata.and_then(|metadata| metadata["conversation_id"].as_str());
        let name = match (header, named) {
            (Some(one), Some(other)) if one != other => {
                let message = "names another conversation than the header X-Conversation-Id";
                return Err(ApiError::invalid("metadata.conversation_id", message));
            }
            (one, other) => one.or(other),
        };
        name.map(|name| {
            name.parse()
                .map_err(|_| ApiError::NotFound(Resource::Conversation))
        })
        .transpose()
    }

    /// The messages before the last, split into those of the conversation and the instructions for
    /// this turn.
    fn earlier(
        &self,
        texts: &[String],
        state: &ApiState,
    ) -> Result<(Vec<EarlierMessage>, String), ApiError> {
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
                // Results of the caller's own tools, which are not stored here.
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
            return Err(ApiError::invalid("messages", message));
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
    fn text(&self) -> Result<String, ApiError> {
        let text = match &self.content {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => parts
                .iter()
                .map(|part| part["text"].as_str())
                .collect::<Option<String>>()
                .ok_or_else(|| ApiError::invalid("messages", "may hold only parts of text"))?,
            Some(_) => return Err(ApiError::invalid("messages", "must have text as content")),
        };
        if text.contains('\0') {
            return Err(ApiError::invalid("messages", "must not contain U+0000"));
        }
        Ok(text)
    }
}
