//! Values that the command line parses.

use chrono::{DateTime, Utc};

/// A time with its zone, as in `2026-01-02T03:04:05Z`.
pub(super) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(at) => Ok(at.to_utc()),
        Err(error) => Err(format!("expected a time as in 2026-01-02T03:04:05Z ({error})")),
    }
}
