//! Ids and times for the examples in the document.

use chrono::{DateTime, TimeDelta};
use uuid::Uuid;

use crate::payload::Timestamp;

/// An id for examples.
pub(crate) fn example_id(index: u128) -> Uuid {
    Uuid::from_u128(0x0199_8f3c_7a10_7000_8000_0000_0000_0000 + index)
}

/// A time for examples, so many seconds after the first.
pub(crate) fn example_time(seconds: i64) -> Timestamp {
    Timestamp(DateTime::UNIX_EPOCH + TimeDelta::seconds(1_767_261_600 + seconds))
}
