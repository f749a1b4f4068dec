//! The clock that supplies the time and new ids. It is passed in, so that the rules stay pure.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use uuid::Uuid;

use crate::Id;

/// The source of the time and of new ids.
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// The time now, in whole milliseconds.
    fn now(&self) -> DateTime<Utc>;

    /// A UUIDv7 that was never returned before.
    fn uuid(&self) -> Uuid;
}

impl dyn Clock {
    /// A new id of this kind.
    pub fn id<K>(&self) -> Id<K> {
        Id::new(self.uuid())
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(3)
    }

    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// The time at which an item is stored after one of `previous`: at least a millisecond later, even
/// if the clocks of several replicas differ.
#[must_use]
pub fn next_instant(now: DateTime<Utc>, previous: Option<DateTime<Utc>>) -> DateTime<Utc> {
    let now = now.trunc_subsecs(3);
    match previous {
        Some(previous) => now.max(previous + TimeDelta::milliseconds(1)),
        None => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_increase_even_if_the_clock_stops_or_goes_back() {
        let now = SystemClock.now();
        let ahead = now + TimeDelta::seconds(5);
        assert_eq!(next_instant(now, None), now);
        assert_eq!(
            next_instant(now, Some(now)),
            now + TimeDelta::milliseconds(1)
        );
        assert_eq!(
            next_instant(now, Some(ahead)),
            ahead + TimeDelta::milliseconds(1)
        );
        assert_eq!(next_instant(ahead, Some(now)), ahead);
    }
}
