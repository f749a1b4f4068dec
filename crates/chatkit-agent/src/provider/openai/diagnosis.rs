//! Finds the adaptation that a refusal asks for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    adaptation::Adaptation,
    attached::{Tag, is_returned},
    quotation::is_quoted,
    refusal::{Refusal, contains, names},
    wording,
};
use crate::provider::{InputItem, ModelRequest, ToolChoice};

/// The parameters that may be omitted, in addition to tools.
const OPTIONAL: [&str; 6] = [
    "stream_options",
    "prompt_cache_key",
    "tool_choice",
    "reasoning",
    "include",
    "store",
];

/// An adaptation that a refusal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Proposal {
    pub(super) adaptation: Adaptation,
    /// Whether other requests may use the adaptation too. That requires that the refusal itself
    /// asks for it and not only a quotation in it, and that the caller did not set the omitted
    /// part.
    pub(super) is_trusted: bool,
}

/// Finds an adaptation for this refusal that is not applied yet.
pub(super) fn diagnose(
    refusal: &Refusal,
    request: &ModelRequest,
    body: &Value,
    (applied, tag): (&BTreeSet<Adaptation>, &Tag),
) -> Option<Proposal> {
    let diagnosis = Diagnosis {
        refusal,
        request,
        body,
        tag,
    };
    let proposals = diagnosis.proposals().into_iter();
    let mut fresh = proposals.filter(|proposal| !applied.contains(&proposal.adaptation));
    fresh.next()
}

struct Diagnosis<'a> {
    refusal: &'a Refusal,
    request: &'a ModelRequest,
    body: &'a Value,
    tag: &'a Tag,
}

impl Diagnosis<'_> {
    /// Returns all adaptations that the refusal may ask for, the most certain first.
    fn proposals(&self) -> Vec<Proposal> {
        if !self.refusal.may_ask_for_changes() {
            return Vec::new();
        }
        let is_bad_request = self.refusal.is_bad_request();
        let mut found = Vec::new();
        if is_bad_request {
            found.extend(OPTIONAL.into_iter().filter_map(|name| self.by_param(name)));
            let names_tools = self.refusal.param_parts().any(|part| part == "tools");
            found.extend((names_tools && self.has("tools")).then_some(Proposal {
                adaptation: Adaptation::NoTools,
                is_trusted: true,
            }));
        }
        let text = self.refusal.text.as_str();
        let phrases = [
            (Adaptation::NoTools, self.has("tools"), wording::NO_TOOLS),
            (
                Adaptation::AlternateRoles,
                self.has("messages"),
                wording::ALTERNATE,
            ),
            (
                Adaptation::NoSystemRole,
                self.has_role("system"),
                wording::NO_SYSTEM_ROLE,
            ),
            // Some templates also count the system role.
            (
                Adaptation::NoSystemRole,
                self.has_role("system"),
                wording::ALTERNATE,
            ),
            (
                Adaptation::ShortCallIds,
                self.has_role("tool"),
                wording::SHORT_CALL_IDS,
            ),
        ];
        for (adaptation, applies, words) in phrases {
            if applies && contains(text, words) {
                found.push(self.by_words(adaptation, words));
            }
        }
        // Single words are significant only if the server says that the request is wrong.
        if is_bad_request {
            found.extend(self.of_content());
            found.extend(self.of_attached());
            found.extend(OPTIONAL.into_iter().filter_map(|name| self.by_name(name)));
        }
        found
    }

    fn has(&self, member: &str) -> bool {
        self.body.get(member).is_some()
    }

    fn any_message(&self, test: impl Fn(&Value) -> bool) -> bool {
        let messages = self.body["messages"].as_array();
        messages.is_some_and(|messages| messages.iter().any(test))
    }

    fn has_role(&self, role: &str) -> bool {
        self.any_message(|message| message["role"] == role)
    }

    fn by_words(&self, adaptation: Adaptation, words: &[&str]) -> Proposal {
        let text = self.refusal.text.as_str();
        let mut found = words.iter().filter(|word| text.contains(**word));
        Proposal {
            adaptation,
            is_trusted: !found.all(|word| is_quoted(word, self.request)),
        }
    }

    /// Proposes to omit a parameter that the refusal names in `param`.
    fn by_param(&self, name: &'static str) -> Option<Proposal> {
        let is_named = self.refusal.param_parts().any(|part| part == name);
        (self.has(name) && is_named).then(|| self.without(name, true))
    }

    /// Proposes to omit a parameter that the refusal names in its text.
    fn by_name(&self, name: &'static str) -> Option<Proposal> {
        let is_named = self.refusal.param.is_empty() && names(&self.refusal.text, name);
        let is_trusted = !is_quoted(name, self.request);
        (self.has(name) && is_named).then(|| self.without(name, is_trusted))
    }

    fn without(&self, name: &'static str, is_trusted: bool) -> Proposal {
        // If the caller chose a tool, this is a parameter of the caller.
        let is_callers = name == "tool_choice" && self.request.tool_choice != ToolChoice::None;
        Proposal {
            adaptation: Adaptation::Without(name),
            is_trusted: is_trusted && !is_callers,
        }
    }

    /// Proposes an empty text if the server refuses `null` as content beside tool calls.
    fn of_content(&self) -> Option<Proposal> {
        let has_null = self.any_message(|message| message["content"].is_null());
        let message = self.refusal.message.to_lowercase();
        let is_named = self.refusal.param_parts().any(|part| part == "content");
        let is_refused = contains(&message, wording::NO_NULL);
        let asks = has_null && is_refused && (is_named || message.contains("content"));
        asks.then(|| {
            let proposal = self.by_words(Adaptation::EmptyContent, wording::NO_NULL);
            let is_own = is_named || !is_quoted("content", self.request);
            Proposal {
                is_trusted: proposal.is_trusted && is_own,
                ..proposal
            }
        })
    }

    /// Proposes changes to the data that the server attached to earlier answers. It may be
    /// unwanted, or missing because another model made the calls.
    fn of_attached(&self) -> Vec<Proposal> {
        if !contains(&self.refusal.text, wording::RETURNED) {
            return Vec::new();
        }
        let is_missing = contains(&self.refusal.text, wording::MISSING);
        let mut found = Vec::new();
        if has_attached(self.body) {
            found.push(self.by_words(Adaptation::NoAttachedData, wording::RETURNED));
        }
        if self.has_foreign_calls() {
            let proposal = self.by_words(Adaptation::ForeignCallsAsText, wording::RETURNED);
            found.insert(if is_missing { 0 } else { found.len() }, proposal);
        }
        found
    }

    fn has_foreign_calls(&self) -> bool {
        self.request.input.iter().any(|item| match item {
            InputItem::Assistant { calls, .. } => {
                !calls.is_empty()
                    && calls
                        .iter()
                        .all(|call| self.tag.read(call.provider_data.as_deref()).is_empty())
            }
            _ => false,
        })
    }
}

/// Whether a body contains data that the server attached to earlier answers.
fn has_attached(body: &Value) -> bool {
    let members = |value: &Value| {
        let mut members = value.as_object().into_iter().flatten();
        members.any(|(name, _)| is_returned(name))
    };
    let list = |name: &str| body[name].as_array().into_iter().flatten();
    list("messages").any(|message| {
        let mut calls = message["tool_calls"].as_array().into_iter().flatten();
        members(message) || calls.any(members)
    }) || list("input").any(|item| item["type"] == "reasoning")
}
