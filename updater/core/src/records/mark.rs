//! How far a boot on trial has come.

use partition_core::Slot;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FORMAT, Record, letter};

/// `boot-stage`: the last mark of the last boot on trial. The initramfs writes the first ones, the health gate the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// 1, or higher when a later version wrote it.
    pub format: u64,
    /// The boot that left it.
    pub boot: String,
    /// The slot that ran.
    #[serde(with = "letter")]
    pub slot: Slot,
    /// What was about to happen.
    pub stage: Stage,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The stages, in the order of a boot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// PRIVATE is mounted; verity comes next.
    Init,
    /// The root is about to be mounted through verity.
    Root,
    /// The init of the root is about to start.
    Userland,
    /// The whole root is being read through verity.
    Scan,
    /// Health checks are at work.
    Health,
    /// A word of a later version.
    #[serde(untagged)]
    Other(String),
}

impl Mark {
    /// A mark of this version.
    pub fn new(boot: impl Into<String>, slot: Slot, stage: Stage) -> Mark {
        Mark { format: FORMAT, boot: boot.into(), slot, stage, extra: Map::new() }
    }
}

impl Stage {
    /// As in the file.
    pub fn as_str(&self) -> &str {
        match self {
            Stage::Init => "init",
            Stage::Root => "root",
            Stage::Userland => "userland",
            Stage::Scan => "scan",
            Stage::Health => "health",
            Stage::Other(word) => word,
        }
    }
}

impl Record for Mark {
    fn format(&self) -> u64 {
        self.format
    }

    /// One line, as the initramfs writes it.
    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}
