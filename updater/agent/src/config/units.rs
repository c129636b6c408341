//! Values with units: rates and spans of time.

use std::num::NonZeroU64;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::Words;

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

/// A value of a type of its own.
pub(super) fn read<T: DeserializeOwned>(slot: &mut Option<T>, value: toml::Value) -> Result<(), Words> {
    *slot = Some(value.try_into().map_err(|error| Words::from(&error))?);
    Ok(())
}

/// A span of time that is not nothing.
pub(super) fn some_time(value: &toml::Value) -> Result<Duration, String> {
    match span(value)? {
        Duration::ZERO => Err("expected at least one second, found 0".to_owned()),
        span => Ok(span),
    }
}

/// A span of time: whole seconds, or a text with s, m, h or d, as in `"30s"`.
pub(super) fn span(value: &toml::Value) -> Result<Duration, String> {
    let bad = |found: &str| {
        format!("expected seconds, or a text such as \"30s\", \"5m\", \"2h\" or \"1d\", found {found:?}")
    };
    match value {
        toml::Value::Integer(secs) => match u64::try_from(*secs) {
            Ok(secs) if secs <= MAX_SECS => Ok(Duration::from_secs(secs)),
            _ => Err(bad(&secs.to_string())),
        },
        toml::Value::String(text) => parse_span(text).ok_or_else(|| bad(text)),
        other => Err(bad(&other.to_string())),
    }
}

fn parse_span(text: &str) -> Option<Duration> {
    let digits = text.get(..text.len().checked_sub(1)?)?;
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3600,
        b'd' => 86_400,
        _ => return None,
    };
    let secs = digits.parse::<u64>().ok()?.checked_mul(unit)?;
    (secs <= MAX_SECS).then(|| Duration::from_secs(secs))
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
        for text in ["", "s", "é", "1w", "-1s", "99999999999999999999s", "9999999d"] {
            assert_eq!(secs(text), None, "{text:?}");
        }
        assert_eq!(span(&toml::Value::from(30)), Ok(Duration::from_secs(30)));
        assert!(span(&toml::Value::from(-30)).is_err());
    }
}
