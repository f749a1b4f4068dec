//! The binary as its users start it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The binary in a folder of its own, without any setting from outside.
fn server(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatkit-server"));
    command
        .env_clear()
        .env("LISTEN_ADDR", "127.0.0.1:0")
        .current_dir(folder.path());
    command
}

fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// A server that was started without configuration, and how one is signed in.
struct Running {
    child: Child,
    address: String,
    /// The token of the printed link.
    link_token: String,
    /// A header.
    credentials: String,
}

impl Running {
    fn start(folder: &TempDir) -> Self {
        Self::spawn(server(folder).stdout(Stdio::null()))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let link = lines
            .map(Result::unwrap)
            .find_map(|line| Some(line.trim().strip_prefix("http://")?.to_owned()))
            .unwrap();
        let (address, link_token) = link.split_once("/#token=").unwrap();
        let mut running = Self {
            child,
            address: address.to_owned(),
            link_token: link_token.to_owned(),
            credentials: format!("Authorization: Bearer {link_token}"),
        };
        running.sign_in();
        running
    }

    /// Gives the printed link's token for a cookie, as a browser does.
    fn sign_in(&mut self) {
        let (head, _) = self.ask("POST", "/api/session", "");
        assert!(head.starts_with("HTTP/1.1 204"), "{head}");
        let cookie = head
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: "))
            .unwrap();
        assert!(cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
        let (cookie, _) = cookie.split_once(';').unwrap();
        self.credentials = format!("Sec-Fetch-Site: same-origin\r\nCookie: {cookie}");
    }

    /// Asks, and returns the head and the body of the answer.
    fn ask(&self, method: &str, path: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (address, credentials, length) = (&self.address, &self.credentials, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{credentials}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Value {
        serde_json::from_str(&self.ask(method, path, body).1).unwrap()
    }

    fn say(&self, message: &str, conversation: &Value) -> Value {
        let body = json!({"message": message, "conversation_id": conversation});
        self.request("POST", "/api/v1/chat", &body.to_string())
    }

    /// Stops it as an operator would.
    fn terminate(mut self) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn the_printed_link_leads_to_where_browsers_see_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = server(&folder);
    command
        .env("PUBLIC_URL", "http://localhost:5173")
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let link = lines.find_map(|line| Some(line.unwrap().split_once("/#token=")?.0.to_owned()));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(link.unwrap().trim(), "http://localhost:5173");
}

#[test]
fn without_configuration_one_is_chatting_and_history_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = Running::start(&folder);
    let added = first.say("Add a task to buy groceries", &Value::Null);
    let id = added["conversation_id"].clone();
    assert_eq!(added["response"], "Task created: Buy groceries (task 1).");
    let listed = first.say("Show me all my tasks", &id);
    assert_eq!(listed["response"], "You have 1 task:\n\n- 1: Buy groceries");
    let completed = first.say("Mark task 1 as complete", &id);
    assert_eq!(completed["response"], "Task 1 is complete: Buy groceries.");
    let mode = |file: &Path| std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
    for file in ["chatkit.db", "chatkit.db-wal", "chatkit.db.secret"] {
        assert_eq!(mode(&folder.path().join(file)), 0o600, "{file}");
    }
    let yesterday = first.credentials.clone();
    first.terminate();

    let mut second = Running::start(&folder);
    // The secret is kept, so who was signed in still is.
    second.credentials = yesterday;
    let path = format!("/api/chat/conversations/{}/messages", id.as_str().unwrap());
    let history = second.request("GET", &path, "");
    assert_eq!(history["messages"].as_array().unwrap().len(), 6);
    assert_eq!(history["messages"][5]["content"], completed["response"]);
    second.terminate();
}

#[test]
fn the_log_holds_neither_tokens_nor_secrets_nor_what_was_said() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["pretty", "json"] {
        let log = folder.path().join(format);
        let mut command = server(&folder);
        command
            .env("RUST_LOG", "trace")
            .env("LOG_FORMAT", format)
            .stdout(std::fs::File::create(&log).unwrap());
        let running = Running::spawn(&mut command);
        let answer = running.say("Add a task to hide the treasure", &Value::Null);
        let path = format!(
            "/api/chat/conversations/{}",
            answer["conversation_id"].as_str().unwrap()
        );
        running.request("PUT", &path, r#"{"title": "A treasure map"}"#);
        running.request("PUT", &path, r#"{"title": ["treasure"]}"#);
        running.request("GET", "/api/chat/conversations?q=treasure", "");
        let link_token = running.link_token.clone();
        let (_, cookie) = running.credentials.split_once("auth_token=").unwrap();
        let cookie = cookie.to_owned();
        running.terminate();
        let log = std::fs::read_to_string(log).unwrap();
        assert!(
            log.contains("answered") && log.contains("run ended"),
            "{log}"
        );
        let secret = std::fs::read_to_string(folder.path().join("chatkit.db.secret")).unwrap();
        for word in ["treasure", &link_token, &cookie, secret.trim()] {
            let line = log.lines().find(|line| line.contains(word));
            assert_eq!(line, None, "{word}");
        }
    }
}

#[test]
fn it_goes_on_when_nobody_reads_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = server(&folder)
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .env("LOG_FORMAT", "json")
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = log
        .find_map(|line| {
            let line: Value = serde_json::from_str(&line.ok()?).ok()?;
            Some(line["address"].as_str()?.to_owned())
        })
        .unwrap();
    drop(log);
    // Long enough for it to have written all that it has to say.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(1);
    while std::time::Instant::now() < deadline {
        let (code, _, stderr) = output(
            server(&folder)
                .env("LISTEN_ADDR", &address)
                .arg("healthcheck"),
        );
        assert_eq!(code, Some(0), "{stderr}");
    }
    assert_eq!(child.try_wait().unwrap(), None);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_wrong_setting_is_one_line_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("LISTEN_ADDR", "nonsense"),
        ("DATABASE_URL", "mysql://x"),
        ("DATABASE_URL", "sqlite::memory:"),
        ("DATABASE_URL", "postgress://user:hunter2@host/db"),
        ("DATABASE_URL", "postgres://u:hunter2@h:notaport/d"),
        ("DATABASE_POOL", "0"),
        ("JWT_ISSUER", ""),
        ("JWT_AUDIENCE", "sign-in"),
        ("JWKS_URL", "app.example.com/jwks"),
        ("PUBLIC_URL", "chat.example.com"),
        ("RUST_LOG", "info,=="),
        ("DELETED_TTL", "1000000y"),
        ("RUN_LEASE", "1ns"),
        (
            "RUN_LEASE",
            "a
b",
        ),
        ("OPENAI_BASE_URL", "ftp://x"),
        ("OPENAI_API_KEY", "hunter2 with spaces"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://a.example,https://b.example/path"),
        ("BETTER_AUTH_SECRET", "hunter2"),
        ("RUN_TIMEOUT", "soon"),
        ("RUN_LEASE", "0s"),
        ("LOG_FORMAT", "loud"),
        ("AUTO_MIGRATE", "perhaps"),
        ("CONTEXT_MESSAGES", "many"),
    ] {
        let (code, _, stderr) = output(server(&folder).env(name, value));
        assert_eq!(code, Some(2), "{name}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.contains(name), "{stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
    let (code, _, stderr) = output(server(&folder).arg("--no-such-flag"));
    assert_eq!((code, stderr.lines().count()), (Some(2), 1), "{stderr}");
}

#[test]
fn settings_come_from_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "RUN_LEASE=never\n").unwrap();
    let (code, _, stderr) = output(&mut server(&folder));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("RUN_LEASE"), "{stderr}");
    for broken in ["JWT_SECRET=abc hunter2", "JWT_SECRET='hunter2\nmore"] {
        std::fs::write(folder.path().join(".env"), broken).unwrap();
        let (code, _, stderr) = output(&mut server(&folder));
        assert_eq!(
            (code, stderr.as_str()),
            (Some(2), "error: .env: it cannot be read or parsed\n")
        );
    }
}

#[test]
fn it_refuses_to_be_open_to_the_world() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("LISTEN_ADDR", "0.0.0.0:0"),
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none"),
    ] {
        let (code, _, stderr) = output(server(&folder).env(name, value));
        assert_eq!(code, Some(1));
        assert!(
            stderr.contains("BETTER_AUTH_SECRET") && stderr.contains("JWKS_URL"),
            "{stderr}"
        );
    }
    let keys = "http://127.0.0.1:1/jwks";
    let (code, _, stderr) = output(
        server(&folder)
            .env("JWKS_URL", keys)
            .args(["token", "--user", "alice"]),
    );
    assert_eq!(code, Some(1));
    assert!(stderr.contains("BETTER_AUTH_SECRET"), "{stderr}");
    let two = server(&folder)
        .env("BETTER_AUTH_SECRET", "x".repeat(32))
        .env("JWT_SECRET", "y".repeat(32))
        .output()
        .unwrap();
    assert_eq!(two.status.code(), Some(1));
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("chatkit.db.secret");
    std::fs::write(&secret, "x".repeat(64)).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, _, stderr) = output(&mut server(&folder));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("chmod 600"), "{stderr}");
}

#[test]
fn a_database_that_is_not_there_is_said_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = output(
        server(&folder)
            .env("BETTER_AUTH_SECRET", "x".repeat(32))
            .env("RUST_LOG", "trace,sea_orm::driver=trace,sea_orm=trace")
            .env(
                "DATABASE_URL",
                "postgres://user:hunter2@127.0.0.1:1/none?pgbouncer=true",
            ),
    );
    assert_eq!(code, Some(1));
    assert!(stderr.contains("DATABASE_URL"), "{stderr}");
    assert!(!format!("{stdout}{stderr}").contains("hunter2"));
}

#[test]
fn the_other_commands_do_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let (code, stdout, stderr) = output(server(&folder).args(arguments));
        assert_eq!(code, Some(0), "{arguments:?}: {stderr}");
        stdout
    };
    let contract = include_str!("../../../openapi/chat-api.yaml");
    assert!(run(&["openapi"]) == contract, "the contract is stale");
    assert!(
        run(&["migrate"])
            .lines()
            .all(|line| line.starts_with("applied"))
    );
    assert!(
        run(&["migrate", "down"])
            .lines()
            .last()
            .unwrap()
            .starts_with("pending")
    );
    assert!(run(&["migrate", "status"]).contains("pending"));
    run(&["migrate", "up"]);
    let token = run(&["token", "--user", "alice", "--ttl", "1h"]);
    assert_eq!(token.trim().split('.').count(), 3);
    assert_eq!(
        run(&["erase", "--user", "alice"]),
        "erased 0 conversations and 0 tasks\n"
    );
    assert!(run(&["--help"]).contains("DATABASE_URL"));
    let (code, _, stderr) = output(
        server(&folder)
            .env("LISTEN_ADDR", "127.0.0.1:1")
            .arg("healthcheck"),
    );
    assert_eq!(code, Some(1), "{stderr}");
}

#[test]
fn a_printed_token_is_accepted_and_health_can_be_checked() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(&folder);
    let (_, token, _) = output(server(&folder).args(["token", "--user", "alice"]));
    running.credentials = format!("Authorization: Bearer {}", token.trim());
    let created = running.request("POST", "/api/chat/conversations", "{}");
    assert_eq!(created["user_id"], "alice");
    let (code, _, stderr) = output(
        server(&folder)
            .env("LISTEN_ADDR", &running.address)
            .arg("healthcheck"),
    );
    assert_eq!(code, Some(0), "{stderr}");
    running.terminate();
    let (_, stdout, _) = output(server(&folder).args(["erase", "--user", "alice"]));
    assert_eq!(stdout, "erased 1 conversations and 0 tasks\n");
}

/// The flags of `--help` with their variables, and the variables that a document names.
fn variables_of_help(folder: &TempDir) -> Vec<String> {
    let (_, help, _) = output(server(folder).arg("--help"));
    let mut variables: Vec<String> = help
        .split("[env: ")
        .skip(1)
        .map(|rest| {
            let end = rest.find(['=', ']']).unwrap();
            rest[..end].to_owned()
        })
        .collect();
    variables.sort();
    variables
}

#[test]
fn every_setting_is_documented() {
    let folder = tempfile::tempdir().unwrap();
    let expected = variables_of_help(&folder);
    assert!(expected.len() > 20, "{expected:?}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let example = std::fs::read_to_string(root.join(".env.example")).unwrap();
    let is_name =
        |name: &str| name.len() > 3 && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let mut in_readme: Vec<String> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|rest| rest.split('|').next())
        .flat_map(|cell| cell.split('`'))
        .filter(|name| is_name(name))
        .map(str::to_owned)
        .collect();
    in_readme.sort();
    assert_eq!(in_readme, expected, "README.md");
    let mut in_example: Vec<String> = example
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='))
        .map(|(name, _)| name.to_owned())
        .filter(|name| is_name(name))
        .collect();
    in_example.sort();
    assert_eq!(in_example, expected, ".env.example");
}
