//! Where labels stand along the sides.

use chrono::{DateTime, TimeDelta, Utc};

/// A label below the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tick {
    pub(super) at: DateTime<Utc>,
    pub(super) label: String,
}

/// At most `most` + 1 labels on round times: midnights, or hours of a day.
pub(super) fn times(from: DateTime<Utc>, until: DateTime<Utc>, most: i64) -> Vec<Tick> {
    let length = until.signed_duration_since(from).num_seconds();
    let rounded = STEPS_SECS.into_iter().find(|step| length / step <= most);
    // Longer than the table: whole days, as many as it takes.
    let step = rounded.unwrap_or_else(|| (length / most.max(1) / DAY + 1) * DAY);
    // Days are counted from the first one, hours from midnight.
    let round = step.min(DAY);
    let first = from.timestamp().div_euclid(round) * round;
    let mut ticks = Vec::new();
    for number in 0..=(length / step + 1) {
        let Some(at) = DateTime::from_timestamp(first + number * step, 0) else { break };
        if at < from || at > until {
            continue;
        }
        let midnight = at.timestamp().rem_euclid(DAY) == 0;
        let form = if midnight || step >= DAY { "%-d %b" } else { "%H:%M" };
        ticks.push(Tick { at, label: at.format(form).to_string() });
    }
    ticks
}

/// Where `at` lies between two times, 0 to 1.
pub(super) fn place(at: DateTime<Utc>, from: DateTime<Utc>, until: DateTime<Utc>) -> f64 {
    let whole = until.signed_duration_since(from).max(TimeDelta::seconds(1)).as_seconds_f64();
    (at.signed_duration_since(from).as_seconds_f64() / whole).clamp(0.0, 1.0)
}

/// A round upper end for values up to `most`: 1, 2, 4 or 5 times a power of ten, so that quarters are short numbers.
pub fn round_top(most: f64) -> f64 {
    if !most.is_finite() || most <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    let rounded = [1.0, 2.0, 4.0, 5.0, 8.0].into_iter().find(|factor| factor * power >= most * 0.999_999);
    rounded.unwrap_or(10.0) * power
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const STEPS_SECS: [i64; 11] =
    [300, 900, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_few_and_inside() {
        let from: DateTime<Utc> = "2026-11-01T05:10:00Z".parse().unwrap();
        for hours in [0, 1, 5, 24, 100, 24 * 14, 24 * 60, 24 * 1000] {
            let until = from + TimeDelta::hours(hours);
            let ticks = times(from, until, 6);
            assert!(ticks.len() <= 7, "{hours} h: {}", ticks.len());
            assert!(ticks.iter().all(|tick| (from..=until).contains(&tick.at)), "{hours} h");
            assert!(hours < 5 || ticks.len() >= 2, "{hours} h: {}", ticks.len());
        }
    }

    #[test]
    fn tops_are_round_and_above() {
        for (most, top) in
            [(0.0, 1.0), (1.0, 1.0), (3.1, 4.0), (267.0, 400.0), (6.0, 8.0), (9.3, 10.0), (0.03, 0.04)]
        {
            assert!((round_top(most) - top).abs() < top * 1e-9, "{most}: {}", round_top(most));
        }
    }
}
