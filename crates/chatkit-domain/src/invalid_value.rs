//! The error of values that break their rules.

use std::borrow::Cow;

/// The reason why a value was refused, as a phrase that follows the field's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidValue {
    reason: Cow<'static, str>,
}

impl InvalidValue {
    /// A refusal with its reason, such as "must not be blank".
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}
