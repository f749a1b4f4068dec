//! Interrupts turns after each of their events, with a model server that accepts only well-formed
//! histories.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use futures::{StreamExt, stream};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    Client, eventually,
    model::{FakeModel, Reply, Step},
};

/// The mark of a message whose turn is interrupted. The place follows the mark.
const MARK: &str = "break off at ";

/// The mark of a message that is refused at once, before any text.
const REFUSED: &str = "be refused";

/// The number of requests that the turns send at the same time.
const AT_ONCE: usize = 8;

/// A model's server that refuses orphaned and doubled results, two neighbors of one role, a user
/// message after a result, and an empty assistant message.
#[derive(Debug)]
pub struct StrictModel {
    /// The server.
    pub model: FakeModel,
    /// Errors in histories that no adaptation could fix. Must stay empty.
    violations: Arc<Mutex<Vec<String>>>,
}

/// The way in which a turn is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The model becomes silent, until something else ends the turn.
    Silence,
    /// The model's connection is cut.
    Cut,
}

/// The turn before the broken one.
#[derive(Clone, Copy, Debug)]
enum Before {
    Nothing,
    /// A turn that failed, and left a hidden note.
    Note,
    /// An attempt to answer the same message, which failed after it had called a tool.
    Attempt,
}

/// A turn whose run has started.
#[derive(Debug)]
pub struct BrokenTurn {
    conversation: String,
    /// The path of the run.
    run: String,
}

/// The rounds of a turn: reasoning, text and calls, and finally the answer.
fn rounds() -> [Vec<Step>; 3] {
    let thought = |text: &str| Step::delta(json!({"reasoning_content": text}));
    let rest = json!({"index": 0, "function": {"arguments": "}"}});
    [
        vec![
            thought("I "),
            thought("think."),
            Step::text("Let "),
            Step::text("me see."),
            Step::call(0, "a", "list_tasks", "{"),
            Step::delta(json!({"tool_calls": [rest]})),
            Step::end("tool_calls"),
        ],
        vec![
            thought("Hm."),
            Step::text("Now "),
            Step::text("I add it."),
            Step::call(0, "a", "add_task", "{\"title\": \"Milk\"}"),
            Step::call(1, "b", "list_tasks", "{}"),
            Step::end("tool_calls"),
        ],
        vec![
            thought("So."),
            Step::text("It "),
            Step::text("is "),
            Step::text("done."),
            Step::end("stop"),
        ],
    ]
}

/// Every place at which a turn can be interrupted: a round, and a number of its events.
fn places() -> Vec<(usize, usize)> {
    let rounds = rounds();
    let rounds = rounds.iter().enumerate();
    rounds
        .flat_map(|(round, steps)| (0..=steps.len()).map(move |events| (round, events)))
        .collect()
}

/// The number of turns that [`StrictModel::start_turns`] starts.
#[must_use]
pub fn turn_count() -> usize {
    3 * places().len()
}

impl StrictModel {
    /// Starts a server that interrupts turns in this way.
    pub async fn start(how: Break) -> Self {
        let violations: Arc<Mutex<Vec<String>>> = Arc::default();
        let attempted: Mutex<HashSet<String>> = Mutex::default();
        let found = violations.clone();
        let model = FakeModel::refusing(move |request| {
            let messages = request["messages"].as_array().unwrap();
            if let Some(violation) = violation(messages) {
                found
                    .lock()
                    .unwrap()
                    .push(format!("{violation}: {messages:?}"));
                return Some(refused("the history is malformed"));
            }
            if !alternates(messages) {
                return Some(refused("Conversation roles must alternate"));
            }
            reply(messages, how, &mut attempted.lock().unwrap())
        })
        .await;
        Self { model, violations }
    }

    /// Starts a turn for every place and every kind of turn before it.
    ///
    /// # Panics
    /// When a turn does not start.
    pub async fn start_turns(&self, client: &Client) -> Vec<BrokenTurn> {
        let places = places().into_iter();
        let all = places.flat_map(|place| {
            [Before::Nothing, Before::Note, Before::Attempt].map(|before| (place, before))
        });
        stream::iter(all)
            .map(|(place, before)| start(client, place, before))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await
    }

    /// Waits until the model is silent in every turn.
    ///
    /// # Panics
    /// When the model is not silent within ten seconds.
    pub async fn all_silent(&self) {
        eventually("every turn is silent", async || {
            self.model.stalled() >= turn_count()
        })
        .await;
    }

    /// Checks that every turn has ended, and that the next message in its conversation is
    /// answered.
    ///
    /// # Panics
    /// When a turn does not end, or a message is not answered.
    pub async fn check_next(&self, client: &Client, turns: &[BrokenTurn]) {
        stream::iter(turns)
            .for_each_concurrent(AT_ONCE, |turn| check_next(client, turn))
            .await;
        let violations = self.violations.lock().unwrap();
        assert_eq!(*violations, Vec::<String>::new());
    }
}

impl BrokenTurn {
    /// Asks the run to stop.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn stop(&self, client: &Client) {
        let stopped = client
            .post(&format!("{}/cancel", self.run), json!({}))
            .await;
        assert!(stopped.status.is_success(), "{}", stopped.text);
    }
}

async fn start(client: &Client, (round, events): (usize, usize), before: Before) -> BrokenTurn {
    let conversation = client.create_conversation().await;
    let messages = format!("/api/chat/conversations/{conversation}/messages");
    let mark = format!("{before:?} {MARK}{round}.{events}.");
    let body = match before {
        Before::Nothing => json!({"content": mark}),
        Before::Note => {
            let refused = client.post(&messages, json!({"content": REFUSED})).await;
            refused.expect(StatusCode::BAD_GATEWAY);
            json!({"content": mark})
        }
        Before::Attempt => {
            let failed = client.post(&messages, json!({"content": mark})).await;
            let problem = failed.expect(StatusCode::BAD_GATEWAY);
            json!({"regenerate": problem["user_message_id"]})
        }
    };
    let run = client.begin_run(&conversation, body).await;
    BrokenTurn { conversation, run }
}

async fn check_next(client: &Client, turn: &BrokenTurn) {
    eventually("the run has ended", async || {
        let run = client.get(turn.run.trim_end_matches("/events")).await;
        run.body["ended_at"].is_string()
    })
    .await;
    let answer = client.say(&turn.conversation, "And the next?").await;
    let content = answer["assistant_message"]["content"].as_str().unwrap();
    assert!(content.ends_with("And the next?"), "{content}");
}

fn refused(message: &str) -> Reply {
    let body = json!({"error": {"message": message}});
    Reply::Status(400, Vec::new(), body.to_string())
}

/// The reply to a history that the server accepts. `None` for an ordinary answer.
fn reply(messages: &[Value], how: Break, attempted: &mut HashSet<String>) -> Option<Reply> {
    let newest = messages
        .iter()
        .rposition(|message| message["role"] == "user")?;
    let content = messages[newest]["content"].as_str().unwrap();
    let content = content.rsplit("\n\n").next()?;
    if content == REFUSED {
        return Some(Reply::error(401, "invalid_api_key"));
    }
    let (before, place) = content.split_once(MARK)?;
    let mut place = place.trim_end_matches('.').split('.');
    let mut number = || place.next().unwrap().parse::<usize>().unwrap();
    let (last_round, events) = (number(), number());
    let calls = messages[newest..].iter();
    let calls = calls.filter(|message| message["tool_calls"].is_array());
    let mut round = calls.count();
    if before.starts_with("Attempt") {
        // The first attempt calls a tool and fails. The second attempt receives this call.
        match round {
            0 => return Some(Reply::Stream(rounds()[0].clone())),
            1 if attempted.insert(content.to_owned()) => {
                return Some(Reply::Raw(vec![Step::text("Half"), Step::Abort]));
            }
            _ => round -= 1,
        }
    }
    let mut steps = rounds()[round].clone();
    if round == last_round {
        steps.truncate(events);
        steps.push(match how {
            Break::Silence => Step::Stall,
            Break::Cut => Step::Abort,
        });
    }
    Some(Reply::Raw(steps))
}

/// Finds an error in a history that no adaptation could fix.
fn violation(messages: &[Value]) -> Option<&'static str> {
    let mut known = HashSet::new();
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        let is_result = message["role"] == "tool";
        if !is_result && !open.is_empty() {
            return Some("a call without a result");
        }
        if is_result {
            let id = message["tool_call_id"].as_str().unwrap();
            let position = open.iter().position(|open| *open == id);
            let Some(position) = position else {
                return Some("an orphaned or doubled result");
            };
            open.remove(position);
        }
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        for call in calls {
            let id = call["id"].as_str().unwrap();
            if !known.insert(id) {
                return Some("two calls of one id");
            }
            open.push(id);
        }
        let is_blank = message["content"]
            .as_str()
            .unwrap_or_default()
            .trim()
            .is_empty();
        if message["role"] == "assistant" && is_blank && open.is_empty() {
            return Some("an empty assistant message");
        }
    }
    (!open.is_empty()).then_some("a call without a result")
}

fn alternates(messages: &[Value]) -> bool {
    messages.windows(2).all(|pair| {
        let (one, other) = (&pair[0]["role"], &pair[1]["role"]);
        (one != other || one == "tool") && !(one == "tool" && other == "user")
    })
}
