//! Keyset paging: pages stay correct while the list changes.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Conversation, InvalidValue, Order};

/// The most entries of a page: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u32);

impl Limit {
    /// Checks a limit.
    ///
    /// # Errors
    /// [`InvalidValue`] outside 1 to 100.
    pub fn parse(limit: i64) -> Result<Self, InvalidValue> {
        u32::try_from(limit)
            .ok()
            .filter(|limit| (1..=100).contains(limit))
            .map(Self)
            .ok_or_else(|| InvalidValue::new("must be from 1 to 100"))
    }

    /// 20 entries.
    pub const DEFAULT: Self = Self(20);

    /// 100 entries.
    pub const MAX: Self = Self(100);

    /// The number of entries.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A range of a list that is sorted by creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListCreated<T> {
    /// The most entries to return.
    pub limit: Limit,
    /// The order.
    pub order: Order,
    /// The entry to start after, in that order.
    pub after: Option<T>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// Whether more entries follow.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Creates a page from a list that was read with one entry more than the limit.
    #[must_use]
    pub fn of(mut entries: Vec<T>, limit: Limit) -> Self {
        let limit = limit.get() as usize;
        let has_more = entries.len() > limit;
        entries.truncate(limit);
        Self { entries, has_more }
    }
}

impl Page<Conversation> {
    /// The position after the last entry in a list sorted by `updated_at`; `None` on the last
    /// page.
    #[must_use]
    pub fn next(&self) -> Option<Position> {
        let last = self.entries.last().filter(|_| self.has_more)?;
        Some(Position {
            key: last.updated_at.timestamp_millis(),
            id: last.id.uuid(),
        })
    }
}

/// A position in a list: directly after the entry with this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The sort key: milliseconds since 1970, or a sequence number.
    pub key: i64,
    /// The id of the entry, which breaks ties.
    pub id: Uuid,
}

/// The list that a cursor belongs to. The cursor is invalid in other lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorScope([u8; 8]);

impl CursorScope {
    /// The scope of the list that these parts identify, such as kind, user and filter.
    #[must_use]
    pub fn new(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut scope = [0; 8];
        scope.copy_from_slice(&digest[..8]);
        Self(scope)
    }
}

/// A [`Position`] in the form that callers receive: opaque text, bound to its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    scope: CursorScope,
    position: Position,
}

/// Bytes of an encoded cursor: a version, the scope, the key, the id.
const ENCODED_LEN: usize = 1 + 8 + 8 + 16;
const VERSION: u8 = 1;

impl Cursor {
    /// The cursor for a position in the list of this scope.
    #[must_use]
    pub const fn new(scope: CursorScope, position: Position) -> Self {
        Self { scope, position }
    }

    /// Parses a cursor of the list with this scope.
    ///
    /// # Errors
    /// [`InvalidValue`] when it does not parse or belongs to another list.
    pub fn parse(text: &str, scope: CursorScope) -> Result<Position, InvalidValue> {
        let refused = || InvalidValue::new("is not a cursor of this list");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
        let bytes: [u8; ENCODED_LEN] = bytes.try_into().map_err(|_| refused())?;
        let (head, id) = bytes.split_at(17);
        let (version_and_scope, key) = head.split_at(9);
        if version_and_scope[0] != VERSION || version_and_scope[1..] != scope.0 {
            return Err(refused());
        }
        Ok(Position {
            key: i64::from_be_bytes(key.try_into().map_err(|_| refused())?),
            id: Uuid::from_slice(id).map_err(|_| refused())?,
        })
    }

    /// The cursor as text that is safe in a URL.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(ENCODED_LEN);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.scope.0);
        bytes.extend_from_slice(&self.position.key.to_be_bytes());
        bytes.extend_from_slice(self.position.id.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_valid_only_in_its_own_list() {
        let scope = CursorScope::new(&["conversations", "alice", ""]);
        let position = Position {
            key: -7,
            id: Uuid::from_u128(42),
        };
        let text = Cursor::new(scope, position).encode();
        assert_eq!(Cursor::parse(&text, scope), Ok(position));
        for other in [
            CursorScope::new(&["conversations", "bob", ""]),
            CursorScope::new(&["conversations", "alice", "q"]),
            CursorScope::new(&["conversations", "alic", "e"]),
        ] {
            assert!(Cursor::parse(&text, other).is_err());
        }
        for garbage in ["", "x", "%%%", &text[1..], &format!("{text}AA")] {
            assert!(Cursor::parse(garbage, scope).is_err(), "{garbage}");
        }
    }

    #[test]
    fn limits_are_1_to_100() {
        assert!(Limit::parse(0).is_err());
        assert!(Limit::parse(101).is_err());
        assert!(Limit::parse(-1).is_err());
        assert_eq!(Limit::parse(100).unwrap().get(), 100);
    }
}
