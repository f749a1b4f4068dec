//! Changes to requests that a server has refused.
//!
//! Model servers accept different requests and do not announce what they accept. A refused request
//! is sent again without the part that the refusal names. If that helps, this process remembers the
//! change for the model for ten minutes. Parameters that the caller set are never omitted. A
//! refusal that quotes the conversation is not remembered.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::options::OpenAiApi;

/// How long an adaptation is remembered. After that, the full form is tried again.
const REMEMBERED: Duration = Duration::from_secs(600);

/// The maximum number of adaptations that one request tries.
pub(super) const MAX_TRIED: usize = 4;

/// A deviation from the full form of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Adaptation {
    /// Omits tools. Earlier calls are sent as text.
    NoTools,
    /// Omits this optional parameter.
    Without(&'static str),
    /// Joins adjacent messages of the same role, so that roles alternate.
    AlternateRoles,
    /// Sends the instructions as part of the first user message.
    NoSystemRole,
    /// Sends `""` instead of `null` beside tool calls.
    EmptyContent,
    /// Sends call ids of nine letters and digits.
    ShortCallIds,
    /// Omits the data that the server attached to earlier messages and calls.
    NoAttachedData,
    /// Sends calls without such data as text, because another model made them.
    ForeignCallsAsText,
}

impl Adaptation {
    /// Describes the adaptation for the log.
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
            Self::ForeignCallsAsText => "calls without reasoning or signatures",
        }
    }
}

/// The adaptations that helped, for each model.
#[derive(Debug)]
pub(super) struct Memory {
    /// The adaptations that the operator set for all models.
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
                "adapted requests to the model's server"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
