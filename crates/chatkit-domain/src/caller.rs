//! Users and callers.

use std::fmt;

use crate::InvalidValue;

/// The stable id of a user, from the token's issuer: 1 to 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(String);

impl UserId {
    /// Checks a user id.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is empty, longer than 255 characters or contains U+0000.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidValue> {
        let text = text.into();
        if text.trim().is_empty() || text.chars().count() > 255 || text.contains('\0') {
            return Err(InvalidValue::new("must have 1 to 255 characters"));
        }
        Ok(Self(text))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The user on whose behalf a request is made. The first argument of every data access.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    user_id: UserId,
}

impl Caller {
    /// A caller that acts as this user.
    #[must_use]
    pub const fn new(user_id: UserId) -> Self {
        Self { user_id }
    }

    /// The user whose data the caller may see.
    #[must_use]
    pub const fn user_id(&self) -> &UserId {
        &self.user_id
    }
}
