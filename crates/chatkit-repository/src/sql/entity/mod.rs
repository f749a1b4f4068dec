//! The tables, one per file. They are private: this crate returns domain types.
#![expect(
    unreachable_pub,
    reason = "the entity macro makes everything it derives public"
)]

pub(crate) mod conversation;
pub(crate) mod message;
pub(crate) mod run;
pub(crate) mod run_event;
pub(crate) mod task;
pub(crate) mod task_counter;
pub(crate) mod tool_call;
