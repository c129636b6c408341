//! What an earlier run found in the verified targets role.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::digest::sha256;
use crate::document::Listed;
use crate::root::Root;
use crate::summary::RoleState;
use crate::targets::{Entry, Target};
use crate::time::Freshness;

/// One target, and the exact bytes of root and targets role that vouch for it.
///
/// A targets role of 10,000 files is megabytes to read and to verify, for one name that every look asks for. Where the trusted
/// snapshot lists the same bytes by their digest, and the root is the same to the byte, verifying them again can come to nothing
/// else; only time has gone on, so their expiry is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// SHA-256 of the root, in hex.
    root: String,
    /// What the snapshot lists for the role.
    targets: Listed,
    /// When the role expires.
    expires: DateTime<Utc>,
    name: String,
    entry: Entry,
}

impl Finding {
    /// The bytes of a file: a line with the SHA-256 of the second line, in hex, and a line of JSON. A changed byte is noticed.
    pub fn encode(&self) -> Vec<u8> {
        // Strings and numbers always are JSON.
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{}\n{json}\n", sum(&json)).into_bytes()
    }

    /// Reads the file; `None`: it is not whole.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (found, json) = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?.split_once('\n')?;
        if found == sum(json) { serde_json::from_str(json).ok() } else { None }
    }

    pub(crate) fn of(
        (name, entry): (&str, &Entry),
        root: &Root,
        targets: &Listed,
        expires: DateTime<Utc>,
    ) -> Self {
        let root = hex::encode(root.sha256);
        Self { root, targets: targets.clone(), expires, name: name.to_owned(), entry: entry.clone() }
    }

    /// Whether the role would be verified, and found to say this, if it were read now.
    pub(crate) fn holds(&self, root: &Root, listed: &Listed, fresh: Freshness) -> bool {
        listed.is_exact()
            && self.targets == *listed
            && self.root == hex::encode(root.sha256)
            && fresh.holds(self.expires)
    }

    pub(crate) fn target(&self, name: &str, consistent_snapshot: bool) -> Option<Target> {
        if name == self.name { self.entry.target(name, consistent_snapshot).ok() } else { None }
    }

    pub(crate) fn state(&self) -> RoleState {
        RoleState { version: self.targets.version.get(), expires: self.expires }
    }
}

fn sum(json: &str) -> String {
    hex::encode(sha256(json.as_bytes()))
}
