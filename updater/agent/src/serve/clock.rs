//! The time, asked again and again by one who runs for long.

use std::time::SystemTime;

use chrono::{DateTime, Utc};

/// The host's clock, or the one time that was typed for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// `--clock`.
    pub(super) typed: Option<DateTime<Utc>>,
}

impl Clock {
    /// What it says.
    pub(super) fn now(self) -> DateTime<Utc> {
        self.typed.unwrap_or_else(|| SystemTime::now().into())
    }
}
