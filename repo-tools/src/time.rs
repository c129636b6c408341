//! Times: chrono here, jiff at tough's border, whole seconds everywhere.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use crate::role::Role;

/// How long the documents of each role are good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Root: a ceremony a year.
    pub root: TimeDelta,
    /// Targets: a release a quarter, or a signature.
    pub targets: TimeDelta,
    /// Snapshot: as targets.
    pub snapshot: TimeDelta,
    /// Timestamp: how long an attacker can hide news from a host.
    pub timestamp: TimeDelta,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            root: TimeDelta::days(365),
            targets: TimeDelta::days(90),
            snapshot: TimeDelta::days(90),
            timestamp: TimeDelta::days(7),
        }
    }
}

impl Terms {
    /// The longest that a role may be good for; more is a slip, or a promise that nobody can keep. Root 20 years, targets
    /// and snapshot 10 years, timestamp one year: so long an attacker who holds a copy could keep news from a host.
    pub fn longest(role: Role) -> TimeDelta {
        TimeDelta::days(match role {
            Role::Root => 7305,
            Role::Targets | Role::Snapshot => 3653,
            Role::Timestamp => 366,
        })
    }

    /// How long a document of this role is good for.
    pub fn of(&self, role: Role) -> TimeDelta {
        match role {
            Role::Root => self.root,
            Role::Targets => self.targets,
            Role::Snapshot => self.snapshot,
            Role::Timestamp => self.timestamp,
        }
    }
}

/// `now + term`, or the last date there is.
pub(crate) fn later(now: DateTime<Utc>, term: TimeDelta) -> DateTime<Utc> {
    now.checked_add_signed(term).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// `now + term` in whole seconds: python-tuf and go-tuf refuse fractions.
pub(crate) fn expiry(now: DateTime<Utc>, term: TimeDelta) -> jiff::Timestamp {
    to_jiff(later(now.trunc_subsecs(0), term))
}

/// The next version of a role: unix seconds, or one more where the clock does not give more.
pub(crate) fn next_version(now: DateTime<Utc>, newest: u64) -> std::num::NonZeroU64 {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    std::num::NonZeroU64::new(seconds.max(newest.saturating_add(1))).unwrap_or(std::num::NonZeroU64::MIN)
}

pub(crate) fn to_jiff(at: DateTime<Utc>) -> jiff::Timestamp {
    // Both count seconds from the same epoch; chrono's range is the larger, and its far ends are no date anybody means.
    jiff::Timestamp::from_second(at.timestamp()).unwrap_or(jiff::Timestamp::MAX)
}

pub(crate) fn of_jiff(at: jiff::Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp(at.as_second(), 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// RFC 3339 with `Z` and whole seconds.
pub fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// Reads RFC 3339: a year has four digits, so that a term later or earlier is still a date.
pub fn parse_at(text: &str) -> Result<DateTime<Utc>, String> {
    let at = DateTime::parse_from_rfc3339(text);
    at.map(|at| at.to_utc()).map_err(|_| "expected RFC 3339, such as 2026-12-01T00:00:00Z".to_owned())
}

/// Reads RFC 3339, or a term from now: `90d`, `12h`, `2w`.
pub fn parse_when(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.with_timezone(&Utc).trunc_subsecs(0));
    }
    parse_term(text).and_then(|term| {
        now.trunc_subsecs(0)
            .checked_add_signed(term)
            .ok_or_else(|| format!("expected a date within reach, found {text:?}"))
    })
}

/// Reads how long a role's document is to be good for, within [`Terms::longest`].
pub fn parse_role_term(role: Role, text: &str) -> Result<TimeDelta, String> {
    let (term, longest) = (parse_term(text)?, Terms::longest(role));
    if term > longest {
        return Err(format!("expected at most {}d for {role}, found {text:?}", longest.num_days()));
    }
    Ok(term)
}

/// Reads when a role's document is to expire, within [`Terms::longest`] from now.
pub fn parse_role_end(role: Role, text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let (at, longest) = (parse_when(text, now)?, Terms::longest(role));
    if at.signed_duration_since(now) > longest {
        return Err(format!("expected at most {}d from now for {role}, found {text:?}", longest.num_days()));
    }
    Ok(at)
}

/// Reads a term: a number and `h`, `d` or `w`, or the words: `3 days`, `12 hours`, `1 week`.
pub fn parse_term(text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("expected RFC 3339 or a term such as 90d, 12h, 2w or \"3 days\", found {text:?}");
    let unit = text.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
    let (count, unit) = text.split_at_checked(unit).ok_or_else(wrong)?;
    let hours = match unit.trim_start() {
        "h" | "hour" | "hours" => 1,
        "d" | "day" | "days" => 24,
        "w" | "week" | "weeks" => 7 * 24,
        _ => return Err(wrong()),
    };
    let count: i64 = count.parse().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
    let term = count.checked_mul(hours).and_then(TimeDelta::try_hours).ok_or_else(wrong)?;
    if term > TimeDelta::days(LONGEST) {
        return Err(format!("expected at most {LONGEST}d, found {text:?}"));
    }
    Ok(term)
}

/// A hundred years: now and then and back again is a date.
const LONGEST: i64 = 36_525;

/// A length of time for people, its two largest units: `6 d 23 h`, `59 min`, `0 s`.
pub fn span(length: TimeDelta) -> String {
    let secs = length.num_seconds().max(0);
    let parts = [(secs / 86_400, "d"), (secs / 3600 % 24, "h"), (secs / 60 % 60, "min"), (secs % 60, "s")];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(parts.len() - 1);
    let said = parts.iter().skip(first).take(2).enumerate().filter(|(place, part)| *place == 0 || part.0 > 0);
    said.map(|(_, (count, unit))| format!("{count} {unit}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_follow_the_clock_and_never_go_back() {
        let now = DateTime::from_timestamp(1_800_000_000, 999).unwrap();
        assert_eq!(next_version(now, 0).get(), 1_800_000_000);
        assert_eq!(next_version(now, 1_800_000_000).get(), 1_800_000_001);
        assert_eq!(next_version(now, 1_900_000_000).get(), 1_900_000_001);
        assert_eq!(next_version(DateTime::from_timestamp(-5, 0).unwrap(), 0).get(), 1);
    }

    #[test]
    fn terms() {
        let now = DateTime::from_timestamp(1_800_000_000, 5).unwrap();
        for (term, secs) in [
            ("12h", 43_200),
            ("90d", 7_776_000),
            ("2w", 1_209_600),
            ("3 days", 259_200),
            ("1 week", 604_800),
            ("1hour", 3600),
        ] {
            assert_eq!(parse_when(term, now).unwrap().timestamp(), 1_800_000_000 + secs, "{term}");
        }
        assert_eq!(parse_when("2030-01-01T00:00:00.5Z", now).unwrap().timestamp_subsec_nanos(), 0);
        for wrong in [
            "",
            "d",
            "-1d",
            "0h",
            "7",
            "7m",
            "3 dayz",
            " 3 days",
            "+1d",
            "99999999999999999999d",
            "999999999999999d",
            "99999999d",
            "36526d",
            "ü",
        ] {
            assert!(parse_when(wrong, now).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_role_has_a_longest_term() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for (role, longest) in
            [(Role::Root, 7305), (Role::Targets, 3653), (Role::Snapshot, 3653), (Role::Timestamp, 366)]
        {
            assert_eq!(parse_role_term(role, &format!("{longest}d")), Ok(TimeDelta::days(longest)), "{role}");
            let more = format!("{}d", longest + 1);
            let said = format!("expected at most {longest}d for {role}, found {more:?}");
            assert_eq!(parse_role_term(role, &more), Err(said), "{role}");
            assert!(parse_role_end(role, &format!("{longest}d"), now).is_ok(), "{role}");
            assert!(parse_role_end(role, &more, now).is_err(), "{role}");
            assert!(parse_role_end(role, "9999-12-30T00:00:00Z", now).is_err(), "{role}");
        }
    }

    #[test]
    fn spans() {
        for (secs, text) in [
            (0, "0 s"),
            (-5, "0 s"),
            (59, "59 s"),
            (3540, "59 min"),
            (3601, "1 h"),
            (90_061, "1 d 1 h"),
            (86_400, "1 d"),
            (7 * 86_400 - 1, "6 d 23 h"),
        ] {
            assert_eq!(span(TimeDelta::seconds(secs)), text, "{secs}");
        }
    }
}
