//! When the next turn comes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use updater_core::Reason;

use super::work::Ended;

/// How long after a turn has ended the next one begins: after `interval`, or when the answer of this one changes by itself, should that
/// be earlier; `late` is this turn's share of the jitter, so that hosts that started together do not ask together. A host that waits for its health gate asks again soon: that costs no network.
pub(super) fn next(interval: Duration, late: Duration, ended: &Ended, now: DateTime<Utc>) -> Duration {
    if ended.reason.as_deref() == Some(Reason::NotConfirmed.as_str()) {
        return interval.min(SOON);
    }
    let until = ended.until;
    let until = until.and_then(|until| (until - now).to_std().ok());
    // One that is over already is not asked again at once: whatever holds it up may go on.
    until.map(|until| until.max(LEAST)).map_or(interval.saturating_add(late), |until| {
        until.saturating_add(late.min(SOON)).min(interval.saturating_add(late))
    })
}

/// How long after the start the first turn begins: what starts with the host has a moment to come up.
pub(super) fn first(interval: Duration, late: Duration) -> Duration {
    interval.min(FIRST).saturating_add(late)
}

const SOON: Duration = Duration::from_mins(1);
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
            let ended = Ended { until, ..Ended::default() };
            assert_eq!(next(hour, Duration::ZERO, &ended, now), expected, "{until:?}");
        }
        let waits = Ended { reason: Some("not_confirmed".to_owned()), ..Ended::default() };
        assert_eq!(next(hour, hour, &waits, now), SOON);
        // A window that opens is not slept through, however large the jitter is.
        let soon = Ended { until: Some(now + TimeDelta::minutes(20)), ..Ended::default() };
        assert_eq!(next(hour, hour, &soon, now), Duration::from_mins(21));
        assert_eq!(next(hour, SOON, &Ended::default(), now), hour + SOON);
        assert_eq!(
            (first(hour, SOON), first(Duration::from_secs(10), Duration::ZERO)),
            (FIRST + SOON, Duration::from_secs(10))
        );
    }
}
