//! Whether the time in a timestamp can be right. Hosts take the newest `signed_at` for the earliest time it can be, so one
//! that falls helps nobody and one far ahead makes all else expire for them. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tough::schema::Timestamp;

use crate::document::{Document, signed_at};
use crate::error::{Error, Result};
use crate::time;

/// A signing time that follows no earlier one: either the repository lay still, or a clock is ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Jump {
    /// When the timestamp before it was signed.
    pub from: DateTime<Utc>,
    /// When it was signed.
    pub to: DateTime<Utc>,
}

impl std::fmt::Display for Jump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let span = time::span(self.to - self.from);
        write!(
            f,
            "The signing time is {}, {span} after the one before: if that clock is ahead, hosts that see it are too.",
            time::text(self.to)
        )
    }
}

impl Jump {
    /// From a timestamp that was good until `expires` to one that is signed at `to`, when it is so far that a clock may be
    /// wrong.
    pub fn over(from: DateTime<Utc>, expires: DateTime<Utc>, to: DateTime<Utc>) -> Option<Self> {
        (to > time::later(expires, FORGOTTEN)).then_some(Self { from, to })
    }
}

/// Compares when `staged` was signed with `live`, and with the clock of whoever publishes.
pub(super) fn judge(
    live: Option<&Document<Timestamp>>,
    staged: &Document<Timestamp>,
    now: DateTime<Utc>,
) -> Result<Option<Jump>> {
    let Some(at) = signed_at(staged.role()) else { return Ok(None) };
    let before = live.and_then(|live| Some((signed_at(live.role())?, live)));
    if live.is_some_and(|live| live.bytes() == staged.bytes()) {
        return Ok(None);
    }
    if let Some((live, _)) = before.filter(|(live, _)| at < *live) {
        return Err(Error::SignedBefore { signed_at: at, live });
    }
    // The way out of a wrong clock goes on from the time that hosts believe already.
    let latest = before.map_or(now, |(live, _)| live.max(now));
    if at > time::later(latest, AHEAD) {
        return Err(Error::SignedAhead { signed_at: at, now });
    }
    Ok(before.and_then(|(from, live)| Jump::over(from, live.expires(), at)))
}

/// As much as hosts forgive.
pub(crate) const AHEAD: TimeDelta = trust_core::CLOCK_MARGIN;
/// How long a repository may have been expired before somebody asks whether the clock is right.
const FORGOTTEN: TimeDelta = TimeDelta::days(30);
