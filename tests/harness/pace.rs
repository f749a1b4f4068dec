//! Sends answers token by token at a steady pace, like a model. Each token contains the time at
//! which it was sent.
//!
//! One thread sends the tokens of all answers. Timers of the runtime have a resolution of one
//! millisecond, so with them, thousands of tokens a second would reach the server in bursts.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io,
    sync::{
        LazyLock,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpStream, tcp::OwnedWriteHalf},
    sync::oneshot,
};

/// The first byte of a token. The rest of the stream does not contain it.
pub const MARK: u8 = b'~';

/// The digits of a token's number, which follows the mark. The first token is 0.
pub const NUMBER_DIGITS: usize = 5;

/// The digits of the time at which a token was sent, which follows the number: microseconds as
/// [`now`] counts them.
pub const TIME_DIGITS: usize = 10;

/// The start of the count of [`now`].
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The number of microseconds since the first call in this process.
#[must_use]
pub fn now() -> u64 {
    // No process runs for half a million years.
    EPOCH.elapsed().as_micros().try_into().unwrap_or(u64::MAX)
}

/// The pace of an answer. The first token is sent at once.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The number of tokens.
    pub tokens: u32,
    /// The time between two tokens.
    pub interval: Duration,
}

/// The sender of tokens.
#[derive(Debug)]
pub(crate) struct Pacer {
    answers: Sender<Answer>,
}

/// An answer that is being sent.
#[derive(Debug)]
struct Answer {
    pace: Pace,
    started: Instant,
    sent: u32,
    stream: OwnedWriteHalf,
    /// Receives the stream after the last token.
    ended: oneshot::Sender<OwnedWriteHalf>,
}

/// Answers by the time at which their next token is due.
type Due = BinaryHeap<Reverse<(Instant, usize)>>;

impl Pacer {
    /// Starts the thread, which ends when this value is dropped.
    pub(crate) fn start() -> Self {
        LazyLock::force(&EPOCH);
        let (answers, received) = channel();
        thread::spawn(move || send_all(&received));
        Self { answers }
    }

    /// Sends the tokens of an answer whose head was sent. Returns `None` if the client has
    /// disconnected.
    pub(crate) async fn send(&self, stream: TcpStream, pace: Pace) -> Option<TcpStream> {
        let (read, stream) = stream.into_split();
        let (ended, end) = oneshot::channel();
        let answer = Answer {
            pace,
            started: Instant::now(),
            sent: 0,
            stream,
            ended,
        };
        self.answers.send(answer).ok()?;
        read.reunite(end.await.ok()?).ok()
    }
}

fn send_all(received: &Receiver<Answer>) {
    // An answer keeps its index until it ends.
    let mut answers: Vec<Option<Answer>> = Vec::new();
    let mut due = Due::new();
    loop {
        let wait = due.peek().map_or(Duration::MAX, |Reverse((at, _))| {
            at.saturating_duration_since(Instant::now())
        });
        match received.recv_timeout(wait) {
            Ok(answer) => {
                let free = answers.iter().position(Option::is_none);
                let place = free.unwrap_or(answers.len());
                if free.is_none() {
                    answers.push(None);
                }
                due.push(Reverse((answer.started, place)));
                answers[place] = Some(answer);
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Some(Reverse((_, place))) = due.pop()
                    && let Some(answer) = answers[place].take()
                    && let Some(answer) = answer.send_next()
                {
                    due.push(Reverse((answer.next(), place)));
                    answers[place] = Some(answer);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

impl Answer {
    /// The time at which the next token is due.
    fn next(&self) -> Instant {
        self.started + self.pace.interval * self.sent
    }

    /// Sends the next token. Returns `None` after the last one, or if the client has disconnected.
    fn send_next(mut self) -> Option<Self> {
        let token = format!(
            "{}{:0NUMBER_DIGITS$}{:0TIME_DIGITS$} ",
            char::from(MARK),
            self.sent,
            now()
        );
        write(
            &self.stream,
            &format!(
                "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\
                 \"model\":\"{}\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{token}\"}},\
                 \"finish_reason\":null}}],\"usage\":null}}\n\n",
                crate::model::MODEL
            ),
        )
        .ok()?;
        self.sent += 1;
        if self.sent < self.pace.tokens {
            return Some(self);
        }
        let end = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
                   data: [DONE]\n\n";
        write(&self.stream, end).ok()?;
        // The waiting task may have been cancelled.
        let _ = self.ended.send(self.stream);
        None
    }
}

/// Writes a chunk of the body. Fails if the socket has no room for the whole chunk, which only a
/// client that stopped reading can cause.
fn write(stream: &OwnedWriteHalf, text: &str) -> io::Result<()> {
    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
    if stream.try_write(chunk.as_bytes())? == chunk.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}
