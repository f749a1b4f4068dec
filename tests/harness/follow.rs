//! Follows runs, and checks the stream byte by byte.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode, header::HeaderMap};
use serde_json::Value;

use crate::Client;

/// How long the next bytes may take. Longer than two heartbeats.
const PATIENCE: Duration = Duration::from_secs(40);

/// An open stream of events.
#[derive(Debug)]
pub struct Events {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    response: Response,
    received: Vec<u8>,
    /// The number of received bytes that contain no end of an event.
    searched: usize,
    /// The number of comments so far.
    pub comments: usize,
    /// The delay before a reconnection that the server sent, in milliseconds.
    pub retry: Option<u64>,
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The number, which is the `id` on the wire.
    pub id: u64,
    /// The name, which is the `event` on the wire.
    pub name: String,
    /// The data as JSON.
    pub data: Value,
}

impl Client {
    /// Follows the run at this path, after the event with this number if there is one.
    ///
    /// # Panics
    /// When the server does not answer.
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

    /// Returns every event of a run after this one, up to the end of the stream.
    ///
    /// # Panics
    /// When the response is not a stream, or the stream breaks.
    pub async fn follow_to_end(&self, run: &str, after: Option<u64>) -> Vec<Event> {
        let mut events = self.follow(run, after).await;
        assert_eq!(events.status, StatusCode::OK);
        events.rest().await
    }
}

impl Events {
    /// Returns the next event, or `None` at the end of the body.
    ///
    /// # Panics
    /// When the stream breaks, or is silent for too long.
    pub async fn next(&mut self) -> Option<Event> {
        self.try_next().await.unwrap()
    }

    /// Returns the next event, and an error instead of a panic if the stream breaks.
    ///
    /// # Errors
    /// When the stream breaks.
    ///
    /// # Panics
    /// When the stream is silent for too long, or is not a stream of events.
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

    /// Returns the events up to and including the first that satisfies `holds`.
    ///
    /// # Panics
    /// When the stream ends before that, breaks, or is silent for too long.
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

    /// Returns all events up to the end of the body.
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

    /// Returns the complete events that a dead server has sent.
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
                _ => panic!("not a line of an event: {line}"),
            }
        }
        Some(Event {
            id: id?,
            name: name?,
            data: data?,
        })
    }
}

/// Returns the names of events.
#[must_use]
pub fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

/// Returns the text of all deltas together.
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
