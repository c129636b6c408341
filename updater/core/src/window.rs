//! The hours in which a host may restart by itself.

use chrono::{DateTime, Datelike, Days, TimeDelta, Utc, Weekday};

/// From one minute of a day on, for a length, on some days of the week; UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The days on which it begins.
    pub days: Vec<Weekday>,
    /// Minutes after midnight at which it begins, 0..1440.
    pub start_minutes: u16,
    /// How long it is open, in minutes; it may run past midnight.
    pub length_minutes: u16,
}

/// When the next of these windows opens; `None`: one is open now, or there are none.
pub(crate) fn opens(windows: &[Window], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let spans = || windows.iter().flat_map(|window| window.spans(now));
    if windows.is_empty() || spans().any(|(start, end)| start <= now && now < end) {
        return None;
    }
    // Windows that never open, on no day or for no time, keep a host waiting for the end of time, as they say.
    Some(
        spans().filter(|(start, end)| start < end).map(|(start, _)| start).filter(|start| *start > now).min(),
    )
    .map(|next| next.unwrap_or(DateTime::<Utc>::MAX_UTC))
}

impl Window {
    /// Its openings from a week ago to a week ahead.
    fn spans(&self, now: DateTime<Utc>) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> + '_ {
        let first = now.date_naive().checked_sub_days(Days::new(7));
        first.into_iter().flat_map(|day| day.iter_days().take(15)).filter_map(|day| {
            let midnight = self.days.contains(&day.weekday()).then(|| day.and_hms_opt(0, 0, 0))??.and_utc();
            let start = midnight.checked_add_signed(TimeDelta::minutes(i64::from(self.start_minutes)))?;
            let end = start.checked_add_signed(TimeDelta::minutes(i64::from(self.length_minutes)))?;
            Some((start, end))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_past_midnight_is_open_on_the_next_day() {
        // 2026-01-02 is a Friday.
        let windows = [Window { days: vec![Weekday::Fri], start_minutes: 23 * 60, length_minutes: 120 }];
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
        let never = Window { days: vec![], start_minutes: 0, length_minutes: 60 };
        assert_eq!(opens(&[never], now), Some(DateTime::<Utc>::MAX_UTC));
    }
}
