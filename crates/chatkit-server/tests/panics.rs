//! Reports of panics: where, and never what the text was. In a process of its own, because the hook
//! is the process's.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::{
    io,
    sync::{Arc, Mutex},
};

use chatkit_server::{config::LogFormat, telemetry};

/// The lines of the log.
#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_panic_is_logged_without_its_text() {
    let lines = Lines::default();
    let writer = lines.clone();
    let log = telemetry::log("info", LogFormat::Json, move || writer.clone()).unwrap();
    tracing::dispatcher::set_global_default(log).unwrap();
    telemetry::report_panics();
    let text = "a private message".to_owned();
    let panicked = std::thread::spawn(move || panic!("{text}")).join();
    assert!(panicked.is_err());
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("a thread panicked") && logged.contains("panics.rs"),
        "{logged}"
    );
    assert!(!logged.contains("private"), "{logged}");
}
