//! A fake model server that speaks chat completions and the Responses API, from a script. It writes
//! its bytes itself, so that it can also fail like real servers.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use crate::pace::{Pace, Pacer};

/// The name of the fake model.
pub const MODEL: &str = "fake-model";

/// The API key that requests must have.
pub const KEY: &str = "sk-fake-key-of-the-tests-0123456789";

const STREAM_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                             Transfer-Encoding: chunked\r\n\r\n";

const STREAM_END: &[u8] = b"0\r\n\r\n";

/// A model server that answers from a script. After the end of the script, it echoes the user.
#[derive(Debug)]
pub struct FakeModel {
    address: SocketAddr,
    shared: Arc<Shared>,
    _listener: JoinSet<()>,
}

/// Checks a request before the script. A returned reply refuses the request.
type Rule = Box<dyn Fn(&Value) -> Option<Reply> + Send + Sync>;

#[derive(Default)]
struct Shared {
    /// The reply to every request, instead of a script.
    repeated: Option<Reply>,
    /// The rule for requests that this server refuses.
    rule: Option<Rule>,
    /// Whether the server refuses every request with an API key.
    is_keyless: bool,
    /// The gate before an echo, and the pause after each word of it.
    pace: Option<(Gate, Duration)>,
    replies: Mutex<VecDeque<Reply>>,
    requests: Mutex<Vec<Value>>,
    stalled: AtomicUsize,
    pacer: OnceLock<Pacer>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// The reply to a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A stream of these steps, and the marker of its end.
    Stream(Vec<Step>),
    /// A stream of these steps, without a marker of its end.
    Raw(Vec<Step>),
    /// The events of the Responses API, without a marker of their end.
    Response(Vec<Value>),
    /// A stream of tokens at a steady pace.
    Paced(Pace),
    /// A response without a stream.
    Status(u16, Vec<(&'static str, String)>, String),
    /// No bytes, forever.
    Silence,
    /// A closed connection.
    HangUp,
}

/// A part of a stream.
#[derive(Clone, Debug)]
pub enum Step {
    /// A chunk of a completion, or any other JSON.
    Chunk(Value),
    /// This text, unchanged.
    Raw(String),
    /// These bytes, unchanged.
    Bytes(Vec<u8>),
    /// A pause.
    Wait(Duration),
    /// Nothing until the test opens the gate.
    Gate(Gate),
    /// Nothing more, forever.
    Stall,
    /// A closed connection, in the middle of the body.
    Abort,
}

/// A gate that streams wait for. All clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// Opens the gate for all streams, waiting and later ones.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    async fn opened(&self) {
        // The sender is this gate, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|is_open| *is_open).await;
    }
}

impl Reply {
    /// An answer with this text and its usage.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let words = text.split_inclusive(' ').map(Step::text);
        let end = [Step::end("stop"), Step::usage(11, 7)];
        Self::Stream(words.chain(end).collect())
    }

    /// A round of tool calls, each with its id, name and arguments.
    #[must_use]
    pub fn calls(calls: &[(&str, &str, &str)]) -> Self {
        let calls = calls
            .iter()
            .enumerate()
            .map(|(index, (id, name, arguments))| Step::call(index, id, name, arguments));
        let end = [Step::end("tool_calls"), Step::usage(5, 3)];
        Self::Stream(calls.chain(end).collect())
    }

    /// An answer of the Responses API with this text and its usage.
    #[must_use]
    pub fn response(text: &str) -> Self {
        crate::log::must_not_hold(&json!(text));
        let words = text
            .split_inclusive(' ')
            .map(|word| json!({"type": "response.output_text.delta", "delta": word}));
        let usage = json!({"input_tokens": 11, "output_tokens": 7, "total_tokens": 18});
        let whole = json!({"output": [], "usage": usage, "incomplete_details": null});
        let end = json!({"type": "response.completed", "response": whole});
        Self::Response(words.chain([end]).collect())
    }

    /// An error in OpenAI's format.
    #[must_use]
    pub fn error(status: u16, code: &str) -> Self {
        let error = json!({"message": "refused", "type": "error", "param": null, "code": code});
        Self::Status(status, Vec::new(), json!({"error": error}).to_string())
    }
}

impl Step {
    /// A piece of text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::delta(json!({"content": text}))
    }

    /// A delta.
    #[must_use]
    pub fn delta(delta: Value) -> Self {
        Self::chunk(
            json!([{"index": 0, "delta": delta, "finish_reason": null}]),
            None,
        )
    }

    /// A tool call: its index in the round, its id, name and arguments.
    #[must_use]
    pub fn call(index: usize, id: &str, name: &str, arguments: &str) -> Self {
        let function = json!({"name": name, "arguments": arguments});
        let call = json!({"index": index, "id": id, "type": "function", "function": function});
        Self::delta(json!({"tool_calls": [call]}))
    }

    /// The last chunk with a choice.
    #[must_use]
    pub fn end(reason: &str) -> Self {
        Self::chunk(
            json!([{"index": 0, "delta": {}, "finish_reason": reason}]),
            None,
        )
    }

    /// The chunk with the usage.
    #[must_use]
    pub fn usage(input: u64, output: u64) -> Self {
        let total = input + output;
        let usage =
            json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": total});
        Self::chunk(json!([]), Some(usage))
    }

    fn chunk(choices: Value, usage: Option<Value>) -> Self {
        crate::log::must_not_hold(&choices);
        Self::Chunk(json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
            "choices": choices, "usage": usage,
        }))
    }
}

impl FakeModel {
    /// Starts a server on a free port.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start() -> Self {
        Self::serve(Shared::default()).await
    }

    /// Starts a server that refuses requests by this rule, and answers others from the script.
    /// Refused requests are recorded too.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn refusing(rule: impl Fn(&Value) -> Option<Reply> + Send + Sync + 'static) -> Self {
        Self::serve(Shared {
            rule: Some(Box::new(rule)),
            ..Shared::default()
        })
        .await
    }

    /// Starts a server that refuses every request with an `Authorization` header.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn keyless() -> Self {
        Self::serve(Shared {
            is_keyless: true,
            ..Shared::default()
        })
        .await
    }

    /// Starts a server that sends this reply to every request. It neither parses nor records
    /// requests, so that it costs almost nothing during measurements.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn repeating(reply: Reply) -> Self {
        Self::serve(Shared {
            repeated: Some(reply),
            ..Shared::default()
        })
        .await
    }

    /// Starts a server that echoes the user after the end of the script. Echoes wait until the gate
    /// is open, and have a pause after each word.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn echoing(gate: &Gate, pause: Duration) -> Self {
        Self::serve(Shared {
            pace: Some((gate.clone(), pause)),
            ..Shared::default()
        })
        .await
    }

    async fn serve(shared: Shared) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(shared);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, shared.clone()));
        Self {
            address,
            shared,
            _listener: tasks,
        }
    }

    /// Appends replies to the script, for the next requests in this order.
    ///
    /// # Panics
    /// When another thread has panicked while it used the script.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.shared.replies.lock().unwrap().extend(replies);
    }

    /// The bodies of the requests so far.
    ///
    /// # Panics
    /// When another thread has panicked while it used the requests.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// The number of streams that have stalled.
    #[must_use]
    pub fn stalled(&self) -> usize {
        self.shared.stalled.load(Ordering::SeqCst)
    }

    /// The address of the server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The flags that make a chatkit server use this model server.
    #[must_use]
    pub fn flags(&self) -> Vec<String> {
        let mut flags = vec![
            format!("--openai-base-url=http://{}/v1/", self.address),
            format!("--openai-model={MODEL}"),
        ];
        if !self.shared.is_keyless {
            flags.push(format!("--openai-api-key={KEY}"));
        }
        flags
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        // Tokens are sent at once, as by a real model server.
        stream.set_nodelay(true).unwrap();
        let shared = shared.clone();
        connections.spawn(async move {
            // A disconnecting client ends only its own connection.
            let _ = converse(stream, shared).await;
        });
    }
}

impl Shared {
    /// Returns the reply to a request with this body.
    fn reply(&self, body: &[u8]) -> Reply {
        if let Some(reply) = &self.repeated {
            return reply.clone();
        }
        let body: Value = serde_json::from_slice(body).unwrap();
        if let Some(refusal) = self.rule.as_ref().and_then(|rule| rule(&body)) {
            self.requests.lock().unwrap().push(body);
            return refusal;
        }
        let scripted = self.replies.lock().unwrap().pop_front();
        let reply = scripted.unwrap_or_else(|| self.paced(echo(&body)));
        self.requests.lock().unwrap().push(body);
        reply
    }

    fn paced(&self, reply: Reply) -> Reply {
        match (&self.pace, reply) {
            (Some((gate, pause)), Reply::Stream(steps)) => {
                let steps = steps
                    .into_iter()
                    .flat_map(|step| [step, Step::Wait(*pause)]);
                Reply::Stream(
                    [Step::Gate(gate.clone())]
                        .into_iter()
                        .chain(steps)
                        .collect(),
                )
            }
            (_, reply) => reply,
        }
    }
}

async fn converse(mut stream: TcpStream, shared: Arc<Shared>) -> std::io::Result<()> {
    while let Some(body) = read_request(&mut stream, shared.is_keyless).await? {
        let reply = match body {
            Ok(body) => shared.reply(&body),
            Err(refusal) => refusal,
        };
        match reply {
            Reply::Stream(mut steps) => {
                steps.push(Step::Raw("data: [DONE]\n\n".to_owned()));
                if !write_stream(&mut stream, steps, &shared).await? {
                    return Ok(());
                }
            }
            Reply::Raw(steps) => {
                if !write_stream(&mut stream, steps, &shared).await? {
                    return Ok(());
                }
            }
            Reply::Response(events) => write_events(&mut stream, &events).await?,
            Reply::Paced(pace) => {
                stream.write_all(STREAM_HEAD).await?;
                let pacer = shared.pacer.get_or_init(Pacer::start);
                let Some(ended) = pacer.send(stream, pace).await else {
                    return Ok(());
                };
                stream = ended;
                stream.write_all(STREAM_END).await?;
            }
            Reply::Status(status, headers, body) => {
                write_status(&mut stream, status, &headers, &body).await?;
            }
            Reply::Silence => std::future::pending().await,
            Reply::HangUp => return Ok(()),
        }
    }
    Ok(())
}

/// Echoes the newest user message, so that a test can check what the model received. Fails if the
/// message is "fail".
fn echo(body: &Value) -> Reply {
    let is_response = body["input"].is_array();
    let messages = body["messages"].as_array();
    let messages = messages.or_else(|| body["input"].as_array());
    let messages = messages.unwrap();
    let heard = messages
        .iter()
        .rev()
        .find(|message| message["role"] == "user");
    let heard = heard.map_or("", |message| {
        message["content"].as_str().unwrap_or_default()
    });
    if heard == "fail" {
        return Reply::error(500, "server_error");
    }
    let answer = format!("You said: {heard}");
    if is_response {
        Reply::response(&answer)
    } else {
        Reply::text(&answer)
    }
}

/// Reads the body of the next request, or returns the reply that refuses it. `None` at the end of
/// the connection.
async fn read_request(
    stream: &mut TcpStream,
    is_keyless: bool,
) -> std::io::Result<Option<Result<Vec<u8>, Reply>>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            break String::from_utf8(std::mem::replace(&mut bytes, rest)).unwrap();
        }
        let mut buffer = [0; 8192];
        match stream.read(&mut buffer).await? {
            0 => return Ok(None),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    };
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    };
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < length {
        let mut buffer = [0; 8192];
        match stream.read(&mut buffer).await? {
            0 => return Ok(None),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
    let is_known = ["POST /v1/chat/completions ", "POST /v1/responses "]
        .iter()
        .any(|line| head.starts_with(line));
    if !is_known {
        return Ok(Some(Err(Reply::error(404, "not_found"))));
    }
    let key = (!is_keyless).then(|| format!("Bearer {KEY}"));
    if header("authorization") != key {
        return Ok(Some(Err(Reply::error(401, "invalid_api_key"))));
    }
    Ok(Some(Ok(bytes)))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// Writes a stream. Returns `false` if the connection must end with it.
async fn write_stream(
    stream: &mut TcpStream,
    steps: Vec<Step>,
    shared: &Shared,
) -> std::io::Result<bool> {
    stream.write_all(STREAM_HEAD).await?;
    for step in steps {
        match step {
            Step::Chunk(chunk) => {
                write_chunk(stream, format!("data: {chunk}\n\n").as_bytes()).await?;
            }
            Step::Raw(text) => write_chunk(stream, text.as_bytes()).await?,
            Step::Bytes(bytes) => write_chunk(stream, &bytes).await?,
            Step::Wait(pause) => tokio::time::sleep(pause).await,
            Step::Gate(gate) => gate.opened().await,
            Step::Stall => {
                shared.stalled.fetch_add(1, Ordering::SeqCst);
                std::future::pending::<()>().await;
            }
            Step::Abort => return Ok(false),
        }
    }
    stream.write_all(STREAM_END).await?;
    Ok(true)
}

async fn write_events(stream: &mut TcpStream, events: &[Value]) -> std::io::Result<()> {
    stream.write_all(STREAM_HEAD).await?;
    for event in events {
        let kind = event["type"].as_str().unwrap();
        let frame = format!("event: {kind}\ndata: {event}\n\n");
        write_chunk(stream, frame.as_bytes()).await?;
    }
    stream.write_all(b"0\r\n\r\n").await
}

async fn write_chunk(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let size = format!("{:x}\r\n", bytes.len());
    stream
        .write_all(&[size.as_bytes(), bytes, b"\r\n"].concat())
        .await
}

async fn write_status(
    stream: &mut TcpStream,
    status: u16,
    headers: &[(&str, String)],
    body: &str,
) -> std::io::Result<()> {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.len();
    let response =
        format!("HTTP/1.1 {status} Status\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
    stream.write_all(response.as_bytes()).await
}
