//! The times of a wave file: a delay after the start, or an instant.

use chrono::{DateTime, TimeDelta, Utc};

/// When a wave starts or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// This long after the start of the rollout.
    After(TimeDelta),
    /// At this instant, whenever the rollout starts.
    At(DateTime<Utc>),
}

impl When {
    /// `[in] N minutes|hours|days|weeks` (also singular), or RFC 3339.
    pub(crate) fn parse(text: &str) -> Option<When> {
        if let Ok(at) = DateTime::parse_from_rfc3339(text.trim()) {
            return Some(When::At(at.with_timezone(&Utc)));
        }
        let mut words = text.split_whitespace().peekable();
        if words.peek() == Some(&"in") {
            words.next();
        }
        let number: u32 = words.next()?.parse().ok()?;
        let unit = match words.next()? {
            "minute" | "minutes" => 60,
            "hour" | "hours" => 60 * 60,
            "day" | "days" => 24 * 60 * 60,
            "week" | "weeks" => 7 * 24 * 60 * 60,
            _ => return None,
        };
        if words.next().is_some() {
            return None;
        }
        // At most 2^32 weeks, so below 2^52 seconds.
        Some(When::After(TimeDelta::try_seconds(i64::from(number) * unit)?))
    }

    /// The instant, for a rollout that starts at `start`; `None`: beyond what chrono can say.
    pub(crate) fn from(self, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            When::After(delay) => start.checked_add_signed(delay),
            When::At(at) => Some(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_of_times() {
        let minutes = |text| match When::parse(text) {
            Some(When::After(delay)) => Some(delay.num_minutes()),
            _ => None,
        };
        let cases = [
            ("30 minutes", Some(30)),
            ("1 minute", Some(1)),
            ("1 hour", Some(60)),
            ("in 4  hours", Some(240)),
            (" 2 days ", Some(2880)),
            ("1 week", Some(10_080)),
            ("0 hours", Some(0)),
            ("4294967295 weeks", Some(4_294_967_295 * 10_080)),
            ("4294967296 weeks", None),
            ("hours", None),
            ("in", None),
            ("", None),
            ("1", None),
            ("1 hour later", None),
            ("1.5 hours", None),
            ("-1 hours", None),
            ("1 fortnight", None),
            ("1hour", None),
        ];
        for (text, expected) in cases {
            assert_eq!(minutes(text), expected, "{text:?}");
        }
    }

    #[test]
    fn rfc_3339_is_an_instant() {
        let start = DateTime::<Utc>::MIN_UTC;
        let at = When::parse("2026-03-01T02:00:00+02:00").and_then(|when| when.from(start));
        assert_eq!(at, "2026-03-01T00:00:00Z".parse().ok());
        assert_eq!(When::parse("2026-03-01"), None);
    }
}
