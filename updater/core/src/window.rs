//! The hours in which a host may restart by itself.

use chrono::{
    DateTime, Datelike as _, Days, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset as _,
    TimeDelta, TimeZone as _, Utc, Weekday,
};
use chrono_tz::Tz;

use crate::shown::whole;
use crate::{Reason, Refusal, seconds};

/// From one time of a day until another, on some days of the week, by the clocks of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The days on which it begins.
    pub days: Vec<Weekday>,
    /// When it begins.
    pub start: NaiveTime,
    /// When it ends: on the same day when later than `start`, else on the next one.
    pub end: NaiveTime,
    /// Whose clocks count.
    pub zone: Tz,
}

/// Whether a host whose clock says `clock` may restart by itself now, or from when on; no time is earlier than `floor`. A clock
/// that is known to be wrong opens no window.
///
/// # Errors
/// [`Reason::Window`], with the time at which the next window opens, or at which to look at the clock again.
pub fn may_restart_by(windows: &[Window], clock: DateTime<Utc>, floor: DateTime<Utc>) -> Result<(), Refusal> {
    if windows.is_empty() || clock >= floor {
        return may_restart(windows, clock);
    }
    let detail = format!(
        "the clock says {}, though it is {} at least: no window counts until it is right",
        seconds(clock),
        seconds(floor)
    );
    Err(Refusal::waiting(Reason::Window, detail, again(&[], clock)))
}

/// When to ask somebody again who holds the restart up and does not say for how long: soon, and while the window that is open
/// now is.
pub fn again(windows: &[Window], now: DateTime<Utc>) -> DateTime<Utc> {
    let soon = whole(now.checked_add_signed(SOON).unwrap_or(now));
    let open = windows.iter().flat_map(|window| window.spans(now));
    let ends = open.filter(|(start, end)| *start <= now && now < *end).map(|(_, end)| end);
    // The last of those that are open.
    ends.max().map_or(soon, |end| end.min(soon))
}

/// Whether a host may restart by itself now, or from when on.
///
/// # Errors
/// [`Reason::Window`], with the time at which the next window opens.
pub(crate) fn may_restart(windows: &[Window], now: DateTime<Utc>) -> Result<(), Refusal> {
    let Some(until) = opens(windows, now) else { return Ok(()) };
    let at = seconds(until);
    Err(Refusal::waiting(Reason::Window, format!("this host restarts from {at} on"), until))
}

/// When the next of these windows opens; `None`: one is open now, or there are none, which is always.
fn opens(windows: &[Window], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let spans = || windows.iter().flat_map(|window| window.spans(now));
    if windows.is_empty() || spans().any(|(start, end)| start <= now && now < end) {
        return None;
    }
    // Windows that never open, on no day or for no time, keep a host waiting for the end of time, as they say.
    let next = spans().filter(|(start, end)| start < end && *start > now).map(|(start, _)| start).min();
    Some(next.unwrap_or(DateTime::<Utc>::MAX_UTC))
}

impl Window {
    /// Its openings from a week ago to two weeks ahead: one that is swallowed by a change of clocks has its next a week later.
    fn spans(&self, now: DateTime<Utc>) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> + '_ {
        let today = self.shown(now).map(|local| local.date());
        let first = today.and_then(|today| today.checked_sub_days(Days::new(7)));
        let days = first.into_iter().flat_map(|day| day.iter_days().take(22));
        days.filter(|day| self.days.contains(&day.weekday())).filter_map(|day| self.span(day))
    }

    fn span(&self, day: NaiveDate) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let last = if self.end > self.start { day } else { day.succ_opt()? };
        Some((self.instant(day.and_time(self.start))?, self.instant(last.and_time(self.end))?))
    }

    /// When clocks there first show this time, or, where they skip it, the moment at which they do.
    fn instant(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self.zone.from_local_datetime(&local) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Some(at.to_utc()),
            MappedLocalTime::None => {
                // By the clocks as they were before: what that instant shows has been set forward, and by how much.
                let before = local.checked_sub_signed(LONGEST_SKIP)?;
                let (MappedLocalTime::Single(before) | MappedLocalTime::Ambiguous(before, _)) =
                    self.zone.from_local_datetime(&before)
                else {
                    return None;
                };
                self.first_after(before.to_utc(), local)
            }
        }
    }

    /// What clocks show there; `None`: beyond all dates.
    fn shown(&self, at: DateTime<Utc>) -> Option<NaiveDateTime> {
        let utc = at.naive_utc();
        utc.checked_add_offset(self.zone.offset_from_utc_datetime(&utc).fix())
    }

    /// The first whole minute from `from` on at which clocks show `local` or later.
    fn first_after(&self, from: DateTime<Utc>, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let minutes = 0..=LONGEST_SKIP.num_minutes();
        let instants = minutes.filter_map(|minute| from.checked_add_signed(TimeDelta::minutes(minute)));
        instants.into_iter().find(|at| self.shown(*at).is_some_and(|shown| shown >= local))
    }
}

/// So that a short window is not missed, and nobody is asked all the time.
const SOON: TimeDelta = TimeDelta::minutes(5);

/// Longer than clocks have ever been set forward at once: a day, where a place has changed sides of the date line.
const LONGEST_SKIP: TimeDelta = TimeDelta::hours(25);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn time(text: &str) -> NaiveTime {
        text.parse().unwrap()
    }

    fn window(days: &[Weekday], start: &str, end: &str, zone: Tz) -> Window {
        Window { days: days.to_vec(), start: time(start), end: time(end), zone }
    }

    #[test]
    fn who_waits_for_others_asks_again_soon_and_within_the_window() {
        let night = window(&[Weekday::Fri], "23:00:00", "01:00:00", Tz::UTC);
        let longer = window(&[Weekday::Fri], "23:00:00", "01:02:00", Tz::UTC);
        let cases = [
            (vec![], "2026-01-03T00:58:00Z", "2026-01-03T01:03:00Z"),
            (vec![], "2026-01-03T00:58:00.000000001Z", "2026-01-03T01:03:01Z"),
            (vec![night.clone()], "2026-01-02T23:00:00Z", "2026-01-02T23:05:00Z"),
            (vec![night.clone()], "2026-01-03T00:55:00.5Z", "2026-01-03T01:00:00Z"),
            (vec![night.clone()], "2026-01-03T00:58:00Z", "2026-01-03T01:00:00Z"),
            (vec![night, longer], "2026-01-03T00:58:00Z", "2026-01-03T01:02:00Z"),
        ];
        for (windows, now, expected) in cases {
            assert_eq!(again(&windows, at(now)), at(expected), "{now} {windows:?}");
        }
    }

    #[test]
    fn a_window_past_midnight_is_open_on_the_next_day() {
        // 2026-01-02 is a Friday.
        let windows = [window(&[Weekday::Fri], "23:00:00", "01:00:00", Tz::UTC)];
        let cases = [
            ("2026-01-02T22:59:59Z", Some("2026-01-02T23:00:00Z")),
            ("2026-01-02T23:00:00Z", None),
            ("2026-01-03T00:59:59Z", None),
            ("2026-01-03T01:00:00Z", Some("2026-01-09T23:00:00Z")),
        ];
        for (now, until) in cases {
            assert_eq!(opens(&windows, at(now)), until.map(at), "{now}");
        }
    }

    #[test]
    fn no_windows_are_always_open_and_empty_ones_never() {
        let now = at("2026-01-02T22:59:59Z");
        assert_eq!(opens(&[], now), None);
        assert_eq!(
            opens(&[window(&[], "00:00:00", "01:00:00", Tz::UTC)], now),
            Some(DateTime::<Utc>::MAX_UTC)
        );
    }

    #[test]
    fn a_clock_that_is_behind_opens_no_window() {
        let night = [window(&[Weekday::Fri], "02:00:00", "04:00:00", Tz::UTC)];
        let (clock, floor) = (at("2026-01-02T03:00:00Z"), at("2026-01-02T03:00:01Z"));
        assert_eq!(may_restart_by(&night, clock, clock), Ok(()));
        // Without windows no clock is asked.
        assert_eq!(may_restart_by(&[], clock, floor), Ok(()));
        let refusal = may_restart_by(&night, clock, floor).unwrap_err();
        let said = "the clock says 2026-01-02T03:00:00Z, though it is 2026-01-02T03:00:01Z at least: no window counts until it is right";
        assert_eq!((refusal.reason, &*refusal.detail), (Reason::Window, said));
        assert_eq!(refusal.until, Some(at("2026-01-02T03:05:00Z")));
    }

    #[test]
    fn whoever_holds_up_is_asked_again_soon_and_within_the_window() {
        let nights = [
            window(&[Weekday::Fri], "02:00:00", "04:00:00", Tz::UTC),
            window(&[Weekday::Fri], "01:00:00", "03:30:00", Tz::UTC),
        ];
        for (now, expected) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:09:05Z"),
            ("2026-01-02T03:28:00Z", "2026-01-02T03:33:00Z"),
            ("2026-01-02T03:58:00Z", "2026-01-02T04:00:00Z"),
            ("2026-01-02T12:00:00Z", "2026-01-02T12:05:00Z"),
        ] {
            assert_eq!(again(&nights, at(now)), at(expected), "{now}");
        }
        assert_eq!(again(&[], at("2026-01-02T03:58:00Z")), at("2026-01-02T04:03:00Z"));
        assert_eq!(again(&[], DateTime::<Utc>::MAX_UTC), DateTime::<Utc>::MAX_UTC);
    }

    #[test]
    fn the_same_time_twice_is_a_whole_day() {
        let windows = [window(&[Weekday::Fri], "12:00:00", "12:00:00", Tz::UTC)];
        assert_eq!(opens(&windows, at("2026-01-03T11:59:59Z")), None);
        assert_eq!(opens(&windows, at("2026-01-03T12:00:00Z")), Some(at("2026-01-09T12:00:00Z")));
    }

    /// Berlin, 2026: forward on 29 March from 02:00 to 03:00, back on 25 October from 03:00 to 02:00; both are Sundays.
    #[test]
    fn clocks_that_change_are_followed() {
        let berlin = Tz::Europe__Berlin;
        let night = [window(&[Weekday::Sun], "02:30:00", "04:00:00", berlin)];
        let cases = [
            ("2026-03-29T00:59:59Z", Some("2026-03-29T01:00:00Z")),
            ("2026-03-29T01:00:00Z", None),
            ("2026-03-29T01:59:59Z", None),
            ("2026-03-29T02:00:00Z", Some("2026-04-05T00:30:00Z")),
            // 02:30 comes twice; the window begins with the first.
            ("2026-10-25T00:29:59Z", Some("2026-10-25T00:30:00Z")),
            ("2026-10-25T02:59:59Z", None),
            ("2026-10-25T03:00:00Z", Some("2026-11-01T01:30:00Z")),
        ];
        for (now, until) in cases {
            assert_eq!(opens(&night, at(now)), until.map(at), "{now}");
        }
        // One that is skipped whole is not open, and comes again the week after.
        let skipped = [window(&[Weekday::Sun], "02:10:00", "02:50:00", berlin)];
        assert_eq!(opens(&skipped, at("2026-03-29T00:30:00Z")), Some(at("2026-04-05T00:10:00Z")));
        assert_eq!(opens(&skipped, at("2026-03-29T01:00:00Z")), Some(at("2026-04-05T00:10:00Z")));
    }

    fn zones() -> impl Strategy<Value = Tz> {
        prop_oneof![
            Just(Tz::UTC),
            Just(Tz::Europe__Berlin),
            Just(Tz::America__New_York),
            Just(Tz::Australia__Lord_Howe),
            Just(Tz::Pacific__Apia),
            Just(Tz::Asia__Kathmandu),
        ]
    }

    fn windows() -> impl Strategy<Value = Window> {
        let days = proptest::collection::vec(0u8..7, 1..4);
        (days, 0u32..1440, 0u32..1440, zones()).prop_map(|(days, start, end, zone)| {
            let time = |minutes: u32| NaiveTime::from_hms_opt(minutes / 60, minutes % 60, 0).unwrap();
            let days = days.into_iter().map(|day| Weekday::try_from(day).unwrap()).collect();
            Window { days, start: time(start), end: time(end), zone }
        })
    }

    proptest! {
        /// What is promised comes: at that moment a window is open, and at no minute before.
        #[test]
        fn the_next_opening_is_the_first(
            windows in proptest::collection::vec(windows(), 1..4),
            minute in 0i64..1_000_000,
        ) {
            let now = at("2026-01-01T00:00:30Z") + TimeDelta::minutes(minute);
            if let Some(next) = opens(&windows, now) {
                prop_assert!(now < next && next < now + TimeDelta::days(16), "{next}");
                prop_assert_eq!(opens(&windows, next), None);
                prop_assert_eq!(opens(&windows, next - TimeDelta::seconds(1)), Some(next));
                prop_assert_eq!(opens(&windows, now + (next - now) / 2), Some(next));
            }
        }

        #[test]
        fn no_time_panics(windows in proptest::collection::vec(windows(), 0..3), secs in -8_000_000_000_000i64..8_000_000_000_000) {
            if let Some(now) = DateTime::<Utc>::from_timestamp(secs, 0) {
                opens(&windows, now);
            }
            opens(&windows, DateTime::<Utc>::MAX_UTC);
            opens(&windows, DateTime::<Utc>::MIN_UTC);
        }
    }
}
