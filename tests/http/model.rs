//! Turns that a model answers.

use chatkit_tests::{
    Answer, Client, TestServer,
    model::{FakeModel, MODEL, Reply, Step},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::BACKEND;

async fn send(client: &Client, conversation: &str, content: &str) -> Answer {
    let path = format!("/api/chat/conversations/{conversation}/messages");
    client.post(&path, json!({"content": content})).await
}

/// Roles and contents of the messages that a request carries.
fn heard(request: &Value) -> Vec<(&str, &str)> {
    let messages = request["messages"].as_array().unwrap();
    messages
        .iter()
        .map(|message| {
            let content = message["content"].as_str().unwrap_or_default();
            (message["role"].as_str().unwrap(), content)
        })
        .collect()
}

#[tokio::test]
async fn a_model_answers_with_its_history_from_the_database() {
    let model = FakeModel::start().await;
    let server =
        TestServer::start_asking(BACKEND, &model, &["--agent-instructions=Be kind."]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let turn = alice.say(&id, "one").await;
    assert_eq!(turn["assistant_message"]["content"], "You said: one");
    assert_eq!(turn["assistant_message"]["model"], MODEL);
    assert_eq!(turn["assistant_message"]["tokens_used"], 18);
    let usage = json!({
        "input_tokens": 11, "output_tokens": 7, "total_tokens": 18, "cached_tokens": null,
        "estimated": false
    });
    assert_eq!(turn["run"]["usage"], usage);

    let server = server.restart().await;
    server.client("alice").say(&id, "two").await;
    let requests = model.requests();
    let request = &requests[1];
    assert_eq!(
        heard(request),
        [
            ("system", "Be kind."),
            ("user", "one"),
            ("assistant", "You said: one"),
            ("user", "two")
        ]
    );
    assert_eq!(request["model"], MODEL);
    assert_eq!(request["stream"], true);
    let names: Vec<_> = request["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["function"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "add_task",
            "complete_task",
            "delete_task",
            "list_tasks",
            "update_task"
        ]
    );
    let info = server.client("alice").get("/api/info").await;
    assert_eq!(
        (&info.body["provider"], &info.body["model"]),
        (&json!("openai"), &json!(MODEL))
    );
}

#[tokio::test]
async fn tools_are_called_and_their_results_go_back() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let first = Reply::Stream(vec![
        Step::text("Let me see."),
        Step::delta(json!({"tool_calls": [
            {"index": 0, "id": "a", "type": "function", "function": {"name": "add_task", "arguments": "{\"title\":\"Milk\"}"}},
            {"index": 1, "id": "b", "type": "function", "function": {"name": "list_tasks", "arguments": ""}},
            {"index": 2, "id": "c", "type": "function", "function": {"name": "list_tasks", "arguments": "{}"}},
        ]})),
        Step::end("tool_calls"),
    ]);
    model.script([first, Reply::text("It is done.")]);
    let turn = alice.say(&id, "add milk").await;
    assert_eq!(
        turn["assistant_message"]["content"],
        "Let me see.\n\nIt is done."
    );
    let calls = turn["assistant_message"]["tool_calls"].as_array().unwrap();
    let statuses: Vec<_> = calls
        .iter()
        .map(|call| call["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["success"; 3]);
    // The second sees what the first has done: only neighbours that just read run together.
    assert_eq!(calls[1]["result"]["count"], 1);

    let requests = model.requests();
    let messages = requests[1]["messages"].as_array().unwrap();
    let called = &messages[messages.len() - 4];
    assert_eq!(called["tool_calls"][0]["id"], "a");
    assert_eq!(called["tool_calls"][1]["function"]["arguments"], "{}");
    let ids: Vec<_> = messages[messages.len() - 3..]
        .iter()
        .map(|message| {
            (
                message["role"].as_str().unwrap(),
                message["tool_call_id"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(ids, [("tool", "a"), ("tool", "b"), ("tool", "c")]);
    // One turn later the calls stand before the message that used them.
    alice.say(&id, "thanks").await;
    let requests = model.requests();
    let roles: Vec<_> = heard(&requests[2])
        .into_iter()
        .map(|(role, _)| role)
        .collect();
    assert_eq!(
        roles,
        [
            "system",
            "user",
            "assistant",
            "tool",
            "tool",
            "tool",
            "assistant",
            "user"
        ]
    );
}

#[tokio::test]
async fn calls_that_go_wrong_are_told_to_the_model_and_fail_nothing() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let calls = [
        ("a", "no_such_tool", "{}"),
        ("b", "add_task", "{ no json"),
        ("c", "add_task", "[1]"),
        ("d", "add_task", "{\"titel\":\"x\"}"),
        ("e", "complete_task", "{\"task_number\":\"1\"}"),
        ("f", "complete_task", "{\"task_number\":99}"),
        ("g", "add_task", "{\"title\":\"x\",\"user_id\":\"bob\"}"),
    ];
    model.script([Reply::calls(&calls), Reply::text("Sorry.")]);
    let turn = alice.say(&id, "try").await;
    assert_eq!(turn["assistant_message"]["content"], "Sorry.");
    let kept = turn["assistant_message"]["tool_calls"].as_array().unwrap();
    assert_eq!(kept.len(), calls.len());
    for (call, (_, name, arguments)) in kept.iter().zip(calls) {
        assert_eq!(call["status"], "error", "{call}");
        assert_eq!(call["tool_name"], name);
        assert!(
            call["error_message"]
                .as_str()
                .is_some_and(|message| !message.is_empty())
        );
        let is_object = serde_json::from_str::<serde_json::Map<_, Value>>(arguments).is_ok();
        assert_eq!(
            call["arguments_text"].as_str(),
            (!is_object).then_some(arguments)
        );
    }
    let requests = model.requests();
    let told = heard(&requests[1]);
    assert!(
        told.iter()
            .any(|(role, text)| *role == "tool" && text.contains("no_such_tool"))
    );
    assert!(
        told.iter()
            .any(|(role, text)| *role == "tool" && text.contains("There is no task 99"))
    );
}

#[tokio::test]
async fn the_last_request_forbids_tool_calls() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &["--max-tool-rounds=2"]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let round = || Reply::calls(&[("a", "list_tasks", "{}")]);
    model.script([round(), round(), Reply::text("Enough.")]);
    let turn = alice.say(&id, "go").await;
    assert_eq!(turn["assistant_message"]["content"], "Enough.");
    let requests = model.requests();
    assert_eq!(requests[1]["tool_choice"], Value::Null);
    assert_eq!(requests[2]["tool_choice"], "none");
    assert_eq!(requests[2]["tools"], requests[1]["tools"]);

    model.script([round(), round(), round()]);
    let failed = send(&alice, &id, "again").await;
    let problem = failed.expect_problem(StatusCode::BAD_GATEWAY, "too_many_tool_rounds");
    assert!(problem["run_id"].is_string());
}

#[tokio::test]
async fn the_window_is_the_newest_messages_from_a_users_on() {
    let model = FakeModel::start().await;
    let flags = ["--context-messages=4", "--agent-instructions="];
    let server = TestServer::start_asking(BACKEND, &model, &flags).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    for text in ["1", "2", "3"] {
        alice.say(&id, text).await;
    }
    let requests = model.requests();
    assert_eq!(
        heard(&requests[2]),
        [("user", "2"), ("assistant", "You said: 2"), ("user", "3")]
    );
}

#[tokio::test]
async fn the_window_has_a_bound_in_characters_too() {
    let model = FakeModel::start().await;
    // The last question of ten, and the turn of thirty before it.
    let flags = ["--context-chars=40", "--agent-instructions="];
    let server = TestServer::start_asking(BACKEND, &model, &flags).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let texts = ["question 1", "question 2", "question 3"];
    for text in texts {
        alice.say(&id, text).await;
    }
    let long = "a question that is longer than all that the model is given";
    alice.say(&id, long).await;
    let requests = model.requests();
    assert_eq!(
        heard(&requests[2]),
        [
            ("user", texts[1]),
            ("assistant", "You said: question 2"),
            ("user", texts[2])
        ]
    );
    // The new message is whole, whatever its length.
    assert_eq!(heard(&requests[3]), [("user", long)]);
}

#[tokio::test]
async fn a_conversation_that_is_too_long_for_the_model_is_halved() {
    let model = FakeModel::start().await;
    let flags = ["--context-messages=8", "--agent-instructions="];
    let server = TestServer::start_asking(BACKEND, &model, &flags).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    for text in ["1", "2", "3", "4"] {
        alice.say(&id, text).await;
    }
    let too_long = || Reply::error(400, "context_length_exceeded");
    model.script([too_long(), too_long()]);
    let turn = alice.say(&id, "5").await;
    assert_eq!(turn["assistant_message"]["content"], "You said: 5");
    let requests = model.requests();
    let lengths: Vec<_> = requests[4..]
        .iter()
        .map(|request| heard(request).len())
        .collect();
    assert_eq!(lengths, [5, 3, 1]);

    // The next window starts where that one did.
    model.script([too_long(), too_long()]);
    let failed = send(&alice, &id, "6").await;
    failed.expect_problem(StatusCode::BAD_GATEWAY, "context_too_long");
    let requests = model.requests();
    let lengths: Vec<_> = requests[7..]
        .iter()
        .map(|request| heard(request).len())
        .collect();
    assert_eq!(lengths, [3, 1]);
}

#[tokio::test]
async fn nul_never_reaches_the_database() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let calls = [
        ("a\0", "add_task", "{\"title\":\"a\\u0000b\"}"),
        ("b", "no\0tool", "{\0"),
    ];
    model.script([Reply::calls(&calls), Reply::text("x\0y")]);
    let turn = alice.say(&id, "go").await;
    assert_eq!(turn["assistant_message"]["content"], "x\u{fffd}y");
    let call = &turn["assistant_message"]["tool_calls"][0];
    assert_eq!(call["arguments"]["title"], "a\u{fffd}b");
    assert_eq!(call["status"], "success");
}

#[tokio::test]
async fn without_usage_tokens_are_a_guess() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &["--agent-instructions="]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    model.script([Reply::Stream(vec![
        Step::text("12345678"),
        Step::end("stop"),
    ])]);
    let turn = alice.say(&id, "1234").await;
    let usage = &turn["run"]["usage"];
    assert_eq!(
        (&usage["output_tokens"], &usage["estimated"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(usage["input_tokens"], 1);
}

#[tokio::test]
async fn a_deleted_conversation_stops_its_answer() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    for (steps, status) in [
        (
            vec![Step::text("Half an ans"), Step::Stall],
            StatusCode::CREATED,
        ),
        (vec![Step::Stall], StatusCode::CONFLICT),
    ] {
        let id = alice.create_conversation().await;
        model.script([Reply::Stream(steps)]);
        let before = model.requests().len();
        let waiting = send(&alice, &id, "go");
        let deleting = async {
            chatkit_tests::eventually("the model is asked", async || {
                model.requests().len() > before
            })
            .await;
            // The first words are on their way.
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            let path = format!("/api/chat/conversations/{id}");
            alice.delete(&path).await.expect(StatusCode::NO_CONTENT);
            path
        };
        let (answer, path) = tokio::join!(waiting, deleting);
        assert_eq!(answer.status, status, "{}", answer.text);
        if status == StatusCode::CREATED {
            assert_eq!(answer.body["assistant_message"]["status"], "incomplete");
            assert_eq!(answer.body["assistant_message"]["content"], "Half an ans");
            assert_eq!(answer.body["run"]["status"], "cancelled");
        } else {
            answer.expect_problem(status, "run_cancelled");
        }
        let restored = alice.post(&format!("{path}/restore"), json!({})).await;
        restored.expect(StatusCode::OK);
        // The model learns that it was stopped.
        alice.say(&id, "go on").await;
        let requests = model.requests();
        let told = heard(requests.last().unwrap());
        assert!(
            told.iter().any(|(role, told)| *role == "user"
                && told.starts_with("<HiddenContext>")
                && told.contains("The user stopped this answer.")),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn only_so_many_calls_of_a_round_are_carried_out() {
    let model = FakeModel::start().await;
    let server = TestServer::start_asking(BACKEND, &model, &[]).await;
    let alice = server.client("alice");
    let id = alice.create_conversation().await;
    let ids: Vec<String> = (0..100).map(|index| format!("call_{index}")).collect();
    let calls: Vec<_> = ids
        .iter()
        .map(|id| (id.as_str(), "list_tasks", "{}"))
        .collect();
    model.script([Reply::calls(&calls), Reply::text("Done.")]);
    let turn = alice.say(&id, "go").await;
    assert_eq!(turn["run"]["tool_calls"].as_array().unwrap().len(), 32);
    let requests = model.requests();
    let (role, told) = *heard(&requests[1]).last().unwrap();
    assert_eq!(role, "user");
    assert!(told.starts_with("<HiddenContext>"));
    assert!(told.contains("Only the first 32"), "{told}");
}
