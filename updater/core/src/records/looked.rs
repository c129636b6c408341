//! The last look at the repository: when, what came of it, and when to look again after one in vain.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FORMAT, Record, lenient};
use crate::{Exit, Reason, Refusal, backoff, seconds};

/// `checked.json`. Nothing depends on it but when the next turn of `auto` asks; losing it costs one request too many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// 1, or higher when a later version wrote it.
    pub format: u64,
    /// When, by the host's clock.
    pub at: DateTime<Utc>,
    /// The exit code that a check ends with for this answer.
    #[serde(default, deserialize_with = "lenient::field")]
    pub exit: u8,
    /// The rule that decided, or what was wrong.
    #[serde(default, deserialize_with = "lenient::field")]
    pub reason: Option<String>,
    /// The answer as a sentence.
    #[serde(default, deserialize_with = "lenient::field")]
    pub message: String,
    /// The version that is open for this host.
    #[serde(default, deserialize_with = "lenient::field")]
    pub version: Option<String>,
    /// How often in a row the repository could not be asked, or not to the end.
    #[serde(default, deserialize_with = "lenient::field")]
    pub failures: u32,
    /// From when on `auto` asks again; `None`: at any time.
    #[serde(default, deserialize_with = "lenient::field")]
    pub next: Option<DateTime<Utc>>,
    /// Bytes of images that the last run to write a slot has fetched.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub fetched_bytes: Option<u64>,
    /// Keys that this version does not know, kept.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What a look came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The exit code that a check ends with.
    pub exit: Exit,
    /// The rule that decided, or what was wrong.
    pub reason: Option<Reason>,
    /// The answer as a sentence.
    pub message: String,
    /// The version that is open for this host.
    pub version: Option<String>,
}

/// How long to wait after looks in vain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// The longest wait after the first one; nothing: no waiting.
    pub base: Duration,
    /// The longest wait of all.
    pub cap: Duration,
    /// 0 to 1, where in between.
    pub random: f64,
}

impl Looked {
    /// The record after a look, failures as before.
    #[must_use]
    pub fn after(before: Option<Looked>, at: DateTime<Utc>, seen: Seen) -> Looked {
        let Seen { exit, reason, message, version } = seen;
        let before = before.unwrap_or_else(|| Looked {
            format: FORMAT,
            at,
            exit: 0,
            reason: None,
            message: String::new(),
            version: None,
            failures: 0,
            next: None,
            fetched_bytes: None,
            extra: Map::new(),
        });
        let reason = reason.map(|reason| reason.as_str().to_owned());
        Looked { at, exit: exit.code(), reason, message, version, ..before }
    }

    /// Counts one more in vain, and says when to ask again.
    #[must_use]
    pub fn in_vain(self, now: DateTime<Utc>, retry: Retry) -> Looked {
        let wait = backoff(self.failures, retry.base, retry.cap, retry.random);
        let next = TimeDelta::from_std(wait).ok().and_then(|wait| now.checked_add_signed(wait));
        // Not rounded up: what is further away than the longest wait is not waited for.
        let next = next.map(|next| next.trunc_subsecs(0));
        Looked { failures: self.failures.saturating_add(1), next, ..self }
    }

    /// What was asked for was had.
    #[must_use]
    pub fn settled(self) -> Looked {
        Looked { failures: 0, next: None, ..self }
    }

    /// Whether it is too early to ask again, and until when. A time further away than any wait was written by another
    /// clock, and is not waited for.
    pub fn holds(&self, now: DateTime<Utc>, cap: Duration) -> Option<Refusal> {
        let until = self.next.filter(|next| *next > now)?;
        let wait = until.signed_duration_since(now).to_std().ok()?;
        (wait <= cap).then(|| {
            let times = match self.failures {
                1 => "once".to_owned(),
                failures => format!("{failures} times in a row"),
            };
            let detail = format!(
                "the repository was asked in vain {times}; it is asked again from {} on",
                seconds(until)
            );
            Refusal::waiting(Reason::Backoff, detail, until)
        })
    }
}

impl Record for Looked {
    fn format(&self) -> u64 {
        self.format
    }
}
