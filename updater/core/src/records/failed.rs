//! Releases that this host has tried and left.

use chrono::{DateTime, Utc};
use release::ReleaseId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FORMAT, Record, lenient};

/// `failed.json`: not offered again unless `--retry` (P4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
pub struct Failed {
    /// 1, or higher when a later version wrote it.
    pub format: u64,
    /// The newest [`Failed::LIMIT`] of them, oldest first.
    pub releases: Vec<Failure>,
    /// Entries that this version cannot read, kept.
    unread: Vec<Value>,
    /// Keys that this version does not know, kept.
    pub extra: Map<String, Value>,
}

/// As in the file.
#[derive(Serialize, Deserialize)]
struct Wire {
    format: u64,
    #[serde(default, deserialize_with = "lenient::items")]
    releases: Vec<Value>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl From<Wire> for Failed {
    fn from(wire: Wire) -> Failed {
        let (mut releases, mut unread) = (Vec::new(), Vec::new());
        for item in wire.releases {
            match Failure::deserialize(&item) {
                Ok(failure) => releases.push(failure),
                Err(_) => unread.push(item),
            }
        }
        Failed { format: wire.format, releases, unread, extra: wire.extra }
    }
}

impl From<Failed> for Wire {
    fn from(failed: Failed) -> Wire {
        let known = failed.releases.iter().filter_map(|failure| serde_json::to_value(failure).ok());
        // A file cannot be made to grow without end by entries that nobody can read.
        let unread = failed.unread.iter().take(Failed::LIMIT).cloned();
        Wire { format: failed.format, releases: unread.chain(known).collect(), extra: failed.extra }
    }
}

/// One release that was left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Which release, whatever its version says.
    pub release: ReleaseId,
    /// Its version, for people.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When it was found out.
    pub at: DateTime<Utc>,
    /// What happened and why, as in "was rolled back: verity".
    #[serde(default = "unknown_cause", deserialize_with = "lenient::field")]
    pub cause: String,
    /// Keys that this version does not know, kept.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Failed {
    /// How many are remembered; far more than any repository offers to one host.
    pub const LIMIT: usize = 64;

    /// Whether this release failed here.
    pub fn find(&self, release: &ReleaseId) -> Option<&Failure> {
        self.releases.iter().rev().find(|failure| failure.release == *release)
    }

    /// Remembers one, in place of what was known of the same release.
    pub fn remember(&mut self, failure: Failure) {
        self.releases.retain(|known| known.release != failure.release);
        self.releases.push(failure);
        let over = self.releases.len().saturating_sub(Failed::LIMIT);
        self.releases.drain(..over);
    }

    /// Forgets one, when it has proved itself after all.
    pub fn forget(&mut self, release: &ReleaseId) -> bool {
        let before = self.releases.len();
        self.releases.retain(|known| known.release != *release);
        self.releases.len() < before
    }
}

impl Default for Failed {
    fn default() -> Failed {
        Failed { format: FORMAT, releases: Vec::new(), unread: Vec::new(), extra: Map::new() }
    }
}

impl Record for Failed {
    fn format(&self) -> u64 {
        self.format
    }
}

fn unknown_cause() -> String {
    "failed here".to_owned()
}
