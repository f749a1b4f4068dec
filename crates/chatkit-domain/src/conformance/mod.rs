//! The facts that every implementation of the ports must satisfy. Each function tests one.
//!
//! [`conformance_tests!`](crate::conformance_tests) creates a test for each. Each fact uses its own
//! users, so that all facts may share a store.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fact panics if the store does not satisfy it"
)]

pub mod changes;
pub mod context;
pub mod conversations;
pub mod endings;
pub mod events;
mod fixture;
pub mod interruptions;
pub mod items;
pub mod keys;
pub mod maintenance;
pub mod messages;
pub mod runs;
pub mod tasks;
pub mod tool_calls;
pub mod turns;

pub use self::fixture::Store;

/// Creates a test for each fact. `$store` is an async function without arguments. It returns a
/// pair: a value that must live as long as the test, and the [`Store`](crate::conformance::Store).
#[macro_export]
macro_rules! conformance_tests {
    ($store:path) => {
        $crate::conformance_tests! { @each $store,
            conversations::pages_contain_conversations_of_equal_times_once,
            conversations::a_conversation_that_moves_is_not_listed_again,
            conversations::callers_see_only_their_own_conversations,
            conversations::a_deleted_conversation_is_hidden_until_it_is_restored,
            conversations::a_search_finds_messages_of_live_conversations_only,
            conversations::conversations_are_listed_in_order_of_creation,
            conversations::a_search_ignores_case_and_composition,
            conversations::a_search_finds_no_removed_messages,
            conversations::a_list_continues_after_a_deleted_conversation,
            conversations::a_conversation_id_is_used_once,
            messages::the_log_is_listed_in_both_directions,
            messages::messages_stay_in_order_when_clocks_stop_or_go_back,
            messages::the_revision_grows_with_every_visible_change,
            messages::only_answers_can_be_rated,
            messages::pages_contain_each_message_once,
            context::the_context_contains_the_newest_messages_with_their_notes,
            context::the_context_returns_the_start_of_the_newest_window,
            context::a_withheld_message_is_marked_for_the_model,
            context::the_context_contains_the_tool_calls_of_unanswered_runs,
            messages::reasoning_and_incomplete_reason_are_stored_with_an_answer,
            messages::a_removed_message_is_not_found,
            messages::a_page_after_a_removed_message_starts_over,
            messages::the_log_is_listed_after_a_removed_item,
            runs::cancelling_a_run_asks_its_owner_to_stop,
            runs::a_conversation_has_one_active_run,
            runs::only_one_of_many_concurrent_runs_starts,
            runs::concurrent_turns_do_not_interleave,
            runs::a_run_that_fails_to_start_stores_nothing,
            runs::a_start_closes_an_expired_run,
            runs::an_owner_that_lost_its_run_writes_nothing,
            runs::a_checkpoint_extends_the_lease,
            runs::deleting_a_conversation_asks_its_run_to_stop,
            runs::usage_is_stored_with_the_run,
            runs::expired_runs_do_not_count_toward_the_limit,
            runs::a_checkpoint_covers_only_the_named_runs,
            runs::the_outcome_of_a_run_outlives_its_messages,
            turns::answering_again_replaces_later_messages,
            turns::a_run_without_an_answer_restores_what_it_replaced,
            turns::only_a_user_message_is_answered_again,
            keys::a_repeated_key_returns_its_run,
            keys::a_key_of_a_failed_run_answers_its_message_again,
            keys::a_key_of_an_interrupted_run_answers_its_message_again,
            keys::a_key_returns_its_failed_run_after_a_later_turn,
            keys::a_key_of_a_repeated_run_returns_the_last_one,
            keys::a_key_of_a_failed_run_ignores_the_answers_of_the_run,
            keys::a_key_of_a_failed_run_ignores_partial_answers,
            turns::a_user_has_a_bounded_number_of_active_runs,
            turns::the_limit_of_active_runs_holds_for_concurrent_starts,
            turns::a_new_conversation_starts_with_its_earlier_messages,
            turns::a_removed_message_is_not_answered_again,
            turns::a_user_message_keeps_its_details,
            tool_calls::tool_calls_are_stored_with_the_answer,
            tool_calls::unfinished_tool_calls_of_a_stopped_run_are_cancelled,
            tool_calls::the_end_of_a_run_settles_its_tool_calls,
            tool_calls::tool_calls_are_returned_in_the_order_of_the_model,
            tool_calls::failed_tool_calls_are_those_of_failed_runs_of_a_message,
            events::stored_events_are_read_once_after_any_number,
            events::events_contain_the_stored_run_message_and_tool_calls,
            events::an_owner_that_lost_its_run_stores_no_events_of_it,
            interruptions::an_interrupted_run_leaves_the_text_that_it_emitted,
            events::news_contain_the_events_after_each_cursor,
            events::only_events_of_runs_that_ended_earlier_are_swept,
            events::pages_of_events_contain_each_event_once,
            items::items_are_stored_before_the_run_ends,
            items::storing_an_item_again_replaces_it_in_place,
            items::a_removed_item_leaves_the_history,
            items::a_run_writes_no_foreign_items,
            items::a_removed_item_can_be_stored_again,
            items::nul_characters_of_items_are_replaced,
            items::the_size_of_an_item_is_limited,
            items::the_end_of_a_run_may_leave_large_items,
            items::an_answer_of_several_parts_keeps_them,
            changes::a_run_changes_its_conversation,
            changes::the_first_message_names_the_conversation,
            changes::a_message_names_its_conversation_only_on_request,
            changes::only_new_messages_move_the_conversation,
            changes::the_time_of_the_last_change_does_not_decrease,
            interruptions::an_interrupted_run_leaves_the_answers_that_it_started,
            interruptions::the_end_of_an_interrupted_run_emits_its_answer,
            endings::a_completed_run_without_an_answer_restores_nothing,
            endings::restoring_removes_what_the_run_wrote,
            endings::a_partial_answer_replaces_items_that_are_no_answer,
            endings::partial_answers_are_stored_with_the_end,
            endings::a_stopped_run_with_an_answer_restores_nothing,
            endings::restoring_leaves_items_that_earlier_runs_removed,
            endings::a_run_without_an_answer_has_none,
            maintenance::only_expired_runs_are_closed,
            maintenance::purging_removes_conversations_that_were_deleted_long_ago,
            maintenance::erasing_removes_everything_of_one_user,
            tasks::task_numbers_count_up_without_reuse,
            tasks::concurrently_added_tasks_get_unique_numbers,
            tasks::callers_see_only_their_own_tasks,
        }
    };
    (@each $store:path, $($module:ident :: $fact:ident,)*) => {
        $(
            #[tokio::test]
            async fn $fact() {
                let (guard, store) = $store().await;
                $crate::conformance::$module::$fact(&store).await;
                drop(guard);
            }
        )*
    };
}
