//! Prepares the conversation for both APIs.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{adaptation::Adaptation, attached::Tag};
use crate::provider::{InputItem, ModelRequest, RequestedCall};

/// Makes the ids of calls unique within the request.
///
/// Some servers use the same ids in every round, and others refuse duplicate ids.
fn with_unique_ids(input: &[InputItem], applied: &BTreeSet<Adaptation>) -> Vec<InputItem> {
    let mut ids = CallIds {
        latest: HashMap::new(),
        used: HashSet::new(),
        is_short: applied.contains(&Adaptation::ShortCallIds),
    };
    let items = input.iter().map(|item| match item {
        InputItem::Assistant { text, calls } => InputItem::Assistant {
            text: text.clone(),
            calls: calls.iter().map(|call| ids.of_call(call)).collect(),
        },
        InputItem::ToolResult {
            call_id,
            tool_name,
            output,
        } => InputItem::ToolResult {
            call_id: ids.of_result(call_id),
            tool_name: tool_name.clone(),
            output: output.clone(),
        },
        other => other.clone(),
    });
    items.collect()
}

/// The ids of the calls so far.
struct CallIds {
    /// The new id of the latest call with each original id.
    latest: HashMap<String, String>,
    used: HashSet<String>,
    is_short: bool,
}

impl CallIds {
    fn of_call(&mut self, call: &RequestedCall) -> RequestedCall {
        let id = &call.call_id;
        let numbered = (2..).map(|number| format!("{id}_{number}"));
        let mut candidates = std::iter::once(id.clone()).chain(numbered);
        let fresh = candidates.find(|candidate| !self.used.contains(candidate));
        let fresh = fresh.unwrap_or_else(|| id.clone());
        self.used.insert(fresh.clone());
        self.latest.insert(id.clone(), fresh);
        RequestedCall {
            call_id: self.of_result(id),
            tool_name: safe_name(&call.tool_name),
            ..call.clone()
        }
    }

    /// Returns the new id of the latest call with this original id.
    fn of_result(&self, id: &str) -> String {
        let unique = self.latest.get(id).map_or(id, String::as_str);
        if self.is_short {
            short(unique)
        } else if is_safe(unique, MAX_ID_CHARS) {
            unique.to_owned()
        } else {
            format!("call_{}", short(unique))
        }
    }
}

/// The maximum length of a call's id that every API accepts, in characters.
const MAX_ID_CHARS: usize = 40;

/// The maximum length of a tool's name that every API accepts, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Whether every API accepts a text as an id or a name.
fn is_safe(text: &str, max_chars: usize) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=max_chars).contains(&text.len()) && text.bytes().all(fits)
}

/// Converts the name of a called tool to a name that every API accepts. The model may have invented
/// the name.
fn safe_name(name: &str) -> String {
    if is_safe(name, MAX_NAME_CHARS) {
        return name.to_owned();
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let safe: String = name
        .chars()
        .map(|c| if fits(c) { c } else { '_' })
        .take(MAX_NAME_CHARS)
        .collect();
    if safe.is_empty() {
        "unknown".to_owned()
    } else {
        safe
    }
}

/// Returns nine letters and digits that represent an id. The result is always the same for the same
/// id.
fn short(id: &str) -> String {
    // FNV-1a is the same in all builds and processes.
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let digits = (0..9).scan(hash, |rest, _| {
        let digit = u32::try_from(*rest % 36).unwrap_or_default();
        *rest /= 36;
        char::from_digit(digit, 36)
    });
    digits.collect()
}

/// Describes rounds of calls as text if `is_described` returns true for their calls.
pub(super) fn calls_as_text(
    input: Vec<InputItem>,
    is_described: impl Fn(&[RequestedCall]) -> bool,
) -> Vec<InputItem> {
    let mut in_round = false;
    let items = input.into_iter().map(|item| {
        match &item {
            InputItem::Assistant { calls, .. } => {
                in_round = !calls.is_empty() && is_described(calls);
            }
            InputItem::ToolResult { .. } => {}
            InputItem::User(_) | InputItem::Note(_) => in_round = false,
        }
        if in_round { as_text(item) } else { item }
    });
    items.collect()
}

/// Returns the conversation in the form that both APIs send.
pub(super) fn input(
    request: &ModelRequest,
    applied: &BTreeSet<Adaptation>,
    tag: &Tag,
) -> Vec<InputItem> {
    let input = with_unique_ids(&request.input, applied);
    // Some servers refuse a history with calls if the request has no tools.
    if applied.contains(&Adaptation::NoTools) || request.tools.is_empty() {
        calls_as_text(input, |_| true)
    } else if applied.contains(&Adaptation::ForeignCallsAsText) {
        let has_data = |call: &RequestedCall| !tag.read(call.provider_data.as_deref()).is_empty();
        calls_as_text(input, |calls| !calls.iter().any(has_data))
    } else {
        input
    }
}

fn as_text(item: InputItem) -> InputItem {
    match item {
        InputItem::Assistant { text, calls } if !calls.is_empty() => {
            let calls = calls.iter().map(|call| {
                let RequestedCall {
                    tool_name,
                    arguments,
                    ..
                } = call;
                format!("I called the tool {tool_name} with the arguments {arguments}.")
            });
            let text = Some(text).filter(|text| !text.trim().is_empty());
            let parts: Vec<String> = text.into_iter().chain(calls).collect();
            InputItem::Assistant {
                text: parts.join("\n\n"),
                calls: Vec::new(),
            }
        }
        InputItem::ToolResult {
            tool_name, output, ..
        } => InputItem::Note(format!("The tool {tool_name} returned:\n{output}")),
        other => other,
    }
}

/// Returns the arguments of a call unchanged. Some servers parse them, so anything other than an
/// object becomes an empty object.
pub(super) fn object_text(arguments: &str) -> &str {
    type Object = serde_json::Map<String, serde_json::Value>;
    let is_object = serde_json::from_str::<Object>(arguments).is_ok();
    if is_object { arguments } else { "{}" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str) -> RequestedCall {
        RequestedCall {
            call_id: id.to_owned(),
            tool_name: "t".to_owned(),
            arguments: "{}".to_owned(),
            provider_data: None,
        }
    }

    fn round(ids: &[&str]) -> Vec<InputItem> {
        let calls = InputItem::Assistant {
            text: String::new(),
            calls: ids.iter().map(|id| call(id)).collect(),
        };
        let results = ids.iter().map(|id| InputItem::ToolResult {
            call_id: (*id).to_owned(),
            tool_name: "t".to_owned(),
            output: "1".to_owned(),
        });
        std::iter::once(calls).chain(results).collect()
    }

    fn ids(input: &[InputItem]) -> Vec<String> {
        input
            .iter()
            .flat_map(|item| match item {
                InputItem::Assistant { calls, .. } => {
                    calls.iter().map(|call| call.call_id.clone()).collect()
                }
                InputItem::ToolResult { call_id, .. } => vec![format!("={call_id}")],
                _ => Vec::new(),
            })
            .collect()
    }

    #[test]
    fn duplicate_call_ids_are_replaced() {
        let clash = with_unique_ids(
            &[round(&["a", "a_2"]), round(&["a"])].concat(),
            &BTreeSet::new(),
        );
        assert_eq!(ids(&clash)[4..], ["a_3", "=a_3"]);
        let input = [round(&["a", "b"]), round(&["a"]), round(&["a"])].concat();
        let unique = with_unique_ids(&input, &BTreeSet::new());
        let expected = ["a", "b", "=a", "=b", "a_2", "=a_2", "a_3", "=a_3"];
        assert_eq!(ids(&unique), expected);
        let applied = BTreeSet::from([Adaptation::ShortCallIds]);
        let short = ids(&with_unique_ids(&input, &applied));
        assert!(short[0].len() == 9 && short[0].bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_eq!(format!("={}", short[0]), short[2]);
        assert_ne!(short[0], short[4]);
    }
}
