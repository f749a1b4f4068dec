//! Whatever comes in: nothing panics, and what is written is read as the same.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::{fmt::Debug, fs, path::Path, sync::LazyLock};

use chatkit_protocol::{
    Attachment, Page, Request, Thread, ThreadItem, ThreadStreamEvent, Widget, widget::diff,
};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

/// What stands in the transcripts, as seeds.
static SEEDS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let text: String = files
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &Value| !line["schema"].is_null())
        .map(|mut line| line["json"].take())
        .collect()
});

/// Any JSON, of names that mean something among others.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    let name = prop_oneof![
        Just("type".to_owned()),
        Just("id".to_owned()),
        Just("value".to_owned()),
        Just("children".to_owned()),
        "[a-z_]{1,6}",
    ];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name.clone(), inner), 0..5)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

/// Puts another value in some place of this one.
fn replace(value: &mut Value, path: &[Index], other: Value) {
    let Some((index, rest)) = path.split_first() else {
        *value = other;
        return;
    };
    match value {
        Value::Object(members) if !members.is_empty() => {
            let name = index
                .get(&members.keys().cloned().collect::<Vec<_>>())
                .clone();
            if let Some(member) = members.get_mut(&name) {
                replace(member, rest, other);
            }
        }
        Value::Array(values) if !values.is_empty() => {
            let place = index.index(values.len());
            replace(&mut values[place], rest, other);
        }
        place => *place = other,
    }
}

/// What is read is written, and read again, as the same.
fn keeps<T: DeserializeOwned + Serialize + PartialEq + Debug>(json: &Value) {
    if let Ok(read) = serde_json::from_value::<T>(json.clone()) {
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<T>(&written).unwrap(), read);
    }
}

fn keeps_whatever_it_is(json: &Value) {
    keeps::<Request>(json);
    keeps::<ThreadStreamEvent>(json);
    keeps::<Thread>(json);
    keeps::<ThreadItem>(json);
    keeps::<Page<ThreadItem>>(json);
    keeps::<Page<Thread>>(json);
    keeps::<Attachment>(json);
    keeps::<Widget>(json);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn anything_can_come(json in any_json()) {
        keeps_whatever_it_is(&json);
    }

    #[test]
    fn what_is_nearly_right_can_come(
        seed in any::<Index>(),
        path in vec(any::<Index>(), 0..7),
        other in any_json(),
    ) {
        let mut json = seed.get(&SEEDS).clone();
        replace(&mut json, &path, other);
        keeps_whatever_it_is(&json);
    }

    #[test]
    fn a_widget_differs_from_itself_by_nothing(mut one in any_json(), mut other in any_json()) {
        for widget in [&mut one, &mut other] {
            *widget = json!({"type": "Card", "children": [widget.take()]});
        }
        let (one, other): (Widget, Widget) =
            (serde_json::from_value(one).unwrap(), serde_json::from_value(other).unwrap());
        assert_eq!(diff(&one, &one), []);
        for update in diff(&one, &other) {
            let json = serde_json::to_value(&update).unwrap();
            assert_eq!(serde_json::from_value::<chatkit_protocol::ThreadItemUpdate>(json).unwrap(), update);
        }
    }
}
