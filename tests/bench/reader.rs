//! Reading an answer token by token, at the model itself or through the server.

use std::{io::BufRead, net::SocketAddr};

use anyhow::{Context, Result, ensure};
use chatkit_tests::{
    model,
    pace::{MARK, NUMBER_DIGITS, TIME_DIGITS, now},
};
use reqwest::StatusCode;

use crate::{connection::Connection, workload::NO_RUN};

/// What an id is long.
const ID_LENGTH: usize = 36;

/// Where an answer is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Model(SocketAddr),
    Server(SocketAddr, RunRequests),
}

/// What is sent for an answer of the server's.
#[derive(Clone, Debug)]
pub(crate) struct RunRequests {
    pub(crate) begin: Vec<u8>,
    /// With [`NO_RUN`] where the run's id belongs.
    pub(crate) follow: String,
}

/// A token that has come. Times are microseconds of [`now`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) sent: u64,
    pub(crate) came: u64,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    /// When it was asked for.
    pub(crate) asked: u64,
    /// All its tokens, in order.
    pub(crate) tokens: Vec<Arrival>,
}

impl Source {
    /// Asks for an answer of so many tokens and reads it to its end.
    pub(crate) async fn read(self, tokens: u32) -> Result<Answer> {
        let (Self::Model(address) | Self::Server(address, _)) = &self;
        let mut connection = Connection::open(*address).await?;
        let tokens = tokens as usize;
        let mut answer = Answer {
            asked: now(),
            tokens: Vec::with_capacity(tokens),
        };
        self.ask(&mut connection).await?;
        connection.receive_head(StatusCode::OK).await?;
        while answer.tokens.len() < tokens {
            let taken = answer.take(&connection.received, tokens)?;
            connection.received.drain(..taken);
            if answer.tokens.len() < tokens {
                connection.read().await?;
            }
        }
        // The server sends the answer once more, as a whole.
        while !connection.received.ends_with(b"\r\n0\r\n\r\n") {
            connection.read().await?;
        }
        let rest = std::str::from_utf8(&connection.received)?;
        ensure!(rest.contains(self.last_line()), "ended with:\n{rest}");
        Ok(answer)
    }

    /// What stands last in the stream.
    fn last_line(&self) -> &'static str {
        match self {
            Self::Model(_) => "\ndata: [DONE]\n",
            Self::Server(..) => "\nevent: run.completed\n",
        }
    }

    async fn ask(&self, connection: &mut Connection) -> Result<()> {
        match self {
            Self::Model(_) => {
                let key = model::KEY;
                let request = format!(
                    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n\
                     Authorization: Bearer {key}\r\nContent-Length: 2\r\n\r\n{{}}"
                );
                connection.send(request.as_bytes()).await
            }
            Self::Server(_, RunRequests { begin, follow }) => {
                connection.send(begin).await?;
                let run = connection.receive(StatusCode::ACCEPTED, run_of).await??;
                let follow = follow.replace(NO_RUN, &run);
                connection.send(follow.as_bytes()).await
            }
        }
    }
}

impl Answer {
    /// Takes tokens out of what has come, up to so many in all; returns how much of it is done
    /// with.
    fn take(&mut self, received: &[u8], all: usize) -> Result<usize> {
        let came = now();
        let mut rest = received;
        while self.tokens.len() < all {
            // The standard library's, which is fast in a program that is not optimized, too.
            rest.skip_until(MARK)?;
            let Some((digits, behind)) = rest.split_at_checked(NUMBER_DIGITS + TIME_DIGITS) else {
                // The mark is read again with what is missing, if there was one.
                let begin = received.len() - rest.len();
                return Ok(begin.saturating_sub(1));
            };
            let (number, sent) = digits.split_at(NUMBER_DIGITS);
            let (number, next) = (parse(number)?, self.tokens.len());
            ensure!(number == next as u64, "token {number} instead of {next}");
            let sent = parse(sent)?;
            self.tokens.push(Arrival { sent, came });
            rest = behind;
        }
        Ok(received.len() - rest.len())
    }
}

fn parse(digits: &[u8]) -> Result<u64> {
    Ok(std::str::from_utf8(digits)?.parse()?)
}

/// The id of the run that has begun.
fn run_of(answer: &[u8]) -> Result<String> {
    let answer = std::str::from_utf8(answer)?;
    let (_, run) = answer.split_once(r#""run":{"id":""#).context("no run")?;
    Ok(run.get(..ID_LENGTH).context("no id of a run")?.to_owned())
}
