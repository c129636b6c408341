//! Our one object in an update.

use chrono::{DateTime, Utc};
use semver::VersionReq;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Digest, Images, ReleaseId};

/// What our hosts need beyond Bottlerocket's six fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Ours {
    /// Which release this is, whatever its version says.
    pub release: ReleaseId,
    /// Target names of the three indexes.
    pub index: Images<String>,
    /// Shorter ways from earlier releases.
    pub deltas: Vec<Delta>,
    /// Which running versions may go to this one; `None`: all.
    pub from: Option<VersionReq>,
    /// The rollout stands still.
    pub paused: Option<Halt>,
    /// The release is withdrawn.
    pub yanked: Option<Halt>,
    /// A line for people.
    pub notes: String,
    /// Keys of `index` that this version does not know, kept.
    pub extra_index: Map<String, Value>,
    /// Keys that this version does not know, kept.
    pub extra: Map<String, Value>,
}

/// The format of [`Ours`] that this version reads and writes.
pub(super) const FORMAT: u64 = 1;

/// A shorter way from one earlier release, for one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// Name of the image. Text, since a later version may know more than three.
    pub image: String,
    /// The release it starts from.
    pub from: ReleaseId,
    /// Target name of the `.delta`.
    pub target: String,
    /// Length of its header in bytes.
    pub header_length: u64,
    /// Digest of its header.
    pub header_sha256: Digest,
    /// Keys that this version does not know, kept.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Since when and why something stands still.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Halt {
    /// Since when.
    pub at: DateTime<Utc>,
    /// Why, for people.
    #[serde(default)]
    pub reason: String,
    /// Keys that this version does not know, kept.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
