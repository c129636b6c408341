//! When the next turn comes.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// How long after a turn has ended the next one begins: after `interval`, or when the answer of this one changes by itself, should that
/// be earlier.
pub(super) fn next(interval: Duration, until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Duration {
    let until = until.and_then(|until| (until - now).to_std().ok());
    // One that is over already is not asked again at once: whatever holds it up may go on.
    until.map(|until| until.max(LEAST)).map_or(interval, |until| until.min(interval))
}

/// How long after the start the first turn begins: what starts with the host has a moment to come up.
pub(super) fn first(interval: Duration) -> Duration {
    interval.min(FIRST)
}

const LEAST: Duration = Duration::from_secs(1);
const FIRST: Duration = Duration::from_mins(2);

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_turn_comes_when_the_answer_changes_and_never_later_than_the_interval() {
        let now = DateTime::UNIX_EPOCH;
        let hour = Duration::from_hours(1);
        let cases = [
            (None, hour),
            (Some(now + TimeDelta::minutes(20)), Duration::from_mins(20)),
            (Some(now + TimeDelta::days(20)), hour),
            (Some(now), LEAST),
            (Some(now - TimeDelta::days(20)), hour),
        ];
        for (until, expected) in cases {
            assert_eq!(next(hour, until, now), expected, "{until:?}");
        }
        assert_eq!((first(hour), first(Duration::from_secs(10))), (FIRST, Duration::from_secs(10)));
    }
}
