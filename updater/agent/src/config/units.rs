//! Values with units: rates and spans of time.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

/// Bytes a second: a number, or a text with K, M or G (1024), as in `"2M"`.
pub(super) fn rate(value: &toml::Value) -> Result<NonZeroU64, String> {
    match value {
        toml::Value::Integer(bytes) => {
            u64::try_from(*bytes).ok().and_then(NonZeroU64::new).ok_or_else(|| bad_rate(&bytes.to_string()))
        }
        toml::Value::String(text) => parse_rate(text),
        other => Err(bad_rate(&other.to_string())),
    }
}

/// Bytes a second, as on the command line: `500000`, `500K`, `2M`, `1G`.
pub fn parse_rate(text: &str) -> Result<NonZeroU64, String> {
    let (digits, shift) = match text.as_bytes().last().map(u8::to_ascii_uppercase) {
        Some(b'K') => (text.get(..text.len() - 1), 10),
        Some(b'M') => (text.get(..text.len() - 1), 20),
        Some(b'G') => (text.get(..text.len() - 1), 30),
        _ => (Some(text), 0),
    };
    let number: Option<u64> = digits.and_then(|digits| digits.parse().ok());
    let bytes = number.and_then(|number| number.checked_mul(1 << shift)).and_then(NonZeroU64::new);
    bytes.ok_or_else(|| bad_rate(text))
}

/// A span of time that is not nothing.
pub(super) fn some_time(value: &toml::Value) -> Result<Duration, String> {
    match span(value)? {
        Duration::ZERO => Err("expected at least one second, found 0".to_owned()),
        span => Ok(span),
    }
}

/// A span of time between two of seconds; `expected` says the same in words.
pub(super) fn within(
    value: &toml::Value,
    (least, most): (u64, u64),
    expected: &str,
) -> Result<Duration, String> {
    let span = span(value)?;
    if (least..=most).contains(&span.as_secs()) {
        return Ok(span);
    }
    Err(format!("expected {expected}, found {}s", span.as_secs()))
}

/// A span of time: whole seconds, or a text with a unit, as in `"30s"` or `"7 days"`.
pub(super) fn span(value: &toml::Value) -> Result<Duration, String> {
    let secs = match value {
        toml::Value::Integer(secs) => u64::try_from(*secs).map_err(|_| bad_span(&secs.to_string()))?,
        toml::Value::String(text) => seconds(text).ok_or_else(|| bad_span(text))?,
        other => return Err(bad_span(&other.to_string())),
    };
    if secs <= MAX_SECS {
        return Ok(Duration::from_secs(secs));
    }
    let found = value.to_string();
    Err(format!("too long: expected at most 10 years, found {}", found.trim_matches('"')))
}

/// `None`: it is no span. What is more than can be counted is the largest number.
fn seconds(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let secs = match unit.strip_prefix(' ').unwrap_or(unit) {
        "s" | "second" | "seconds" => 1,
        "m" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => 86_400,
        _ => return None,
    };
    // All digits: what cannot be read is too large.
    (digits > 0).then(|| number.parse().unwrap_or(u64::MAX).saturating_mul(secs))
}

fn bad_span(found: &str) -> String {
    format!(
        "expected seconds, or a text such as \"30s\", \"5m\", \"2h\", \"1d\" or \"7 days\", found {found:?}"
    )
}

/// A path that does not depend on where updog was started.
pub(super) fn absolute(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_absolute() { Ok(path) } else { Err(format!("expected an absolute path, found {text:?}")) }
}

/// A path; a relative one is meant from where updog was started.
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(format!("expected a path, found {text:?}"));
    }
    Ok(PathBuf::from(text))
}

/// What releases call a variant or an architecture: part of the names of their files.
pub(super) fn name(text: &str) -> Result<String, String> {
    let of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    if text.is_empty() || text.len() > 100 || !text.bytes().all(of_a_name) {
        return Err(format!("expected 1 to 100 of A-Z a-z 0-9 . _ + -, found {text:?}"));
    }
    Ok(text.to_owned())
}

/// What can stand in a request.
pub(super) fn header(text: &str) -> Result<String, String> {
    let printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if text.trim().is_empty() || text.len() > 256 || !text.bytes().all(printable) {
        return Err(format!("expected 1 to 256 printable characters of ASCII, found {text:?}"));
    }
    Ok(text.to_owned())
}

fn bad_rate(found: &str) -> String {
    format!("expected bytes a second, as in 500K or 2M, found {found:?}")
}

/// Ten years: nobody means more, and everything below can be added to any date.
const MAX_SECS: u64 = 10 * 366 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_and_nonsense_is_refused() {
        assert_eq!(parse_rate("2M").map(NonZeroU64::get), Ok(2 << 20));
        assert_eq!(parse_rate("500").map(NonZeroU64::get), Ok(500));
        for text in ["", "M", "0", "-1", "1.5M", "99999999999G", "2Mé"] {
            assert!(parse_rate(text).is_err(), "{text:?}");
        }
        let secs = |text: &str| span(&toml::Value::from(text)).ok().map(|span| span.as_secs());
        assert_eq!((secs("30s"), secs("2h"), secs("1d")), (Some(30), Some(7200), Some(86_400)));
        for (text, expected) in [
            ("7 days", 7 * 86_400),
            ("1 day", 86_400),
            ("7d", 7 * 86_400),
            ("7days", 7 * 86_400),
            ("2 hours", 7200),
            ("30 minutes", 1800),
            ("10 seconds", 10),
            ("3660d", MAX_SECS),
        ] {
            assert_eq!(secs(text), Some(expected), "{text:?}");
        }
        for text in
            ["", "s", "é", "1w", "-1s", "+1s", " 1s", "1  s", "1s ", "7 Days", "days", "1 days 2 hours", "7"]
        {
            let problem = span(&toml::Value::from(text)).unwrap_err();
            assert!(problem.starts_with("expected seconds, or a text such as"), "{text:?}: {problem}");
        }
        for text in ["99999999999999999999s", "9999999999999999999d", "9999999d", "3661 days"] {
            let expected = format!("too long: expected at most 10 years, found {text}");
            assert_eq!(span(&toml::Value::from(text)), Err(expected));
        }
        let expected = "too long: expected at most 10 years, found 999999999".to_owned();
        assert_eq!(span(&toml::Value::from(999_999_999)), Err(expected));
        assert_eq!(span(&toml::Value::from(30)), Ok(Duration::from_secs(30)));
        assert!(span(&toml::Value::from(-30)).is_err());
    }
}
