use serde_json::{Map, Value};

use super::tree::Widget;
use crate::ThreadItemUpdate;

/// Returns the updates that turn one widget into another for clients that show it.
///
/// If only texts grew, the updates contain the added text of each component with an `id`. Any other
/// change replaces the whole widget. A growing text without an `id` gets no update, so clients see
/// it when the item ends.
#[must_use]
pub fn diff(before: &Widget, after: &Widget) -> Vec<ThreadItemUpdate> {
    if !only_grew(before.root(), after.root()) {
        let widget = after.clone();
        return vec![ThreadItemUpdate::RootUpdated { widget }];
    }
    let mut updates = Vec::new();
    collect(before.root(), after.root(), &mut updates);
    updates
}

/// Whether nothing changed except texts that continue where they ended.
fn only_grew(before: &Map<String, Value>, after: &Map<String, Value>) -> bool {
    let streams = is_streaming_text(before) && is_streaming_text(after);
    let names = before.keys().chain(after.keys());
    names.into_iter().all(|name| {
        let (old, new) = (before.get(name), after.get(name));
        match (old, new) {
            (Some(Value::String(old)), Some(Value::String(new))) if streams && name == "value" => {
                new.starts_with(old.as_str())
            }
            (Some(old), Some(new)) => value_only_grew(old, new),
            _ => false,
        }
    })
}

fn value_only_grew(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => only_grew(before, after),
        (Value::Array(before), Value::Array(after)) => {
            before.len() == after.len()
                && before
                    .iter()
                    .zip(after)
                    .all(|(before, after)| value_only_grew(before, after))
        }
        _ => before == after,
    }
}

/// Collects the text added to each component, in the order of the tree.
fn collect(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    updates: &mut Vec<ThreadItemUpdate>,
) {
    if is_streaming_text(after)
        && let (Some(id), Some(old), Some(new)) = (
            text(after, "id"),
            text(before, "value"),
            text(after, "value"),
        )
        && let Some(delta) = new.strip_prefix(old).filter(|delta| !delta.is_empty())
    {
        updates.push(ThreadItemUpdate::StreamingTextDelta {
            component_id: id.to_owned(),
            delta: delta.to_owned(),
            done: after.get("streaming") != Some(&Value::Bool(true)),
        });
    }
    for (before, after) in children(before).zip(children(after)) {
        collect(before, after, updates);
    }
}

fn children(component: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let children = component.get("children").and_then(Value::as_array);
    children.into_iter().flatten().filter_map(Value::as_object)
}

fn is_streaming_text(component: &Map<String, Value>) -> bool {
    matches!(text(component, "type"), Some("Text" | "Markdown"))
}

fn text<'a>(component: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    component.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn card(children: Value) -> Widget {
        serde_json::from_value(json!({"type": "Card", "children": children})).unwrap()
    }

    fn updates(before: Value, after: Value) -> Value {
        let updates = diff(&card(before), &card(after));
        serde_json::to_value(updates).unwrap()
    }

    #[test]
    fn growing_texts_become_deltas() {
        let text = |value: &str, streaming: bool| {
            json!([{"type": "Row", "children": [
                {"type": "Text", "id": "t", "value": value, "streaming": streaming}
            ]}])
        };
        let delta = json!([{
            "type": "widget.streaming_text.value_delta",
            "component_id": "t", "delta": "lo", "done": false,
        }]);
        assert_eq!(updates(text("Hel", true), text("Hello", true)), delta);
        assert_eq!(updates(text("Hel", true), text("Hel", true)), json!([]));
        for changed in [text("Hello", false), text("Help", true)] {
            let whole = updates(text("Hello", true), changed);
            assert_eq!(whole[0]["type"], "widget.root.updated");
        }
    }

    #[test]
    fn a_growing_text_without_an_id_gets_no_update() {
        let text = |value: &str| json!([{"type": "Markdown", "value": value}]);
        assert_eq!(updates(text("a"), text("ab")), json!([]));
    }

    #[test]
    fn any_other_change_replaces_the_widget() {
        let badge = json!({"type": "Badge", "label": "a"});
        for (before, after) in [
            (json!([badge]), json!([badge, badge])),
            (json!([badge]), json!([{"type": "Badge", "label": "ab"}])),
            (
                json!([badge]),
                json!([{"type": "Badge", "label": "a", "pill": true}]),
            ),
            (
                json!([{"type": "Text", "value": "a", "id": "x"}]),
                json!([{"type": "Text", "value": "a", "id": "y"}]),
            ),
        ] {
            let whole = updates(before, after);
            assert_eq!(whole[0]["type"], "widget.root.updated");
            assert_eq!(whole.as_array().map(Vec::len), Some(1));
        }
    }
}
