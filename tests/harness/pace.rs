//! Answers that come token by token at a steady pace, as a model's do, each token with the time at
//! which it was sent.
//!
//! One thread sends the tokens of all answers: timers of the runtime wake it for what is due in a
//! millisecond at once, and thousands of tokens a second would meet the server in bursts.

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

/// What a token begins with. It stands nowhere else in what is sent.
pub const MARK: u8 = b'~';

/// Digits of a token's number, which stand behind the mark; the first token is 0.
pub const NUMBER_DIGITS: usize = 5;

/// Digits of the time at which a token was sent, which stand behind its number: microseconds as
/// [`now`] counts them.
pub const TIME_DIGITS: usize = 10;

/// What every time is counted from.
static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Microseconds since this process first asked.
#[must_use]
pub fn now() -> u64 {
    // No process lives for half a million years.
    BEGIN.elapsed().as_micros().try_into().unwrap_or(u64::MAX)
}

/// How an answer comes. Its first token comes at once.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How many tokens it has.
    pub tokens: u32,
    /// From one to the next.
    pub interval: Duration,
}

/// Who sends the tokens.
#[derive(Debug)]
pub(crate) struct Pacer {
    answers: Sender<Answer>,
}

/// An answer on its way.
#[derive(Debug)]
struct Answer {
    pace: Pace,
    begun: Instant,
    sent: u32,
    stream: OwnedWriteHalf,
    /// Told of the stream behind the last token.
    ended: oneshot::Sender<OwnedWriteHalf>,
}

/// Answers by the time at which their next token is due.
type Due = BinaryHeap<Reverse<(Instant, usize)>>;

impl Pacer {
    /// The thread ends with this value.
    pub(crate) fn start() -> Self {
        LazyLock::force(&BEGIN);
        let (answers, received) = channel();
        thread::spawn(move || send_all(&received));
        Self { answers }
    }

    /// Sends the tokens of an answer, behind its head; `None` when the client has left.
    pub(crate) async fn send(&self, stream: TcpStream, pace: Pace) -> Option<TcpStream> {
        let (read, stream) = stream.into_split();
        let (ended, end) = oneshot::channel();
        let answer = Answer {
            pace,
            begun: Instant::now(),
            sent: 0,
            stream,
            ended,
        };
        self.answers.send(answer).ok()?;
        read.reunite(end.await.ok()?).ok()
    }
}

fn send_all(received: &Receiver<Answer>) {
    // An answer's place stays its own until it ends.
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
                due.push(Reverse((answer.begun, place)));
                answers[place] = Some(answer);
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Some(Reverse((_, place))) = due.pop()
                    && let Some(answer) = answers[place].take()
                    && let Some(answer) = answer.go_on()
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
    /// When the next token is due.
    fn next(&self) -> Instant {
        self.begun + self.pace.interval * self.sent
    }

    /// Sends the next token; `None` behind the last, and when the client has left.
    fn go_on(mut self) -> Option<Self> {
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
        // Who asked may have left.
        let _ = self.ended.send(self.stream);
        None
    }
}

/// Writes a part of the body, whole or not at all: nobody is so far behind that there is no room.
fn write(stream: &OwnedWriteHalf, text: &str) -> io::Result<()> {
    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
    if stream.try_write(chunk.as_bytes())? == chunk.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}
