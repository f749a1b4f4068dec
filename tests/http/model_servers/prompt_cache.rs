//! Most requests start with the whole of the one before, so that a provider's prompt cache can
//! serve that part.

use chatkit_tests::model::{FakeModel, MODEL, Reply, Step};
use serde_json::{Value, json};

use super::{Chat, messages};

/// The number of messages that fill the window.
const FIRST_COUNTED: usize = 60;

#[tokio::test]
async fn most_requests_start_with_the_previous_request() {
    let chat = Chat::behind(FakeModel::start().await, &[]).await;
    let (mut counted, mut repeated) = (0, 0);
    let mut last: Vec<Value> = Vec::new();
    for turn in 0..100_usize {
        let thought = Step::delta(json!({"reasoning_content": "Hm."}));
        let arguments =
            format!("{{ \"title\": \"Task {turn}\", \"description\": \"<b>&\\u00e9\" }}");
        let calls = Reply::Stream(vec![
            thought.clone(),
            Step::text("Let me see."),
            Step::call(0, "a", "add_task", &arguments),
            Step::call(1, "b", "list_tasks", "{}"),
            Step::end("tool_calls"),
        ]);
        let again = Reply::calls(&[("a", "no_such_tool", "{}")]);
        let end = Reply::Stream(vec![
            thought,
            Step::text(&format!("Done with {turn}.")),
            Step::end("stop"),
        ]);
        let first = chat.model.requests().len();
        match turn % 3 {
            0 => chat.model.script([calls, again, end]),
            1 => chat.model.script([calls, end]),
            _ => chat.model.script([end]),
        }
        chat.answer(&format!("Question {turn}")).await;
        let requests = chat.model.requests();
        let head = messages(&requests[first]);
        if 2 * turn >= FIRST_COUNTED {
            counted += 1;
            repeated += usize::from(head.starts_with(&last));
        }
        last.clone_from(messages(requests.last().unwrap()));
    }
    assert_eq!(counted, 70);
    assert!(repeated * 10 >= counted * 9, "{repeated} of {counted}");
    // Nothing else of the requests changes.
    for request in &chat.model.requests() {
        assert_eq!(request["model"], MODEL);
        assert_eq!(request["tools"], chat.model.requests()[0]["tools"]);
        assert_eq!(messages(request)[0], messages(&chat.model.requests()[0])[0]);
    }
}
