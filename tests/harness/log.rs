//! Checks the log that the servers of a test run write, at the most detailed level. It must contain
//! no token, no key, and no text of a conversation.

use std::{
    collections::HashSet,
    io,
    sync::{Mutex, Once, PoisonError},
};

use chatkit_server::{config::LogFormat, telemetry};
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use crate::{model, token};

/// The start of every JSON Web Token: `{"` in base64url.
const TOKEN: &str = "eyJ";

/// The shortest text that is checked. Shorter texts may be in the log for other reasons.
const SHORTEST: usize = 12;

static FORBIDDEN: Mutex<Option<HashSet<String>>> = Mutex::new(None);
static FOUND: Mutex<Option<String>> = Mutex::new(None);
static WATCHED: Once = Once::new();

/// Checks every line of the log from now on.
pub(crate) fn watch() {
    WATCHED.call_once(|| {
        let log = telemetry::log("trace", LogFormat::Json, Watch).unwrap();
        tracing::dispatcher::set_global_default(log).unwrap();
    });
}

/// Forbids the texts of this request body in the log from now on.
pub(crate) fn must_not_hold(body: &Value) {
    match body {
        Value::String(text) if text.len() >= SHORTEST => {
            let mut forbidden = FORBIDDEN.lock().unwrap_or_else(PoisonError::into_inner);
            let quoted = Value::String(text.clone()).to_string();
            // Escaped as in the log, which is JSON.
            let text = quoted[1..quoted.len() - 1].to_owned();
            forbidden.get_or_insert_default().insert(text);
        }
        Value::Array(values) => values.iter().for_each(must_not_hold),
        Value::Object(members) => {
            for name in ["content", "message", "messages", "title", "text", "delta"] {
                if let Some(value) = members.get(name) {
                    must_not_hold(value);
                }
            }
        }
        _ => {}
    }
}

/// Fails if the log contained a forbidden text.
#[track_caller]
pub(crate) fn check() {
    let found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(*found, None, "the log must not contain this");
}

/// Checks the log when it is dropped, unless the test is already failing.
#[derive(Debug)]
pub(crate) struct CheckedAtEnd;

impl Drop for CheckedAtEnd {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            check();
        }
    }
}

struct Watch;

impl io::Write for Watch {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let forbidden = FORBIDDEN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut forbidden = forbidden.iter().flatten().map(String::as_str);
        let secrets = [TOKEN, token::SECRET, model::KEY];
        let mut secrets = secrets.into_iter();
        let secret = secrets.find(|secret| text.contains(secret));
        if let Some(secret) =
            secret.or_else(|| forbidden.find(|forbidden| text.contains(forbidden)))
        {
            let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
            found.get_or_insert_with(|| format!("{secret:?} in {text}"));
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Watch {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}
