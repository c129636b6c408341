//! The answer for one host at one time.

use chrono::{DateTime, Utc};

/// May this seed have the release now?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Open {
        /// Since when; `None`: no wave ever held it back.
        since: Option<DateTime<Utc>>,
    },
    /// Not yet.
    Wait {
        /// The first instant at which the verdict is `Open`.
        until: DateTime<Utc>,
        /// The wave the seed is in.
        wave: Wave,
    },
}

impl Verdict {
    /// The verdict at `now` for a seed whose turn comes at `opens`.
    pub(crate) fn at(now: DateTime<Utc>, opens: DateTime<Utc>, wave: Wave) -> Verdict {
        if now >= opens { Verdict::Open { since: Some(opens) } } else { Verdict::Wait { until: opens, wave } }
    }
}

/// One step of a rollout: a range of seeds whose turns come between two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wave {
    /// Counted from 1.
    pub number: usize,
    /// How many waves the rollout has.
    pub of: usize,
    /// First seed in the wave.
    pub first: u32,
    /// Last seed in the wave (included).
    pub last: u32,
    /// When the turn of the first seed comes.
    pub starts: DateTime<Utc>,
    /// When all of its seeds have had their turn.
    pub ends: DateTime<Utc>,
}
