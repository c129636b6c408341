//! The time, asked again and again by one who runs for long.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};

use crate::uptime::uptime;

/// The host's clock, or one that was typed and has gone on since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    typed: Option<Moment>,
}

/// A moment by the two clocks of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// By the one that people read, and set.
    pub(super) wall: DateTime<Utc>,
    /// By the one that nobody sets: since the host was started, its suspends included.
    pub(super) up: Duration,
}

impl Clock {
    /// `--clock`, or the host's.
    pub(super) fn new(typed: Option<DateTime<Utc>>) -> Clock {
        Clock { typed: typed.map(|wall| Moment { wall, up: uptime() }) }
    }

    /// What it says.
    pub(super) fn now(self) -> DateTime<Utc> {
        self.moment().wall
    }

    /// What both say.
    pub(super) fn moment(self) -> Moment {
        let up = uptime();
        let wall = self.typed.map_or_else(host, |began| later(began.wall, up.saturating_sub(began.up)));
        Moment { wall, up }
    }

    /// What the host's clock says when this one says that.
    pub(super) fn by_host(self, wall: DateTime<Utc>) -> DateTime<Utc> {
        if self.typed.is_none() {
            return wall;
        }
        later(host(), (wall - self.now()).to_std().unwrap_or_default())
    }
}

/// So much later, or at the end of time.
pub(super) fn later(at: DateTime<Utc>, span: Duration) -> DateTime<Utc> {
    let then = TimeDelta::from_std(span).ok().and_then(|span| at.checked_add_signed(span));
    then.unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn host() -> DateTime<Utc> {
    SystemTime::now().into()
}
