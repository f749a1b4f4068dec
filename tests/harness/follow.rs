//! Following a run, byte by byte as the server sends it.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode, header::HeaderMap};
use serde_json::Value;

use crate::Client;

/// How long the next bytes may take; longer than two heartbeats.
const PATIENCE: Duration = Duration::from_secs(40);

/// A stream of events that is being read.
#[derive(Debug)]
pub struct Events {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    response: Response,
    received: Vec<u8>,
    /// How much of that is known to hold no end of an event.
    searched: usize,
    /// The comments so far.
    pub comments: usize,
    /// What the server said of connecting again, in milliseconds.
    pub retry: Option<u64>,
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Value,
}

impl Client {
    /// Follows the run at this path, from behind an event where one is given.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn follow(&self, run: &str, after: Option<u64>) -> Events {
        let mut request = self.request(Method::GET, &format!("{run}/events"));
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after);
        }
        let response = request.send().await.unwrap();
        Events {
            status: response.status(),
            headers: response.headers().clone(),
            response,
            received: Vec::new(),
            searched: 0,
            comments: 0,
            retry: None,
        }
    }

    /// Every event of a run behind this one, to the end of the stream.
    ///
    /// # Panics
    /// When there is no stream, or it breaks.
    pub async fn follow_to_end(&self, run: &str, after: Option<u64>) -> Vec<Event> {
        let mut events = self.follow(run, after).await;
        assert_eq!(events.status, StatusCode::OK);
        events.rest().await
    }
}

impl Events {
    /// The next event; `None` at the end of the body.
    ///
    /// # Panics
    /// When the stream breaks, or is silent for too long.
    pub async fn next(&mut self) -> Option<Event> {
        self.try_next().await.unwrap()
    }

    /// The same, also from a server that may go away.
    ///
    /// # Errors
    /// When the stream breaks.
    ///
    /// # Panics
    /// When it is silent for too long, or is no stream of events.
    pub async fn try_next(&mut self) -> reqwest::Result<Option<Event>> {
        loop {
            if let Some(end) = find_end(&self.received[self.searched..]) {
                let end = self.searched + end;
                self.searched = 0;
                let frame: Vec<u8> = self.received.drain(..end + 2).collect();
                if let Some(event) = self.read(&String::from_utf8(frame).unwrap()) {
                    return Ok(Some(event));
                }
                continue;
            }
            self.searched = self.received.len().saturating_sub(1);
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk());
            match chunk.await.expect("the stream is silent")? {
                Some(bytes) => self.received.extend_from_slice(&bytes),
                None => {
                    assert!(self.received.is_empty(), "the stream ends in an event");
                    return Ok(None);
                }
            }
        }
    }

    /// The events up to the first of which this holds, with it.
    ///
    /// # Panics
    /// When the stream ends before, breaks, or is silent for too long.
    pub async fn up_to(&mut self, holds: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut all = Vec::new();
        loop {
            let event = self.next().await.expect("the stream has ended");
            all.push(event);
            if all.last().is_some_and(&holds) {
                return all;
            }
        }
    }

    /// All events to the end of the body.
    ///
    /// # Panics
    /// When the stream breaks, or is silent for too long.
    pub async fn rest(&mut self) -> Vec<Event> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        all
    }

    /// What has come from a server that is gone, as far as it is whole.
    ///
    /// # Panics
    /// When the stream is silent for too long.
    pub async fn remains(&mut self) -> Vec<Event> {
        let mut all = Vec::new();
        while let Ok(Some(event)) = self.try_next().await {
            all.push(event);
        }
        all
    }

    fn read(&mut self, frame: &str) -> Option<Event> {
        let (mut id, mut name, mut data) = (None, None, None);
        for line in frame.trim_end().split('\n') {
            match line.split_once(':') {
                Some(("", _)) => self.comments += 1,
                Some(("id", value)) => id = value.trim().parse().ok(),
                Some(("event", value)) => name = Some(value.trim().to_owned()),
                Some(("retry", value)) => self.retry = value.trim().parse().ok(),
                Some(("data", value)) => data = Some(serde_json::from_str(value).unwrap()),
                _ => panic!("no line of an event: {line}"),
            }
        }
        Some(Event {
            id: id?,
            name: name?,
            data: data?,
        })
    }
}

/// The names of events.
#[must_use]
pub fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

/// The text that deltas add up to.
#[must_use]
pub fn text_of(events: &[Event]) -> String {
    let deltas = events.iter().filter(|event| event.name == "message.delta");
    deltas
        .map(|event| event.data["text"].as_str().unwrap())
        .collect()
}

fn find_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|window| window == b"\n\n")
}
