//! Answers as servers stream them.

use std::time::{Duration, Instant};

use chatkit_tests::model::{Reply, Step};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Chat, refusal};

/// The end that every stream of these tests has, unless it says otherwise.
fn ended(steps: Vec<Step>) -> Reply {
    let end = [Step::text("Hello there."), Step::end("stop")];
    Reply::Stream(steps.into_iter().chain(end).collect())
}

/// The text of an answer that comes so.
async fn text_of(reply: Reply) -> String {
    let chat = Chat::scripted([reply], &["--model-timeout=3s"]).await;
    chat.answer("Hi").await["content"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn every_sign_of_life_keeps_a_slow_answer_alive() {
    let pause = || Step::Wait(Duration::from_millis(350));
    let piece = json!({"index": 0, "function": {"arguments": " "}});
    let call = Step::call(0, "a", "list_tasks", "{}");
    let call = |piece: Step| vec![call.clone(), piece];
    for signs in [
        vec![Step::delta(json!({"reasoning_content": "s"}))],
        vec![Step::delta(json!({"reasoning": "s"}))],
        vec![Step::delta(
            json!({"reasoning_details": [{"type": "reasoning.text", "text": "s"}]}),
        )],
        vec![Step::delta(json!({"of_tomorrow": "s"}))],
        call(Step::delta(json!({"tool_calls": [piece]}))),
    ] {
        let slow = signs
            .into_iter()
            .cycle()
            .take(8)
            .flat_map(|sign| [sign, pause()]);
        let reply = ended(slow.collect());
        let chat = Chat::scripted([reply, Reply::text("Done.")], &["--model-timeout=1s"]).await;
        chat.answer("Hi").await;
    }
    let kinds = [
        "response.reasoning_text.delta",
        "response.reasoning_summary_text.delta",
        "response.function_call_arguments.delta",
    ];
    for kind in kinds {
        let sign = Step::Chunk(json!({"type": kind, "delta": "s"}));
        let slow = (0..8).flat_map(|_| [sign.clone(), pause()]);
        let end = [
            Step::Chunk(json!({"type": "response.output_text.delta", "delta": "Hello"})),
            Step::Chunk(json!({"type": "response.completed", "response": {}})),
        ];
        let reply = Reply::Raw(slow.chain(end).collect());
        let flags = ["--model-timeout=1s", "--openai-api=responses"];
        let chat = Chat::scripted([reply], &flags).await;
        assert_eq!(chat.answer("Hi").await["content"], "Hello");
    }
}

#[tokio::test]
async fn heartbeats_do_not_reset_the_silence_timeout() {
    for heartbeat in [
        ": ping\n\n",
        "data:\n\n",
        "event: ping\ndata: \n\n",
        "data: {\"choices\": []}\n\n",
    ] {
        let beat = [
            Step::Raw(heartbeat.to_owned()),
            Step::Wait(Duration::from_millis(200)),
        ];
        let beats = beat.into_iter().cycle().take(40).collect();
        let chat = Chat::scripted([ended(beats)], &["--model-timeout=1s"]).await;
        let failed = chat.send("Hi").await;
        failed.expect_problem(StatusCode::GATEWAY_TIMEOUT, "model_timeout");
    }
}

#[tokio::test]
async fn invalid_token_counts_are_replaced_by_estimates() {
    let usage = |input: Value, output: Value| {
        Step::Chunk(json!({"choices": [], "usage": {
            "prompt_tokens": input, "completion_tokens": output, "total_tokens": 1116,
        }}))
    };
    for (input, output, is_estimated) in [
        (json!(1151), json!(-35), true),
        (json!(11.5), json!(7), true),
        (json!("many"), json!(7), true),
        (json!(1e300), json!(7), true),
        (json!(11.0), json!(7), false),
        (json!("11"), json!(7), false),
    ] {
        let steps = vec![
            Step::text("Hello."),
            Step::end("stop"),
            usage(input, output),
        ];
        let chat = Chat::scripted([Reply::Stream(steps)], &[]).await;
        let turn = chat.send("Hi").await;
        let usage = turn.expect(StatusCode::CREATED)["run"]["usage"].clone();
        assert_eq!(usage["estimated"], is_estimated, "{usage}");
        assert_eq!(usage["input_tokens"] == 11, !is_estimated, "{usage}");
    }
}

#[tokio::test]
async fn tokens_of_the_prompt_cache_are_counted() {
    let usage = json!({
        "prompt_tokens": 11, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 5},
    });
    let usage = Step::Chunk(json!({"choices": [], "usage": usage}));
    let steps = vec![Step::text("Hello."), Step::end("stop"), usage];
    let chat = Chat::scripted([Reply::Stream(steps)], &[]).await;
    let turn = chat.send("Hi").await;
    assert_eq!(turn.body["run"]["usage"]["cached_tokens"], 5);
}

#[tokio::test]
async fn an_error_end_stores_the_partial_answer() {
    let steps = vec![Step::text("Hello half of an ans"), Step::end("error")];
    let chat = Chat::scripted([Reply::Stream(steps)], &[]).await;
    let failed = chat.send("Hi").await;
    let problem = failed.expect_problem(StatusCode::BAD_GATEWAY, "model_failed");
    let half = chat.newest().await;
    assert_eq!(half["id"], problem["assistant_message_id"]);
    assert_eq!(half["content"], "Hello half of an ans");
    assert_eq!(
        (&half["status"], &half["incomplete_reason"]),
        (&json!("incomplete"), &json!("failed"))
    );
    // The model learns that it broke off, and the conversation goes on.
    chat.answer("And now?").await;
    let requests = chat.model.requests();
    let heard: Vec<&str> = super::messages(&requests[1])[1..]
        .iter()
        .map(|message| message["content"].as_str().unwrap())
        .collect();
    assert!(heard[2].contains("This answer broke off."), "{heard:?}");
    assert_eq!((heard[1], heard[3]), ("Hello half of an ans", "And now?"));
}

#[tokio::test]
async fn an_answer_cut_by_length_or_filter_is_stored_as_incomplete() {
    for (reason, expected) in [("length", "length"), ("content_filter", "content_filter")] {
        let steps = vec![Step::text("Hello half"), Step::end(reason)];
        let chat = Chat::scripted([Reply::Stream(steps)], &[]).await;
        let answer = chat.answer("Hi").await;
        assert_eq!(
            (&answer["status"], &answer["incomplete_reason"]),
            (&json!("incomplete"), &json!(expected))
        );
        assert_eq!(chat.newest().await, answer);
    }
    let step = json!({"type": "response.output_text.delta", "delta": "Hello half"});
    let details = json!({"incomplete_details": {"reason": "max_output_tokens"}});
    let end = json!({"type": "response.incomplete", "response": details});
    let reply = Reply::Response(vec![step, end]);
    let chat = Chat::scripted([reply], &["--openai-api=responses"]).await;
    assert_eq!(chat.answer("Hi").await["incomplete_reason"], "length");
    // With nothing said, there is nothing to store.
    let blank = Reply::Stream(vec![Step::end("content_filter")]);
    let chat = Chat::scripted([blank], &[]).await;
    chat.send("Hi")
        .await
        .expect_problem(StatusCode::BAD_GATEWAY, "content_filtered");
}

#[tokio::test]
async fn careless_events_are_read() {
    let raw = |text: &str| Step::Raw(text.to_owned());
    let hello = || [Step::text("Hello there."), Step::end("stop")];
    let streams = [
        vec![
            raw("data:\n\n"),
            raw("event: ping\ndata: \n\n"),
            raw(": x\n\n"),
        ],
        vec![raw("\u{feff}")],
        vec![raw("id: 1\nretry: 5\nevent: x\r\n")],
    ];
    for before in streams {
        let steps = before
            .into_iter()
            .chain(hello())
            .chain([raw("data: [DONE] \n\n")]);
        assert_eq!(text_of(Reply::Raw(steps.collect())).await, "Hello there.");
    }
    // `[DONE]` is an end, also without a reason.
    let steps = vec![Step::text("Hello there."), Step::usage(1, 2)];
    assert_eq!(text_of(Reply::Stream(steps)).await, "Hello there.");
}

#[tokio::test]
async fn a_finish_reason_ends_the_answer_on_an_open_connection() {
    let hello = || vec![Step::text("Hello there."), Step::end("stop")];
    let with = |more: Vec<Step>| Reply::Raw(hello().into_iter().chain(more).collect());
    for reply in [
        with(vec![Step::usage(1, 2), Step::Stall]),
        with(vec![Step::Stall]),
        with(vec![Step::usage(1, 2), Step::Abort]),
        with(vec![Step::Abort]),
    ] {
        let began = Instant::now();
        assert_eq!(text_of(reply).await, "Hello there.");
        // The usage is waited for, but not until the model's silence is over.
        assert!(began.elapsed() < Duration::from_secs(60));
    }
    let cut = Reply::Raw(vec![
        Step::text("Hello there."),
        Step::usage(1, 2),
        Step::Abort,
    ]);
    let chat = Chat::scripted([cut], &[]).await;
    chat.send("Hi")
        .await
        .expect_problem(StatusCode::BAD_GATEWAY, "model_failed");
}

#[tokio::test]
async fn an_error_event_before_text_is_handled_as_a_refusal() {
    let error = json!({"error": {"code": "rate_limit_exceeded", "message": "slow down"}});
    let busy = Reply::Stream(vec![Step::Chunk(error)]);
    let chat = Chat::scripted([busy.clone(), busy.clone()], &[]).await;
    assert_eq!(chat.answer("Hi").await["content"], "You said: Hi");
    assert_eq!(chat.model.requests().len(), 3);
    chat.model.script(vec![busy; 3]);
    let failed = chat.send("Hi").await;
    failed.expect_problem(StatusCode::SERVICE_UNAVAILABLE, "model_overloaded");
    assert_eq!(failed.header("retry-after"), "2");
    // After text, the answer has started: it is not asked for again.
    let error = json!({"error": {"code": "rate_limit_exceeded", "message": "slow down"}});
    let late = Reply::Stream(vec![Step::text("Half"), Step::Chunk(error)]);
    chat.model.script([late]);
    let failed = chat.send("Hi").await;
    failed.expect_problem(StatusCode::SERVICE_UNAVAILABLE, "model_overloaded");
    assert_eq!(chat.newest().await["content"], "Half");
}

#[tokio::test]
async fn retry_after_of_the_model_server_is_forwarded() {
    for (value, expected) in [("30", 30), ("7.2", 8)] {
        let headers = vec![("Retry-After", value.to_owned())];
        let chat = Chat::scripted([Reply::Status(429, headers, "{}".to_owned())], &[]).await;
        let failed = chat.send("Hi").await;
        failed.expect_problem(StatusCode::SERVICE_UNAVAILABLE, "model_overloaded");
        assert_eq!(failed.header("retry-after"), expected.to_string());
    }
    let date = chrono::Utc::now() + chrono::TimeDelta::seconds(100);
    let date = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let reply = Reply::Status(429, vec![("Retry-After", date)], String::new());
    let chat = Chat::scripted([reply], &[]).await;
    let failed = chat.send("Hi").await;
    let seconds: u64 = failed.header("retry-after").parse().unwrap();
    assert!((80..=100).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn an_answer_without_a_stream_is_read() {
    let function = json!({"name": "add_task", "arguments": "{\"title\":\"Milk\"}"});
    let calls = json!([{"id": "a", "type": "function", "function": function}]);
    let whole = |message: Value, reason: &str| {
        refusal(
            200,
            &json!({
                "object": "chat.completion",
                "choices": [{"index": 0, "message": message, "finish_reason": reason}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 2},
            }),
        )
    };
    let chat = Chat::scripted(
        [
            whole(
                json!({"role": "assistant", "content": null, "tool_calls": calls}),
                "tool_calls",
            ),
            whole(json!({"role": "assistant", "content": "Done."}), "stop"),
        ],
        &[],
    )
    .await;
    let answer = chat.answer("Add milk").await;
    assert_eq!(answer["content"], "Done.");
    assert_eq!(answer["tool_calls"][0]["status"], "success");
    assert_eq!(answer["tokens_used"], 10);
    let output =
        json!([{"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}]);
    let whole = refusal(
        200,
        &json!({"object": "response", "status": "completed", "output": output}),
    );
    let chat = Chat::scripted([whole], &["--openai-api=responses"]).await;
    assert_eq!(chat.answer("Hi").await["content"], "Hello");
}

#[tokio::test]
async fn invalid_text_is_repaired() {
    let event = |content: &str| {
        let before = r#"data: {"choices":[{"index":0,"delta":{"content":""#;
        Step::Raw(format!("{before}{content}\"}}}}]}}\n\n"))
    };
    let rows = [
        (vec![event("a\\ud83d"), event("\\ude00b")], "a😀b"),
        (vec![event("a\\ud83d"), event("b")], "a\u{fffd}b"),
        (vec![event("a\\ud83d")], "a\u{fffd}"),
    ];
    for (mut steps, expected) in rows {
        steps.push(Step::end("stop"));
        assert_eq!(text_of(Reply::Stream(steps)).await, expected);
    }
    let mut bytes = br#"data: {"choices":[{"index":0,"delta":{"content":"caf"#.to_vec();
    bytes.extend_from_slice(b"\xe9\"}}]}\n\n");
    let steps = vec![Step::Bytes(bytes), Step::end("stop")];
    assert_eq!(text_of(Reply::Stream(steps)).await, "caf\u{fffd}");
}

#[tokio::test]
async fn reasoning_in_the_text_is_no_part_of_the_answer() {
    let steps = ["<thi", "nk>I should ", "greet.</think>", "\n\nHello"].map(Step::text);
    let steps = steps.into_iter().chain([Step::end("stop")]).collect();
    let chat = Chat::scripted([Reply::Stream(steps)], &[]).await;
    let answer = chat.answer("Hi").await;
    assert_eq!(
        (&answer["content"], &answer["reasoning"]),
        (&json!("Hello"), &json!("I should greet."))
    );
    chat.answer("And?").await;
    let sent = chat.model.requests()[1].to_string();
    assert!(!sent.contains("I should greet."), "{sent}");
}

#[tokio::test]
async fn reasoning_is_streamed_and_stored() {
    let thought = |text: &str| Step::delta(json!({"reasoning_content": text}));
    let first = Reply::Stream(vec![
        thought("I need "),
        thought("a list."),
        Step::call(0, "a", "list_tasks", "{}"),
        Step::end("tool_calls"),
    ]);
    let second = Reply::Stream(vec![
        thought("None."),
        Step::text("No tasks."),
        Step::end("stop"),
    ]);
    let chat = Chat::scripted([first, second], &[]).await;
    let run = chat
        .client
        .begin_run(&chat.id, json!({"content": "What is to do?"}))
        .await;
    let events = chat.client.follow_to_end(&run, None).await;
    let streamed: String = events
        .iter()
        .filter(|event| event.name == "reasoning.delta")
        .map(|event| event.data["text"].as_str().unwrap())
        .collect();
    assert_eq!(streamed, "I need a list.\n\nNone.");
    let answer = chat.newest().await;
    assert_eq!(answer["reasoning"], streamed);
    // Followed again, it is the same from the stored events.
    let again = chat.client.follow_to_end(&run, Some(1)).await;
    let streamed_again: String = again
        .iter()
        .filter(|event| event.name == "reasoning.delta")
        .map(|event| event.data["text"].as_str().unwrap())
        .collect();
    assert_eq!(streamed_again, streamed);
}

#[tokio::test]
async fn what_a_server_sends_is_bounded() {
    let piece = "x".repeat(64 * 1024);
    let argument = |text: &str| {
        Step::delta(
            json!({"tool_calls": [{"index": 0, "function": {"name": "a", "arguments": text}}]}),
        )
    };
    let many = (0..100_000).map(|index| json!({"index": index, "function": {"name": "a"}}));
    let many: Vec<Step> = many
        .collect::<Vec<_>>()
        .chunks(500)
        .map(|calls| Step::delta(json!({"tool_calls": calls})))
        .collect();
    let line = Step::Raw(format!("data: {}\n\n", "x".repeat(8 * 1024 * 1024)));
    // The first sizes beyond the bounds, in streams that are well-formed.
    let wide = (0..129).map(|index| Step::call(index, &index.to_string(), "list_tasks", "{}"));
    let wide = wide.chain([Step::end("tool_calls")]).collect();
    let long = vec![
        argument(&" ".repeat(256 * 1024 + 1)),
        Step::end("tool_calls"),
    ];
    let thought = "x".repeat(1024 * 1024);
    let thought = Step::Chunk(json!({"choices": [{"delta": {"reasoning_content": thought}}]}));
    let thinking = vec![thought, Step::text("Hello."), Step::end("stop")];
    let huge = [vec![argument(&piece); 1_000], many, vec![line]];
    for steps in huge.into_iter().chain([wide, long, thinking]) {
        let chat = Chat::scripted([Reply::Stream(steps)], &[]).await;
        chat.send("Hi")
            .await
            .expect_problem(StatusCode::BAD_GATEWAY, "model_failed");
        chat.answer("And now?").await;
    }
}

#[tokio::test]
async fn a_finish_reason_with_every_chunk_does_not_end_the_answer() {
    for usage in [
        Value::Null,
        json!({"prompt_tokens": 1, "completion_tokens": 1}),
    ] {
        let chunk = |text: &str| {
            let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": "stop"});
            Step::Chunk(json!({"choices": [choice], "usage": usage}))
        };
        let words = (0..10).flat_map(|number| {
            let pause = Step::Wait(Duration::from_millis(300));
            [chunk(&format!("{number} ")), pause]
        });
        assert_eq!(
            text_of(Reply::Stream(words.collect())).await,
            "0 1 2 3 4 5 6 7 8 9 "
        );
    }
    let null = |text: &str| {
        let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": "null"});
        Step::Chunk(json!({"choices": [choice]}))
    };
    let cut = Reply::Raw(vec![null("Half"), Step::Abort]);
    let chat = Chat::scripted([cut], &[]).await;
    chat.send("Hi")
        .await
        .expect_problem(StatusCode::BAD_GATEWAY, "model_failed");
}

#[tokio::test]
async fn errors_of_every_form_end_the_answer() {
    let forms = [
        "error: {\"code\":500,\"message\":\"broken\",\"type\":\"server_error\"}\n\n",
        "event: error\ndata: {\"code\":400,\"details\":\"broken\"}\n\n",
        "data: {\"object\":\"error\",\"message\":\"broken\",\"type\":\"t\",\"code\":500}\n\n",
        "data: {\"detail\":\"Internal server error\"}\n\n",
    ];
    for form in forms {
        let steps = vec![Step::text("Half"), Step::Raw(form.to_owned())];
        let chat = Chat::scripted([Reply::Stream(steps)], &[]).await;
        chat.send("Hi")
            .await
            .expect_problem(StatusCode::BAD_GATEWAY, "model_failed");
        assert_eq!(chat.newest().await["incomplete_reason"], "failed", "{form}");
    }
    let step = json!({"type": "response.output_text.delta", "delta": "Half"});
    let error = json!({"error": {"message": "broken"}});
    let steps = vec![Step::Chunk(step), Step::Chunk(error)];
    let chat = Chat::scripted([Reply::Raw(steps)], &["--openai-api=responses"]).await;
    chat.send("Hi")
        .await
        .expect_problem(StatusCode::BAD_GATEWAY, "model_failed");
}
