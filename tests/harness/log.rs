//! What the servers of a test run write to their log, at the finest level. It must hold no token,
//! no key, and nothing that anybody said.

use std::{
    collections::HashSet,
    io,
    sync::{Mutex, Once, PoisonError},
};

use chatkit_server::{config::LogFormat, telemetry};
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use crate::{model, token};

/// How every JSON Web Token begins: `{"` in base64url.
const TOKEN: &str = "eyJ";

/// Shorter texts may stand in a log for other reasons.
const SHORTEST: usize = 12;

static SAID: Mutex<Option<HashSet<String>>> = Mutex::new(None);
static FOUND: Mutex<Option<String>> = Mutex::new(None);
static BEGUN: Once = Once::new();

/// Reads along with the log from now on.
pub(crate) fn watch() {
    BEGUN.call_once(|| {
        let log = telemetry::log("trace", LogFormat::Json, Watch).unwrap();
        tracing::dispatcher::set_global_default(log).unwrap();
    });
}

/// From now on the log must not hold what is said in this body of a request.
pub(crate) fn must_not_hold(body: &Value) {
    match body {
        Value::String(text) if text.len() >= SHORTEST => {
            let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
            let quoted = Value::String(text.clone()).to_string();
            // As the log, which is JSON, would hold it.
            let text = quoted[1..quoted.len() - 1].to_owned();
            said.get_or_insert_default().insert(text);
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

/// Fails when the log held what it must not.
#[track_caller]
pub(crate) fn check() {
    let found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(*found, None, "the log must not hold this");
}

/// Checks the log when it goes out of scope, unless the test fails anyway.
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
        let said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
        let mut said = said.iter().flatten().map(String::as_str);
        let secrets = [TOKEN, token::SECRET, model::KEY];
        let mut secrets = secrets.into_iter();
        let secret = secrets.find(|secret| text.contains(secret));
        if let Some(secret) = secret.or_else(|| said.find(|said| text.contains(said))) {
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
