//! What a reference server was sent and answered, read and written again.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::{fs, path::Path};

use chatkit_protocol::{
    Attachment, Empty, Page, Request, SyncCustomActionResponse, Thread, ThreadItem,
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
