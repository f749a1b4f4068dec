//! What a reference server was sent and answered, read and written again.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::{fs, path::Path};

use chatkit_protocol::{
    Attachment, Empty, ItemKind, Page, Request, SyncCustomActionResponse, Thread, ThreadItem,
    ThreadStreamEvent, TranscriptionResult,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

fn again<T: DeserializeOwned + Serialize>(json: &Value) -> Value {
    let read: T = serde_json::from_value(json.clone()).unwrap();
    serde_json::to_value(read).unwrap()
}

/// What stands on a line, read as what it is and written again.
fn written(schema: &str, json: &Value) -> Value {
    match schema {
        "ChatKitReq" => again::<Request>(json),
        "ThreadStreamEvent" => again::<ThreadStreamEvent>(json),
        "Thread" => again::<Thread>(json),
        "Page<Thread>" => again::<Page<Thread>>(json),
        "Page<ThreadItem>" => again::<Page<ThreadItem>>(json),
        "Attachment" => again::<Attachment>(json),
        "TranscriptionResult" => again::<TranscriptionResult>(json),
        "SyncCustomActionResponse" => again::<SyncCustomActionResponse>(json),
        "Empty" => again::<Empty>(json),
        other => unreachable!("no schema: {other}"),
    }
}

#[test]
fn every_line_is_read_and_written_as_it_was() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut lines = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let Some(schema) = line["schema"].as_str() else {
                continue;
            };
            let expected = line.get("canonical").unwrap_or_else(|| &line["json"]);
            let found = written(schema, &line["json"]);
            assert_eq!(&found, expected, "{}", path.display());
            if let Some(sse) = line["sse"].as_str() {
                let data = sse.strip_prefix("data: ").unwrap().trim_end();
                let parsed: Value = serde_json::from_str(data).unwrap();
                assert_eq!(parsed, found);
            }
            lines += 1;
        }
    }
    assert!(lines > 500, "only {lines} lines");
}

/// What a client collects of an item that is told piece by piece is what it is told in the end.
#[test]
fn updates_add_up_to_the_item() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut compared = 0;
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let events = lines.filter(|line: &Value| line["kind"] == "event");
        let mut begun: Vec<ThreadItem> = Vec::new();
        for event in events {
            match serde_json::from_value(event["json"].clone()).unwrap() {
                ThreadStreamEvent::ItemAdded { item } => begun.push(item),
                ThreadStreamEvent::ItemUpdated { item_id, update } => {
                    if let Some(item) = begun.iter_mut().find(|item| item.id == item_id) {
                        item.apply(update);
                    }
                }
                ThreadStreamEvent::ItemDone { item } => {
                    let place = begun.iter().position(|begun| begun.id == item.id);
                    let Some(mut collected) = place.map(|place| begun.remove(place)) else {
                        continue;
                    };
                    if let (
                        ItemKind::Workflow { workflow: so_far },
                        ItemKind::Workflow { workflow },
                    ) = (&mut collected.kind, &item.kind)
                    {
                        // It comes with the end.
                        so_far.summary.clone_from(&workflow.summary);
                    }
                    // Of a widget's components a client keeps track by itself.
                    if !matches!(item.kind, ItemKind::Widget { .. }) {
                        assert_eq!(collected.kind, item.kind);
                        compared += 1;
                    }
                }
                _ => {}
            }
        }
    }
    assert!(compared > 20, "only {compared} items");
}
