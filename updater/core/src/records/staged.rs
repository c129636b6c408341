//! What lies in the other slot, read back and not armed yet.

use chrono::{DateTime, Utc};
use partition_core::Slot;
use release::ReleaseId;
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Record, letter};

/// `staged/staged.json`. With the three indexes beside it an offline `arm` can read the slot back again. It is only a
/// claim: the indexes must give `release`, and the slot must equal the indexes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Staged {
    /// 1, or higher when a later version wrote it.
    pub format: u64,
    /// The version.
    pub version: Version,
    /// The variant.
    pub variant: String,
    /// The architecture.
    pub arch: String,
    /// Which release this is.
    pub release: ReleaseId,
    /// The slot it was written to.
    #[serde(with = "letter")]
    pub slot: Slot,
    /// When it was read back.
    pub at: DateTime<Utc>,
    /// Keys that this version does not know, kept.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Record for Staged {
    fn format(&self) -> u64 {
        self.format
    }
}
