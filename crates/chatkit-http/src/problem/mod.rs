//! Problems: the errors that callers get. The only place that chooses a status.

mod error;
mod mapping;
mod responses;
mod status;
mod wire;

pub(crate) use self::{
    error::{ApiError, FailedRun},
    responses::{SignInError, StartError, TurnError},
    wire::ErrorFormat,
};
