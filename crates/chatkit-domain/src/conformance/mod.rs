//! The facts that every implementation of the ports must satisfy, one function each.
//!
//! [`conformance_tests!`](crate::conformance_tests) makes a test of each. Each fact uses its own
//! users, so that all of them may share a store.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fact that does not hold panics"
)]

pub mod conversations;
pub mod endings;
pub mod events;
pub mod items;
pub mod maintenance;
pub mod messages;
pub mod runs;
pub mod tasks;
pub mod turns;

use std::{sync::Arc, time::Duration};

use crate::{
    AnswerDraft, Caller, Clock, Conversation, ConversationId, ConversationRepository, Dialect,
    FinishRun, FinishedRun, Maintenance, MessageRepository, MessageText, NewConversation,
    NewToolCall, Note, Repositories, RepositoryError, RunEnd, RunFence, RunInput, RunJournal,
    RunOwner, RunRepository, RunTarget, StartRun, Started, StartedRun, SystemClock, TaskRepository,
    UserId,
};
use chrono::{DateTime, Utc};
use serde_json::{Map, json};

/// The store under test.
#[derive(Clone, Debug)]
pub struct Store {
    /// Stores conversations.
    pub conversations: Arc<dyn ConversationRepository>,
    /// Reads the logs of conversations.
    pub messages: Arc<dyn MessageRepository>,
    /// Starts, stops and reads runs.
    pub runs: Arc<dyn RunRepository>,
    /// Stores what runs write.
    pub journal: Arc<dyn RunJournal>,
    /// Checks, purges and erases.
    pub maintenance: Arc<dyn Maintenance>,
    /// Stores tasks.
    pub tasks: Arc<dyn TaskRepository>,
}

impl Store {
    /// The store that these ports belong to.
    #[must_use]
    pub fn new(repositories: Repositories, tasks: Arc<dyn TaskRepository>) -> Self {
        let Repositories {
            conversations,
            messages,
            runs,
            journal,
            maintenance,
        } = repositories;
        Self {
            conversations,
            messages,
            runs,
            journal,
            maintenance,
            tasks,
        }
    }
}

/// Makes a test of each fact. `$store` is an async function without arguments that returns a pair:
/// a value that must live as long as the test, and the [`Store`](crate::conformance::Store).
#[macro_export]
macro_rules! conformance_tests {
    ($store:path) => {
        $crate::conformance_tests! { @each $store,
            conversations::pages_hold_under_ties,
            conversations::nothing_is_shown_twice_while_conversations_move,
            conversations::callers_see_only_their_own,
            conversations::what_is_deleted_is_hidden_until_it_is_restored,
            conversations::a_search_finds_text_of_live_messages_only,
            conversations::conversations_are_listed_as_they_were_created,
            messages::the_log_is_listed_in_both_directions,
            messages::order_holds_when_clocks_stand_still_or_go_back,
            messages::the_revision_grows_with_every_change_that_shows,
            messages::answers_are_rated,
            messages::pages_of_messages_meet_without_gap_or_overlap,
            messages::the_context_is_the_newest_messages_and_what_stands_between,
            messages::the_context_returns_the_start_of_the_newest_window,
            messages::a_withheld_message_is_marked_for_the_model,
            messages::reasoning_and_incomplete_reason_are_stored_with_an_answer,
            runs::a_run_is_asked_to_stop,
            runs::a_conversation_has_one_active_run,
            runs::of_many_that_begin_at_once_one_does,
            runs::turns_in_a_row_are_whole,
            runs::a_run_that_cannot_begin_leaves_nothing,
            runs::an_expired_run_is_taken_over,
            runs::who_lost_a_run_writes_nothing,
            runs::a_lease_is_kept_by_extending_it,
            runs::a_deleted_conversations_run_is_asked_to_stop,
            turns::answering_again_replaces_what_came_after,
            turns::what_was_replaced_is_put_back_when_the_run_fails,
            turns::only_a_users_message_is_answered_again,
            turns::a_key_stands_for_its_run,
            turns::a_key_of_a_failed_run_answers_its_message_again,
            turns::a_key_of_an_interrupted_run_answers_its_message_again,
            turns::a_key_of_a_failed_run_that_was_left_behind_stands_for_it,
            turns::a_user_has_a_bounded_number_of_active_runs,
            turns::the_bound_holds_when_many_begin_at_once,
            turns::a_conversation_can_begin_with_what_was_said_before,
            runs::tool_calls_are_kept_with_their_answer,
            runs::tool_calls_of_a_stopped_run_are_settled,
            events::events_are_told_behind_any_number_and_once,
            events::events_tell_what_stands_elsewhere,
            events::who_lost_a_run_tells_nothing_of_it,
            events::an_interrupted_run_keeps_what_it_told,
            events::news_are_what_stands_behind_each_cursor,
            events::events_are_swept_behind_the_end,
            items::items_are_kept_before_the_end,
            items::an_item_is_put_where_it_stands_and_taken_out,
            items::items_of_others_are_left_alone,
            items::a_conversation_is_changed_by_its_run,
            endings::an_interrupted_run_keeps_the_answers_it_began,
            endings::a_run_that_only_shows_something_has_answered,
            endings::what_is_put_back_stands_alone,
            endings::half_an_answer_replaces_what_is_none,
            endings::an_answer_that_was_begun_is_kept_with_the_end,
            maintenance::the_sweep_closes_expired_runs_only,
            maintenance::purging_removes_what_was_deleted_long_ago,
            maintenance::erasing_removes_everything_of_one_user,
            tasks::numbers_are_small_and_never_given_twice,
            tasks::numbers_are_unique_when_tasks_are_added_at_once,
            tasks::tasks_are_each_callers_own,
        }
    };
    (@each $store:path, $($module:ident :: $fact:ident,)*) => {
        $(
            #[tokio::test]
            async fn $fact() {
                let (held, store) = $store().await;
                $crate::conformance::$module::$fact(&store).await;
                drop(held);
            }
        )*
    };
}

/// A lease that does not run out during a test.
const LONG: Duration = Duration::from_secs(600);

fn clock() -> &'static dyn Clock {
    &SystemClock
}

/// A caller that nobody was before.
fn somebody() -> Caller {
    Caller::new(UserId::parse(clock().uuid().to_string()).unwrap())
}

fn owner(lease: Duration) -> RunOwner {
    RunOwner {
        id: clock().uuid(),
        lease,
    }
}

async fn created(store: &Store, caller: &Caller, now: DateTime<Utc>) -> Conversation {
    let new = NewConversation {
        id: clock().id(),
        title: None,
        now,
    };
    store.conversations.insert(caller, new).await.unwrap()
}

/// A run to begin in a conversation.
fn begin_at(conversation: ConversationId, owner: RunOwner, now: DateTime<Utc>) -> StartRun {
    StartRun {
        id: clock().id(),
        target: RunTarget::Existing(conversation),
        input: RunInput::Message {
            id: clock().id(),
            text: MessageText::parse("a question".to_owned()).unwrap(),
            details: None,
        },
        idempotency: None,
        max_runs_per_user: 100,
        assistant_message_id: clock().id(),
        dialect: Dialect::Rest,
        names_conversation: true,
        model: "model".to_owned(),
        owner,
        now,
    }
}

/// Begins a run that nothing stands in the way of.
async fn begin_new(store: &Store, caller: &Caller, begin: StartRun) -> StartedRun {
    match store.runs.start(caller, begin).await.unwrap() {
        Started::New(begun) => *begun,
        Started::Known(run) => panic!("expected a new run, got {run:?}"),
    }
}

/// A run that has begun, and the right to write for it.
async fn begun(
    store: &Store,
    caller: &Caller,
    conversation: ConversationId,
    lease: Duration,
) -> (StartedRun, RunFence) {
    let owner = owner(lease);
    let begin = begin_at(conversation, owner, clock().now());
    let begun = begin_new(store, caller, begin).await;
    let fence = RunFence {
        run_id: begun.run.id,
        conversation_id: conversation,
        owner,
    };
    (begun, fence)
}

/// The end of a run with a complete answer.
fn answered() -> FinishRun {
    FinishRun {
        answer: Some(AnswerDraft::complete("an answer")),
        last_event: 4,
        ..FinishRun::new(RunEnd::Completed, clock().now())
    }
}

fn note(text: &str) -> Note {
    Note {
        id: clock().id(),
        text: text.to_owned(),
    }
}

/// A turn from its beginning to its end.
async fn turn(store: &Store, caller: &Caller, conversation: ConversationId) -> FinishedRun {
    let (_, fence) = begun(store, caller, conversation, LONG).await;
    store.journal.finish(fence, answered()).await.unwrap()
}

fn tool_call(position: u32) -> NewToolCall {
    NewToolCall {
        id: clock().id(),
        round: 0,
        position,
        call_id: format!("call_{position}"),
        tool_name: "tool".to_owned(),
        arguments: Map::from_iter([("a".to_owned(), json!(position))]),
        arguments_text: None,
        raw_arguments: format!("{{ \"a\": {position} }}"),
        content_offset: 3,
        provider_data: Some("{\"call\": 1.0}".to_owned()),
    }
}

#[track_caller]
fn assert_not_found<T: std::fmt::Debug>(result: Result<T, RepositoryError>) {
    match result {
        Err(RepositoryError::NotFound(_)) => {}
        other => panic!("expected NotFound, got {other:?}"),
    }
}

#[track_caller]
fn assert_lost<T: std::fmt::Debug>(result: Result<T, RepositoryError>) {
    match result {
        Err(RepositoryError::RunLost) => {}
        other => panic!("expected RunLost, got {other:?}"),
    }
}
