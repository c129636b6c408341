//! The permit to restart that this host has taken.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Record, lenient};

/// `permit.json`: written once there is a lease and before anything is taken with it, so that whatever is taken is known here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// 1, or higher when a later version wrote it.
    pub format: u64,
    /// The lease, etcd's number for it.
    pub lease: i64,
    /// The boot in which it was taken; `None`: a disk image without a boot id.
    #[serde(default, deserialize_with = "lenient::field")]
    pub boot: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// When the restart was first asked for with it, in that boot.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub asked: Option<DateTime<Utc>>,
    /// When it was found to be over, in that boot still: the restart has not happened.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub over: Option<DateTime<Utc>>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Record for Taken {
    fn format(&self) -> u64 {
        self.format
    }
}
