//! Changes to a request that a server has refused.
//!
//! Model servers differ in what they accept and do not announce it. A refused request is sent again
//! without the part that the refusal names. If that helps, this process remembers the change for
//! the model for ten minutes. Parameters that the caller set are never omitted. A refusal that
//! quotes the conversation is not remembered.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    OpenAiApi,
    refusal::{Refusal, contains},
    wording,
};
use crate::provider::{InputItem, ModelRequest};

/// How long an adaptation is remembered before the full form is tried again.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Most adaptations that one request tries.
pub(super) const MAX_TRIED: usize = 4;

/// A deviation from the full form of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Adaptation {
    /// Omits tools. Earlier calls are sent as text.
    NoTools,
    /// This optional parameter is left out.
    Without(&'static str),
    /// Neighbors of one role are joined, so that roles alternate.
    AlternateRoles,
    /// The instructions are part of the first user message.
    NoSystemRole,
    /// `""` instead of `null` beside tool calls.
    EmptyContent,
    /// Call ids of nine letters and digits.
    ShortCallIds,
    /// Omits the data that the server attached to earlier messages and calls.
    NoAttachedData,
}

/// The parameters that may be left out, besides tools.
const OPTIONAL: [&str; 6] = [
    "stream_options",
    "prompt_cache_key",
    "tool_choice",
    "reasoning",
    "include",
    "store",
];

impl Adaptation {
    /// The adaptation in words for the log.
    fn describe(self) -> &'static str {
        match self {
            Self::NoTools => "tools",
            Self::Without("stream_options") => "stream options, which ask for token counts",
            Self::Without(parameter) => parameter,
            Self::AlternateRoles => "neighbors of one role",
            Self::NoSystemRole => "the system role",
            Self::EmptyContent => "null as content",
            Self::ShortCallIds => "long call ids",
            Self::NoAttachedData => "reasoning and signatures of earlier answers",
        }
    }
}

/// An adaptation that a refusal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) adaptation: Adaptation,
    /// Whether the refusal itself asks for the change, not text that it quotes from the conversation.
    pub(super) is_trusted: bool,
}

/// Finds the adaptation that a refusal of this request asks for and that is not applied yet.
pub(super) fn asked_for(
    refusal: &Refusal,
    request: &ModelRequest,
    body: &serde_json::Value,
    applied: &BTreeSet<Adaptation>,
) -> Option<Asked> {
    let candidates = candidates(refusal, body);
    let mut fresh = candidates
        .into_iter()
        .filter(|(adaptation, _)| !applied.contains(adaptation));
    let (adaptation, evidence) = fresh.next()?;
    let is_trusted = match evidence {
        Evidence::Param => true,
        Evidence::Words(words) => !is_quoted(&refusal.text, words, request),
    };
    Some(Asked {
        adaptation,
        is_trusted,
    })
}

/// The part of a refusal that asks for an adaptation.
#[derive(Clone, Copy, Debug)]
enum Evidence {
    /// The member that says which parameter is refused.
    Param,
    /// The refusal's text contains one of these phrases.
    Words(&'static [&'static str]),
}

fn candidates(refusal: &Refusal, body: &serde_json::Value) -> Vec<(Adaptation, Evidence)> {
    let text = refusal.text.as_str();
    let mut found = Vec::new();
    let mut by_words = |adaptation, applies: bool, words: &'static [&'static str]| {
        if applies && contains(text, words) {
            found.push((adaptation, Evidence::Words(words)));
        }
    };
    let has = |name: &str| body.get(name).is_some();
    let messages = body.get("messages").and_then(serde_json::Value::as_array);
    let any_message = |test: &dyn Fn(&serde_json::Value) -> bool| {
        messages.is_some_and(|messages| messages.iter().any(test))
    };
    let has_calls = any_message(&|message| message.get("tool_calls").is_some());
    by_words(Adaptation::NoTools, has("tools"), wording::NO_TOOLS);
    by_words(
        Adaptation::AlternateRoles,
        messages.is_some(),
        wording::ALTERNATE,
    );
    by_words(
        Adaptation::NoSystemRole,
        any_message(&|message| message["role"] == "system"),
        wording::NO_SYSTEM_ROLE,
    );
    by_words(Adaptation::ShortCallIds, has_calls, wording::SHORT_CALL_IDS);
    let has_null = any_message(&|message| message["content"].is_null());
    by_words(
        Adaptation::EmptyContent,
        has_null && text.contains("content"),
        wording::NO_NULL,
    );
    let attached = wording::ATTACHED;
    by_words(Adaptation::NoAttachedData, has_attached(body), attached);
    for parameter in OPTIONAL {
        let is_named = refusal
            .param
            .split(['.', '/'])
            .any(|part| part == parameter);
        if has(parameter) && is_named {
            found.insert(0, (Adaptation::Without(parameter), Evidence::Param));
        } else if has(parameter) && text.contains(parameter) && refusal.param.is_empty() {
            let words = words_of(parameter);
            found.push((Adaptation::Without(parameter), Evidence::Words(words)));
        }
    }
    if has("tools") && refusal.param == "tools" {
        found.push((Adaptation::NoTools, Evidence::Param));
    }
    found
}

/// The name of a parameter as words to look for.
fn words_of(parameter: &'static str) -> &'static [&'static str] {
    let position = OPTIONAL.iter().position(|known| *known == parameter);
    position.map_or(&[], |position| std::slice::from_ref(&OPTIONAL[position]))
}

/// Whether a body carries data that the server attached to earlier answers.
fn has_attached(body: &serde_json::Value) -> bool {
    let members = |value: &serde_json::Value| {
        let members = value.as_object().into_iter().flatten();
        members
            .into_iter()
            .any(|(name, _)| super::attached::goes_back(name))
    };
    let list = |name: &str| body[name].as_array().into_iter().flatten();
    list("messages").any(|message| {
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        members(message) || calls.into_iter().any(members)
    }) || list("input").any(|item| item["type"] == "reasoning")
}

/// Whether all matching phrases of the refusal also appear in the request. If so, the refusal may
/// only be quoting it.
fn is_quoted(text: &str, words: &[&str], request: &ModelRequest) -> bool {
    let found = words.iter().filter(|word| text.contains(**word));
    let sent: Vec<String> = request
        .input
        .iter()
        .flat_map(texts_of)
        .map(normalize)
        .collect();
    found.into_iter().all(|word| {
        let word = normalize(word);
        sent.iter().any(|text| text.contains(&word))
    })
}

/// Everything in an item that a person or a tool may have written.
fn texts_of(item: &InputItem) -> Vec<&str> {
    match item {
        InputItem::User(text) | InputItem::Note(text) => vec![text],
        InputItem::Assistant { text, calls } => {
            let calls = calls.iter();
            let texts = calls.flat_map(|call| [call.arguments.as_str(), &call.tool_name]);
            texts.chain([text.as_str()]).collect()
        }
        InputItem::ToolResult { output, .. } => vec![output],
    }
}

/// Normalizes text so that a quotation compares equal to its source.
fn normalize(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The adaptations that helped, for each model.
#[derive(Debug)]
pub(super) struct Memory {
    /// Adaptations that the operator set for all models.
    fixed: BTreeSet<Adaptation>,
    learned: Mutex<Learned>,
}

#[derive(Debug, Default)]
struct Learned {
    until: HashMap<(String, Adaptation), Instant>,
    logged: HashSet<(String, Adaptation)>,
}

impl Memory {
    pub(super) fn new(fixed: BTreeSet<Adaptation>) -> Self {
        Self {
            fixed,
            learned: Mutex::default(),
        }
    }

    /// Returns the adaptations for requests to this model.
    pub(super) fn of(&self, model: &str) -> BTreeSet<Adaptation> {
        let now = Instant::now();
        let mut learned = self.lock();
        learned.until.retain(|_, until| *until > now);
        let of_model = learned.until.keys().filter(|(known, _)| known == model);
        let of_model = of_model.map(|(_, adaptation)| *adaptation);
        self.fixed.iter().copied().chain(of_model).collect()
    }

    /// Remembers an adaptation that helped. Logs it the first time.
    pub(super) fn learn(&self, api: OpenAiApi, model: &str, adaptation: Adaptation) {
        let key = (model.to_owned(), adaptation);
        let until = Instant::now() + REMEMBERED;
        let mut learned = self.lock();
        learned.until.insert(key.clone(), until);
        if learned.logged.insert(key) {
            tracing::info!(
                model,
                api = api.as_str(),
                refused = adaptation.describe(),
                "changed requests to fit the model's server"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
