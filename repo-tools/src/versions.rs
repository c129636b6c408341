//! Which version of each role hosts can have seen.

use serde::{Deserialize, Serialize};

/// The versions that were published last; 0 where there was none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Versions {
    /// The newest root that is shown.
    pub root: u64,
    /// The newest targets.
    pub targets: u64,
    /// The newest snapshot.
    pub snapshot: u64,
    /// The newest timestamp.
    pub timestamp: u64,
}
