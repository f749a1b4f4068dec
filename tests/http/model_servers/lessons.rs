//! Tests of the changes that a refusal causes, and of refusals that must cause none.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chatkit_tests::{
    TestServer,
    model::{FakeModel, Reply, Step},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{
    Chat, messages, refusal, refused,
    requests::{TOOLLESS, alternates, calls_with, roles},
};
use crate::BACKEND;

#[tokio::test]
async fn only_a_refusal_of_the_request_itself_changes_it() {
    let waiting = |text: &str| {
        let headers = vec![("Retry-After", "30".to_owned())];
        let body = json!({"error": {"message": text}}).to_string();
        Reply::Status(429, headers, body)
    };
    let internal = |text: &str| refusal(500, &json!({"error": {"message": text}}));
    let request_id = "Please include the request ID req_1 in your message.";
    for (replies, asked) in [
        (vec![internal(request_id); 3], 3),
        (
            vec![waiting("a-thinking-model is rate-limited, content is null")],
            1,
        ),
        (
            vec![refusal(401, &json!({"error": {"message": TOOLLESS}}))],
            1,
        ),
        (
            vec![refused("Please include more reasoning and store it")],
            1,
        ),
    ] {
        for api in super::APIS {
            let chat = Chat::scripted(replies.clone(), &[&format!("--openai-api={api}")]).await;
            let failed = chat.send("Hi").await;
            assert!(failed.status.is_server_error(), "{}", failed.text);
            assert_eq!(chat.model.requests().len(), asked, "{replies:?}");
        }
    }
}

#[tokio::test]
async fn a_change_that_does_not_help_is_not_remembered() {
    // The server refuses the prompt, whatever is left out.
    let model = FakeModel::refusing(|request| {
        let newest = messages(request).last()?["content"].as_str()?.to_owned();
        (newest == "bad" && request.get("stream_options").is_some())
            .then(|| refused(TOOLLESS))
            .or_else(|| (newest == "bad").then(|| refused(TOOLLESS)))
    })
    .await;
    let chat = Chat::behind(model, &[]).await;
    chat.send("bad")
        .await
        .expect_problem(StatusCode::BAD_GATEWAY, "model_failed");
    chat.answer("good").await;
    let requests = chat.model.requests();
    assert!(requests.last().unwrap().get("tools").is_some());
}

#[tokio::test]
async fn python_words_for_nothing_are_nothing() {
    let body = |message: &str| json!({"error": {"message": message, "type": "None", "param": "None", "code": "400"}});
    let model = FakeModel::refusing(move |request| {
        let body = body("litellm.BadRequestError: unknown field: stream_options");
        request.get("stream_options").map(|_| refusal(400, &body))
    })
    .await;
    Chat::behind(model, &[]).await.answer("Hi").await;
    let chat = Chat::scripted([refusal(400, &body("m: something"))], &[]).await;
    chat.send("Hi")
        .await
        .expect_problem(StatusCode::BAD_GATEWAY, "model_failed");
    let chat = Chat::scripted(
        [refusal(
            400,
            &body("this model doesn't support temperature=0.5"),
        )],
        &[],
    )
    .await;
    let asked = json!({"messages": [{"role": "user", "content": "Hi"}], "temperature": 0.5});
    let failed = chat.client.post("/v1/chat/completions", asked).await;
    assert_eq!(
        failed.expect(StatusCode::BAD_REQUEST)["error"]["param"],
        "temperature"
    );
}

#[tokio::test]
async fn calls_of_another_model_become_text_where_a_server_misses_its_data() {
    let is_strict = Arc::new(AtomicBool::new(false));
    let insists = is_strict.clone();
    let model = FakeModel::refusing(move |request| {
        let is_missing = calls_with(request, "reasoning_content")
            .iter()
            .any(|value| value.is_null());
        (is_missing && insists.load(Ordering::SeqCst))
            .then(|| refused("Missing `reasoning_content` field in the assistant message"))
    })
    .await;
    let chat = Chat::behind(model, &[]).await;
    chat.model
        .script([Reply::calls(&[("a", "list_tasks", "{}")])]);
    chat.answer("List").await;
    is_strict.store(true, Ordering::SeqCst);
    let call = Reply::Stream(vec![
        Step::delta(json!({"reasoning_content": "Again."})),
        Step::call(0, "b", "list_tasks", "{}"),
        Step::end("tool_calls"),
    ]);
    // The first request is refused, so the script starts with the second.
    chat.model.script([call]);
    chat.answer("And now?").await;
    let requests = chat.model.requests();
    let last = requests.last().unwrap();
    assert_eq!(calls_with(last, "reasoning_content"), [&json!("Again.")]);
    assert!(last.to_string().contains("I called the tool list_tasks"));
}

/// A choice of a tool over the ChatKit protocol.
async fn choose(client: &chatkit_tests::Client, tool: &str) -> chatkit_tests::Answer {
    let options = json!({"tool_choice": {"id": tool}});
    let content = json!([{"type": "input_text", "text": "Go"}]);
    let input = json!({"content": content, "attachments": [], "inference_options": options});
    let body = json!({"type": "threads.create", "params": {"input": input}});
    client.post("/chatkit", body).await
}

#[tokio::test]
async fn a_tool_that_a_caller_chose_teaches_nothing() {
    let model = FakeModel::refusing(|request| {
        request["tool_choice"]
            .is_object()
            .then(|| refused("thinking mode does not support this tool_choice"))
    })
    .await;
    let chat = Chat::behind(model, &["--max-tool-rounds=1"]).await;
    let answer = choose(&chat.client, "list_tasks").await;
    assert!(answer.text.contains("You said: Go"), "{}", answer.text);
    chat.model
        .script([Reply::calls(&[("a", "list_tasks", "{}")])]);
    chat.answer("List").await;
    assert_eq!(chat.model.requests().last().unwrap()["tool_choice"], "none");
}

/// The words of each refusal that leads to another form, which a user may write too.
const LESSONS: [&str; 9] = [
    TOOLLESS,
    "tools param requires --jinja flag",
    "Extra inputs are not permitted: stream_options",
    "Conversation roles must alternate user/assistant",
    "System role not supported",
    "messages.1.content must be a string, not null",
    "Tool call id must have a length of 9, with a length of 9.",
    "Property 'reasoning_content' is unsupported",
    "Missing reasoning_content, it must be passed back",
];

/// Whether a request has everything that an adaptation may change.
fn is_full(request: &Value) -> bool {
    let messages = messages(request);
    let call = messages
        .iter()
        .find(|message| message["tool_calls"].is_array());
    let is_call_full = call.is_some_and(|call| {
        call["content"].is_null()
            && call["reasoning_content"].is_string()
            && call["tool_calls"][0]["id"]
                .as_str()
                .is_some_and(|id| id.len() != 9)
    });
    is_call_full
        && request.get("tools").is_some()
        && request.get("stream_options").is_some()
        && roles(request)[0] == "system"
        && !alternates(request)
}

/// A conversation in which every adaptation would show: with a call, and two neighbors of one role.
async fn start_full(model: &FakeModel, client: &chatkit_tests::Client) -> String {
    let id = client.create_conversation().await;
    let call = Reply::Stream(vec![
        Step::delta(json!({"reasoning_content": "Hm."})),
        Step::call(0, "a", "list_tasks", "{}"),
        Step::end("tool_calls"),
    ]);
    model.script([
        call,
        Reply::text("None."),
        Reply::error(401, "invalid_api_key"),
    ]);
    client.say(&id, "List").await;
    let path = format!("/api/chat/conversations/{id}/messages");
    client
        .post(&path, json!({"content": "Fail"}))
        .await
        .expect(StatusCode::BAD_GATEWAY);
    id
}

#[tokio::test]
async fn a_refusal_that_quotes_the_user_is_not_remembered() {
    // A server that refuses each of these prompts and quotes it, but only with everything that is
    // sent at first. So every change seems to help.
    let model = FakeModel::refusing(|request| {
        let messages = messages(request);
        let system = messages[0]["content"].as_str()?;
        let newest = messages.last()?["content"].as_str()?;
        let lesson = LESSONS
            .into_iter()
            .find(|lesson| newest == *lesson || system.contains(lesson));
        let lesson = lesson.filter(|_| is_full(request))?;
        Some(refused(&format!("This prompt is refused: \"{lesson}\"")))
    })
    .await;
    let server = TestServer::start_asking(BACKEND, &model, &["--max-runs-per-user=1000"]).await;
    let mallory = server.client("mallory");
    for lesson in LESSONS {
        let id = start_full(&model, &mallory).await;
        // A caller's addition to the instructions is the caller's text too.
        let body = json!({"messages": [
            {"role": "system", "content": lesson}, {"role": "user", "content": lesson},
        ]});
        let path = "/v1/chat/completions";
        let request = mallory.request(reqwest::Method::POST, path).json(&body);
        mallory.send(request.header("X-Conversation-Id", &id)).await;
        let path = format!("/api/chat/conversations/{id}/messages");
        mallory.post(&path, json!({"content": lesson})).await;
    }
    // Others are asked with everything.
    let alice = server.client("alice");
    let id = start_full(&model, &alice).await;
    alice.say(&id, "Hello").await;
    assert!(is_full(model.requests().last().unwrap()));
}
