//! The kinds of requests that are measured.

use std::fmt::{self, Display, Formatter};

use anyhow::{Context, Result, ensure};
use chatkit_domain::ConversationId;
use chatkit_tests::token;
use reqwest::{Client, Response, StatusCode, header::ETAG};
use serde_json::Value;

use crate::{
    seed::{READER, Seeded, Senders},
    server::Server,
};

/// How many conversations stand before the deep page: pages of the largest size.
const DEEP_PAGES: usize = 10;

/// What users say.
const MESSAGE: &str = r#"{"content": "And what is left to do on Sunday?"}"#;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Workload {
    /// The messages of a conversation in which nothing has changed.
    Poll,
    /// The first 20 conversations of 2,000.
    List,
    /// 20 conversations behind the first 1,000.
    Deep,
    /// The newest 50 messages of 5,000.
    History,
    /// A new conversation.
    Create,
    /// A message in a conversation of 50, with the model's answer of 20 tokens.
    Send,
    /// Many answers at once, each of which comes token by token and is followed as it does. Has a
    /// table of its own.
    Streams,
    /// The chat page in a browser: how long it keeps the reader of 5,000 messages waiting. Has a
    /// table of its own.
    Page,
}

/// Stands where the id of a run will that has not begun.
pub(crate) const NO_RUN: &str = "{run_id}";

impl Workload {
    pub(crate) const ALL: [Self; 8] = [
        Self::Poll,
        Self::List,
        Self::Deep,
        Self::History,
        Self::Create,
        Self::Send,
        Self::Streams,
        Self::Page,
    ];

    /// Whether it is one request, again and again.
    pub(crate) fn is_repeated(self) -> bool {
        !matches!(self, Self::Streams | Self::Page)
    }

    /// The status of every answer.
    pub(crate) fn expected(self) -> StatusCode {
        match self {
            Self::Poll => StatusCode::NOT_MODIFIED,
            Self::List | Self::Deep | Self::History | Self::Page => StatusCode::OK,
            Self::Create | Self::Send => StatusCode::CREATED,
            Self::Streams => StatusCode::ACCEPTED,
        }
    }

    /// The request that each connection repeats, as it stands on the wire.
    pub(crate) async fn requests(self, server: &Server, seeded: &Seeded) -> Result<Vec<Vec<u8>>> {
        let long = messages(seeded.long);
        let request = match self {
            Self::Poll => {
                let page = read(server, &long).await?;
                let etag = page.headers().get(ETAG).context("a page has an ETag")?;
                let unchanged = format!("If-None-Match: {}\r\n", etag.to_str()?);
                get(&long, &unchanged)
            }
            Self::List => get("/api/chat/conversations?limit=20", ""),
            Self::Deep => {
                let cursor = deep_cursor(server).await?;
                get(
                    &format!("/api/chat/conversations?limit=20&cursor={cursor}"),
                    "",
                )
            }
            Self::History => get(&format!("{long}?limit=50"), ""),
            Self::Create => {
                return Ok(each(&seeded.senders, |_| {
                    post("/api/chat/conversations", "{}")
                }));
            }
            Self::Send => {
                return Ok(each(&seeded.senders, |id| post(&messages(id), MESSAGE)));
            }
            Self::Streams => return Ok(begin(&seeded.senders)),
            // A browser makes them.
            Self::Page => return Ok(Vec::new()),
        };
        Ok(vec![request.of(READER); seeded.senders.len()])
    }
}

/// The name by which it is chosen.
impl Display for Workload {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Poll => "poll",
            Self::List => "list",
            Self::Deep => "deep",
            Self::History => "history",
            Self::Create => "create",
            Self::Send => "send",
            Self::Streams => "streams",
            Self::Page => "page",
        })
    }
}

/// A request of nobody yet: its first line and its own headers, and its body.
struct Draft {
    head: String,
    body: String,
}

impl Draft {
    /// The request as this user sends it.
    fn of(&self, user: &str) -> Vec<u8> {
        let Self { head, body } = self;
        let (token, length) = (token::of(user), body.len());
        format!(
            "{head}Host: localhost\r\nAccept: */*\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

fn get(path: &str, headers: &str) -> Draft {
    Draft {
        head: format!("GET {path} HTTP/1.1\r\n{headers}"),
        body: String::new(),
    }
}

fn post(path: &str, body: &str) -> Draft {
    Draft {
        head: format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n"),
        body: body.to_owned(),
    }
}

/// The request that begins a run of each sender's.
pub(crate) fn begin(senders: &Senders) -> Vec<Vec<u8>> {
    each(senders, |id| post(&runs(id), MESSAGE))
}

/// The request that follows a run of each sender's, with [`NO_RUN`] where its id belongs.
pub(crate) fn follow(senders: &Senders) -> Vec<Vec<u8>> {
    each(senders, |id| {
        get(&format!("{}/{NO_RUN}/events", runs(id)), "")
    })
}

/// A request for each sender's conversation.
fn each(senders: &Senders, request: impl Fn(ConversationId) -> Draft) -> Vec<Vec<u8>> {
    let senders = senders.iter();
    senders.map(|(user, id)| request(*id).of(user)).collect()
}

fn runs(conversation: ConversationId) -> String {
    format!("/api/chat/conversations/{conversation}/runs")
}

fn messages(conversation: ConversationId) -> String {
    format!("/api/chat/conversations/{conversation}/messages")
}

/// Where the first conversations of the reader end.
async fn deep_cursor(server: &Server) -> Result<String> {
    let mut cursor = String::new();
    for _ in 0..DEEP_PAGES {
        let path = format!("/api/chat/conversations?limit=100{cursor}");
        let page: Value = read(server, &path).await?.json().await?;
        let next = page["next_cursor"]
            .as_str()
            .context("the list goes deeper")?;
        cursor = format!("&cursor={next}");
    }
    Ok(cursor.trim_start_matches("&cursor=").to_owned())
}

/// Reads as the reader, once.
async fn read(server: &Server, path: &str) -> Result<Response> {
    let request = Client::new().get(format!("{}{path}", server.url()));
    let response = request.bearer_auth(token::of(READER)).send().await?;
    ensure!(response.status().is_success(), "{}", response.text().await?);
    Ok(response)
}
