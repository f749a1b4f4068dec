//! A conversation of thousands of messages, which nobody could write in the time of a test.

use std::time::Duration;

use chatkit_domain::{
    Caller, Clock, ConversationId, Dialect, EarlierMessage, MessageText, Role, RunInput, RunOwner,
    RunTarget, StartRun, SystemClock, UserId,
};
use chatkit_tests::TestDatabase;

/// Gives a user a conversation of so many numbered messages. It ends with a question.
pub(super) async fn insert(database: &TestDatabase, user: &str, messages: usize) -> ConversationId {
    let clock: &dyn Clock = &SystemClock;
    let repositories = database.repositories().await;
    let roles = [Role::User, Role::Assistant].into_iter().cycle();
    let earlier = (1..messages)
        .zip(roles)
        .map(|(number, role)| EarlierMessage {
            id: clock.id(),
            role,
            content: format!("Line **{number}** of a long talk."),
        });
    let conversation = clock.id();
    let begin = StartRun {
        id: clock.id(),
        target: RunTarget::New {
            id: conversation,
            earlier: earlier.collect(),
        },
        input: RunInput::Message {
            id: clock.id(),
            text: MessageText::parse(format!("Line {messages} of a long talk.")).unwrap(),
            details: None,
        },
        idempotency: None,
        max_runs_per_user: 4,
        assistant_message_id: clock.id(),
        dialect: Dialect::Rest,
        names_conversation: true,
        model: "model".to_owned(),
        // Nobody answers it: the server's sweep closes it at once.
        owner: RunOwner {
            id: clock.uuid(),
            lease: Duration::ZERO,
        },
        now: clock.now(),
    };
    let caller = Caller::new(UserId::parse(user).unwrap());
    repositories.runs.start(&caller, begin).await.unwrap();
    repositories.maintenance.close().await;
    conversation
}
