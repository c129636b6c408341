//! What happened to this host, one line each.

use chrono::{DateTime, Utc};
use release::ReleaseId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FORMAT, lenient};

/// One line of `history.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryLine {
    /// 1, or higher when a later version wrote it.
    pub format: u64,
    /// When, by the host's clock.
    pub at: DateTime<Utc>,
    /// What.
    pub event: HistoryEvent,
    /// The slot it happened to.
    #[serde(default, with = "lenient::slot", skip_serializing_if = "Option::is_none")]
    pub slot: Option<partition_core::Slot>,
    /// The version, where known.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The release, where known.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseId>,
    /// Why, in one word (`verity`, `health:NAME`); `None`: nobody asked, or nothing went wrong.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What the witness of the cause said, for people.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What a line is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryEvent {
    /// A release was written and read back.
    Staged,
    /// It was armed.
    Armed,
    /// It was disarmed again.
    Cancelled,
    /// The other slot was armed by choice.
    RollbackArmed,
    /// The slot was confirmed for the first time.
    Updated,
    /// The trial failed.
    RolledBack,
    /// A rollback by choice did not boot.
    RollbackFailed,
    /// What was meant to be armed never was.
    NotArmed,
    /// A confirmed slot was left by itself.
    FellBack,
    /// The health gate found the running slot unhealthy.
    Unhealthy,
    /// A word of a later version.
    #[serde(untagged)]
    Other(String),
}

impl HistoryLine {
    /// A line about `event`.
    pub fn new(at: DateTime<Utc>, event: HistoryEvent) -> HistoryLine {
        HistoryLine {
            format: FORMAT,
            at,
            event,
            slot: None,
            version: None,
            release: None,
            cause: None,
            detail: None,
            extra: Map::new(),
        }
    }
}

impl HistoryEvent {
    /// As in the file.
    pub fn as_str(&self) -> &str {
        match self {
            HistoryEvent::Staged => "staged",
            HistoryEvent::Armed => "armed",
            HistoryEvent::Cancelled => "cancelled",
            HistoryEvent::RollbackArmed => "rollback_armed",
            HistoryEvent::Updated => "updated",
            HistoryEvent::RolledBack => "rolled_back",
            HistoryEvent::RollbackFailed => "rollback_failed",
            HistoryEvent::NotArmed => "not_armed",
            HistoryEvent::FellBack => "fell_back",
            HistoryEvent::Unhealthy => "unhealthy",
            HistoryEvent::Other(word) => word,
        }
    }
}
