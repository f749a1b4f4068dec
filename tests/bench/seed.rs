//! What the database holds before anything is measured.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use chatkit_domain::{
    AnswerDraft, Caller, Clock, ConversationId, Dialect, EarlierMessage, FinishRun, MessageText,
    NewConversation, Repositories, Role, RunEnd, RunFence, RunInput, RunOwner, RunTarget, StartRun,
    Started, SystemClock, Title, UserId,
};

use crate::database::Database;

/// The user with many conversations, one of which is long.
pub(crate) const READER: &str = "reader";

/// How many conversations the reader has.
const CONVERSATIONS: usize = 2_000;

/// One conversation in so many has a turn, so that the table of runs is no tiny one: PostgreSQL
/// reads those from end to end.
const WITH_TURN: usize = 5;

/// How many messages the long conversation has, without the two of its only run.
const LONG: usize = 5_000;

/// How many the conversations have in which messages are sent: as many as the model is given.
const WINDOW: usize = 50;

/// About a line of text.
const SENTENCE: &str = "What is left to do before the guests arrive on Saturday evening?";

/// What was stored.
#[derive(Debug)]
pub(crate) struct Seeded {
    /// The long conversation, the reader's.
    pub(crate) long: ConversationId,
    /// One for each connection.
    pub(crate) senders: Senders,
}

/// Users, each with a conversation of theirs: only one run at a time may answer in a conversation,
/// and only some for a user.
pub(crate) type Senders = Vec<(String, ConversationId)>;

/// Fills an empty database.
pub(crate) async fn fill(database: &Database, senders: u16) -> Result<Seeded> {
    let repositories = database.inner.repositories().await;
    let long = insert_history(&repositories, READER, LONG).await?;
    insert_conversations(&repositories).await?;
    let senders = insert_senders(&repositories, "sender", senders).await?;
    repositories.maintenance.close().await;
    database.settle();
    Ok(Seeded { long, senders })
}

/// Adds users of this name, each with a conversation.
pub(crate) async fn add_senders(database: &Database, name: &str, count: u16) -> Result<Senders> {
    let repositories = database.inner.repositories().await;
    let senders = insert_senders(&repositories, name, count).await?;
    repositories.maintenance.close().await;
    database.settle();
    Ok(senders)
}

async fn insert_senders(repositories: &Repositories, name: &str, count: u16) -> Result<Senders> {
    let mut senders = Vec::new();
    for number in 0..count {
        let user = format!("{name}-{number}");
        let conversation = insert_history(repositories, &user, WINDOW).await?;
        senders.push((user, conversation));
    }
    Ok(senders)
}

async fn insert_conversations(repositories: &Repositories) -> Result<()> {
    let clock: &dyn Clock = &SystemClock;
    let caller = caller(READER)?;
    for number in 0..CONVERSATIONS {
        if number % WITH_TURN == 0 {
            insert_history(repositories, READER, 0).await?;
            continue;
        }
        let conversation = NewConversation {
            id: clock.id(),
            title: Some(Title::parse(&format!("Conversation {number}"))?),
            now: clock.now(),
        };
        repositories
            .conversations
            .insert(&caller, conversation)
            .await?;
    }
    Ok(())
}

/// A conversation with as many messages, and a turn behind them.
async fn insert_history(
    repositories: &Repositories,
    user: &str,
    messages: usize,
) -> Result<ConversationId> {
    let clock: &dyn Clock = &SystemClock;
    let owner = RunOwner {
        id: clock.uuid(),
        lease: Duration::from_secs(60),
    };
    let conversation = clock.id();
    let begin = StartRun {
        id: clock.id(),
        target: RunTarget::New {
            id: conversation,
            earlier: earlier(messages),
        },
        input: RunInput::Message {
            id: clock.id(),
            text: MessageText::parse(SENTENCE.to_owned())?,
            details: None,
        },
        idempotency: None,
        max_runs_per_user: 1,
        assistant_message_id: clock.id(),
        dialect: Dialect::Rest,
        names_conversation: true,
        model: "model".to_owned(),
        owner,
        now: clock.now(),
    };
    let begun = repositories.runs.start(&caller(user)?, begin).await?;
    let Started::New(begun) = begun else {
        bail!("a run without a key is a new one");
    };
    let fence = RunFence {
        run_id: begun.run.id,
        conversation_id: conversation,
        owner,
    };
    let finish = FinishRun {
        answer: Some(AnswerDraft::complete(SENTENCE)),
        last_event: 4,
        ..FinishRun::new(RunEnd::Completed, clock.now())
    };
    repositories.journal.finish(fence, finish).await?;
    Ok(conversation)
}

/// Users and assistants in turn.
fn earlier(messages: usize) -> Vec<EarlierMessage> {
    let clock: &dyn Clock = &SystemClock;
    let roles = [Role::User, Role::Assistant].into_iter().cycle();
    roles
        .take(messages)
        .map(|role| EarlierMessage {
            id: clock.id(),
            role,
            content: SENTENCE.to_owned(),
        })
        .collect()
}

fn caller(user: &str) -> Result<Caller> {
    let user = UserId::parse(user).with_context(|| format!("{user} is no user"))?;
    Ok(Caller::new(user))
}
