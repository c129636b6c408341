//! What the health gate had against a slot.

use chrono::{DateTime, Utc};
use partition_core::Slot;
use release::ReleaseId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Record, lenient, letter};

/// `trial.json`: why the gate did not confirm. Removed by a confirm, and when another slot is armed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// 1, or higher when a later version wrote it.
    pub format: u64,
    /// `health:NAME`, or `verity` when the root could not be read to its end.
    pub reason: String,
    /// What the check said, for people.
    #[serde(default, deserialize_with = "lenient::field")]
    pub detail: String,
    /// The boot; `None`: a disk image without a boot id.
    #[serde(default, deserialize_with = "lenient::field")]
    pub boot: Option<String>,
    /// The slot that ran.
    #[serde(with = "letter")]
    pub slot: Slot,
    /// Its version, where known.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its release, where known.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseId>,
    /// When.
    pub at: DateTime<Utc>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Record for Trial {
    fn format(&self) -> u64 {
        self.format
    }
}
