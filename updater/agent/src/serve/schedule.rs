//! When the next turn comes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use updater_core::Reason;

use super::clock::{Moment, later};
use super::work::Ended;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// When the last turn began: its answer is of the clock of then.
    since: Moment,
    /// When the answer of the last turn changes by itself: a moment of the clock that people set.
    changes: Option<DateTime<Utc>>,
    /// How long the host is up then, whatever happens to that clock.
    latest: Duration,
}

/// What it means to be awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// It is time for a turn.
    Turn(Why),
    /// It is not, and will be then, as it looks now.
    Wait(DateTime<Utc>),
}

/// Why it is time for a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The answer of the last one has changed by itself.
    Changed,
    /// The interval is over.
    Interval,
    /// The clock was set back: the last answer was given by one that was ahead, and what it waits for may have come already.
    SetBack,
}

/// When the turn comes after one that began then and has ended now, so: after `interval`, or when its answer changes by itself, should that be earlier;
/// `late` is this turn's share of the jitter, so that hosts that started together do not ask together. A host that waits for its health gate asks again soon: that costs no network.
pub(super) fn next(interval: Duration, late: Duration, ended: &Ended, began: Moment, now: Moment) -> Due {
    if ended.reason.as_deref() == Some(Reason::NotConfirmed.as_str()) {
        return Due { since: began, ..within(interval.min(SOON), now) };
    }
    // One that is over already is not asked again at once: whatever holds it up may go on.
    let until = ended.until.filter(|until| *until >= now.wall);
    let changes = until.map(|until| later(until.max(later(now.wall, LEAST)), late.min(SOON)));
    Due { since: began, changes, ..within(interval.saturating_add(late), now) }
}

/// When the first turn begins: what starts with the host has a moment to come up.
pub(super) fn first(interval: Duration, late: Duration, now: Moment) -> Due {
    within(interval.min(FIRST).saturating_add(late), now)
}

fn within(span: Duration, now: Moment) -> Due {
    Due { since: now, changes: None, latest: now.up.saturating_add(span) }
}

/// What to do when one who waits is awake: for whatever reason, a timer, a clock that was set, a host that was suspended.
pub(super) fn woken(due: &Due, now: Moment) -> Wake {
    if now.up >= due.latest {
        return Wake::Turn(Why::Interval);
    }
    if due.changes.is_some_and(|at| now.wall >= at) {
        return Wake::Turn(Why::Changed);
    }
    let by_clock = now.wall - due.since.wall;
    // Less is a clock that is corrected, as most are now and then.
    if later(due.since.wall, now.up.saturating_sub(due.since.up)) - due.since.wall > by_clock + SLACK {
        return Wake::Turn(Why::SetBack);
    }
    let latest = later(now.wall, due.latest.saturating_sub(now.up));
    Wake::Wait(due.changes.map_or(latest, |at| at.min(latest)))
}

impl Due {
    /// When the answer of the last turn changes by itself.
    pub(super) fn changes(&self) -> Option<DateTime<Utc>> {
        self.changes
    }

    /// How long the host is up when it is time, whatever happens to its clock.
    pub(super) fn latest(&self) -> Duration {
        self.latest
    }
}

const SOON: Duration = Duration::from_mins(1);
const LEAST: Duration = Duration::from_secs(1);
const FIRST: Duration = Duration::from_mins(2);
const SLACK: chrono::TimeDelta = chrono::TimeDelta::minutes(1);

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    /// So many minutes after the start, by a clock that is as many minutes ahead of 2026.
    fn moment(up: u64, ahead: i64) -> Moment {
        let at: DateTime<Utc> = "2026-01-02T03:04:05Z".parse().unwrap();
        let up = Duration::from_mins(up);
        Moment { wall: later(at, up) + TimeDelta::minutes(ahead), up }
    }

    /// How long is waited, by a clock that nobody sets.
    fn waits(due: &Due, from: Moment) -> Duration {
        match woken(due, from) {
            Wake::Wait(until) => (until - from.wall).to_std().unwrap(),
            Wake::Turn(_) => Duration::ZERO,
        }
    }

    #[test]
    fn a_turn_comes_when_the_answer_changes_and_never_later_than_the_interval() {
        let now = moment(7, 0);
        let hour = Duration::from_hours(1);
        let cases = [
            (None, hour),
            (Some(now.wall + TimeDelta::minutes(20)), Duration::from_mins(20)),
            (Some(now.wall + TimeDelta::days(20)), hour),
            (Some(DateTime::<Utc>::MAX_UTC), hour),
            (Some(now.wall), LEAST),
            (Some(now.wall - TimeDelta::days(20)), hour),
        ];
        for (until, expected) in cases {
            let ended = Ended { until, ..Ended::default() };
            assert_eq!(waits(&next(hour, Duration::ZERO, &ended, now, now), now), expected, "{until:?}");
        }
        let not_confirmed = Ended { reason: Some("not_confirmed".to_owned()), ..Ended::default() };
        assert_eq!(waits(&next(hour, hour, &not_confirmed, now, now), now), SOON);
        // A window that opens is not slept through, however large the jitter is.
        let soon = Ended { until: Some(now.wall + TimeDelta::minutes(20)), ..Ended::default() };
        assert_eq!(waits(&next(hour, hour, &soon, now, now), now), Duration::from_mins(21));
        assert_eq!(waits(&next(hour, SOON, &Ended::default(), now, now), now), hour + SOON);
        assert_eq!(waits(&first(hour, SOON, now), now), FIRST + SOON);
        assert_eq!(waits(&first(Duration::from_secs(10), Duration::ZERO, now), now), Duration::from_secs(10));
    }

    /// What a turn has answered by a clock that was set back before it ended is of no use.
    #[test]
    fn a_clock_that_was_set_back_during_a_turn_makes_it_due_again() {
        let hour = Duration::from_hours(1);
        let due = |ahead| next(hour, Duration::ZERO, &Ended::default(), moment(1, ahead), moment(2, 0));
        assert_eq!(woken(&due(60), moment(2, 0)), Wake::Turn(Why::SetBack));
        for ahead in [0, -60] {
            assert_eq!(waits(&due(ahead), moment(2, 0)), hour, "{ahead}");
        }
    }

    #[test]
    fn whoever_wakes_looks_at_both_clocks() {
        let hour = Duration::from_hours(1);
        let began = moment(10, 0);
        let in_twenty = Ended { until: Some(began.wall + TimeDelta::minutes(20)), ..Ended::default() };
        let answer = next(hour, Duration::ZERO, &in_twenty, began, began);
        let interval = next(hour, Duration::ZERO, &Ended::default(), began, began);
        let wait = |minutes: i64| Wake::Wait(began.wall + TimeDelta::minutes(minutes));
        let cases = [
            // Woken for nothing, and in time.
            (answer, moment(20, 0), wait(20)),
            (answer, moment(30, 0), Wake::Turn(Why::Changed)),
            (interval, moment(69, 0), wait(60)),
            (interval, moment(70, 0), Wake::Turn(Why::Interval)),
            // A host that was suspended until long after.
            (answer, moment(1000, 0), Wake::Turn(Why::Interval)),
            (answer, moment(31, 0), Wake::Turn(Why::Changed)),
            // A clock that is set forward: beyond the moment, and to before it. A time that has gone by for nobody ends no interval.
            (answer, moment(11, 60), Wake::Turn(Why::Changed)),
            (answer, moment(11, 10), wait(20)),
            (interval, moment(11, 600), wait(660)),
            // One that is set back: by a little, by a lot, and by so much that no time counts.
            (answer, moment(15, -1), wait(20)),
            (answer, moment(15, -2), Wake::Turn(Why::SetBack)),
            (interval, moment(15, -2), Wake::Turn(Why::SetBack)),
            (interval, moment(15, -29_000_000), Wake::Turn(Why::SetBack)),
        ];
        for (due, now, expected) in cases {
            assert_eq!(woken(&due, now), expected, "{due:?} {now:?}");
        }
    }
}
