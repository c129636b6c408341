//! The time that expiry is measured against (design §7): the host clock is never stored, but it is never believed
//! to be earlier than what has been signed.

use chrono::{DateTime, TimeDelta, Utc};

/// Whether expired metadata is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Expired metadata is an error.
    Enforce,
    /// Expired metadata is used. For verbs that only look, and for repairing an expired repository.
    Ignore,
}

/// The time of a run, and whether it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// The time to measure with: [`Now::at`].
    pub now: DateTime<Utc>,
    /// Whether expired metadata is refused.
    pub expiry: Expiry,
}

impl Freshness {
    /// Whether metadata that expires then may be used. The moment of expiry itself is expired.
    pub fn holds(self, expires: DateTime<Utc>) -> bool {
        self.expiry == Expiry::Ignore || self.now < expires
    }
}

/// A clock further behind the floor than this is reported.
pub const CLOCK_MARGIN: TimeDelta = TimeDelta::hours(24);

/// The earliest time it can be: the build time of the running image, or the newest trusted `signed_at`.
pub fn floor(build_time: DateTime<Utc>, newest_signed_at: Option<DateTime<Utc>>) -> DateTime<Utc> {
    newest_signed_at.map_or(build_time, |at| at.max(build_time))
}

/// The time to measure with: `max(clock, floor)`.
pub fn now(clock: DateTime<Utc>, floor: DateTime<Utc>) -> Now {
    let behind = floor - clock;
    Now { at: clock.max(floor), clock_behind: (behind > CLOCK_MARGIN).then_some(behind) }
}

/// A time, and whether the clock it came from is worth a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The time to use.
    pub at: DateTime<Utc>,
    /// How far the clock is behind the floor, when that is over [`CLOCK_MARGIN`].
    pub clock_behind: Option<TimeDelta>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).unwrap()
    }

    proptest! {
        #[test]
        fn now_is_never_before_the_clock_the_build_or_what_was_signed(
            clock in 0i64..4_000_000_000, build in 0i64..4_000_000_000,
            signed in proptest::option::of(0i64..4_000_000_000),
        ) {
            let floor = floor(at(build), signed.map(at));
            let now = now(at(clock), floor);
            prop_assert!(now.at >= at(clock) && now.at >= at(build));
            prop_assert!(signed.is_none_or(|s| now.at >= at(s)));
            prop_assert!([Some(clock), Some(build), signed].contains(&Some(now.at.timestamp())));
            prop_assert_eq!(now.clock_behind.is_some(), now.at - at(clock) > CLOCK_MARGIN);
        }
    }

    #[test]
    fn a_day_behind_is_not_worth_a_word() {
        assert_eq!(now(at(0), at(86_400)).clock_behind, None);
        assert_eq!(now(at(0), at(86_401)).clock_behind, Some(TimeDelta::seconds(86_401)));
    }
}
