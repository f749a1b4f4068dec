//! A proxy that breaks connections, with a page and a place to report to.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};

/// After how many events a stream is broken.
const EVENTS: usize = 3;

/// Passes on what a browser asks of a server; streams of events break again and again.
#[derive(Debug)]
pub(crate) struct Proxy {
    listener: TcpListener,
    page: &'static str,
}

impl Proxy {
    pub(crate) async fn bind(page: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener, page }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// Serves for as long as what is returned lives. What the page reports comes out of the
    /// channel.
    pub(crate) fn serve(self, server: SocketAddr) -> (JoinSet<()>, mpsc::Receiver<String>) {
        let (reports, reported) = mpsc::channel(1);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = self.listener.accept().await.unwrap();
                let (page, reports) = (self.page, reports.clone());
                connections.spawn(async move {
                    // A browser that leaves ends its connection, and nothing else.
                    let _ = answer(stream, server, page, reports).await;
                });
            }
        });
        (tasks, reported)
    }
}

/// Answers one request.
async fn answer(
    mut browser: TcpStream,
    server: SocketAddr,
    page: &str,
    reports: mpsc::Sender<String>,
) -> std::io::Result<()> {
    let Some((head, body)) = read_request(&mut browser).await? else {
        return Ok(());
    };
    let path = head.split(' ').nth(1).unwrap_or_default();
    if path.starts_with("/follow.html") {
        return respond(&mut browser, "200 OK", page).await;
    }
    if path == "/report" {
        let _ = reports.send(String::from_utf8(body).unwrap()).await;
        return respond(&mut browser, "204 No Content", "").await;
    }
    let breaks = path.ends_with("/events");
    let mut upstream = TcpStream::connect(server).await?;
    upstream.write_all(closing(&head).as_bytes()).await?;
    upstream.write_all(&body).await?;
    pass_on(upstream, browser, breaks).await
}

/// Passes an answer on, a stream of events only in part.
async fn pass_on(
    mut server: TcpStream,
    mut browser: TcpStream,
    breaks: bool,
) -> std::io::Result<()> {
    let (mut buffer, mut events) = ([0; 4096], 0);
    loop {
        let read = server.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        browser.write_all(&buffer[..read]).await?;
        let text = String::from_utf8_lossy(&buffer[..read]);
        events += text.matches("event: ").count();
        if breaks && events >= EVENTS {
            return Ok(());
        }
    }
}

/// The head of a request for a connection of its own.
fn closing(head: &str) -> String {
    let lines = head
        .lines()
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let lines: String = lines.map(|line| format!("{line}\r\n")).collect();
    format!("{lines}Connection: close\r\n\r\n")
}

/// The head of a request, without the empty line, and its body.
async fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let body = &bytes[end + 4..];
            if body.len() >= length_of(&head) {
                return Ok(Some((head, body.to_vec())));
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
}

fn length_of(head: &str) -> usize {
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().unwrap())
    });
    length.unwrap_or_default()
}

async fn respond(stream: &mut TcpStream, status: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    let response = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(response.as_bytes()).await
}
