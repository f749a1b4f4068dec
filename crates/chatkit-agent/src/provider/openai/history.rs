//! The conversation in the form in which both APIs send it.

use std::collections::{BTreeSet, HashMap};

use super::adaptation::Adaptation;
use crate::provider::{InputItem, RequestedCall};

/// An item of the conversation with call ids that are unique within the request.
///
/// Some servers restart call ids in every round, and others refuse duplicate ids.
pub(super) fn with_unique_ids(
    input: &[InputItem],
    applied: &BTreeSet<Adaptation>,
) -> Vec<InputItem> {
    let mut ids = CallIds {
        uses: HashMap::new(),
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
    /// How often each id was used.
    uses: HashMap<String, u32>,
    is_short: bool,
}

impl CallIds {
    fn of_call(&mut self, call: &RequestedCall) -> RequestedCall {
        *self.uses.entry(call.call_id.clone()).or_default() += 1;
        RequestedCall {
            call_id: self.of_result(&call.call_id),
            ..call.clone()
        }
    }

    /// The id of the latest call that had this one.
    fn of_result(&self, id: &str) -> String {
        let uses = self.uses.get(id).copied().unwrap_or(1);
        let unique = match uses {
            1 => id.to_owned(),
            uses => format!("{id}_{uses}"),
        };
        if self.is_short {
            short(&unique)
        } else {
            unique
        }
    }
}

/// Nine letters and digits that stand for an id. The same for the same id.
fn short(id: &str) -> String {
    // FNV-1a: stable across builds and processes.
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

/// Describes rounds of calls as text, for models without tools.
pub(super) fn calls_as_text(input: Vec<InputItem>) -> Vec<InputItem> {
    input.into_iter().map(as_text).collect()
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

/// The arguments of a call as they go back: byte for byte. Some servers parse them again, so
/// anything that is not an object becomes an empty one.
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
