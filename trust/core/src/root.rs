//! Root: who may sign.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::digest::sha256;
use crate::document::Document;
use crate::error::Error;
use crate::keys::{Keys, Signers};
use crate::role::Role;

/// A root document that verifies under its own keys.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) document: Document,
    pub(crate) consistent_snapshot: bool,
    /// SHA-256 of the file.
    pub(crate) sha256: [u8; 32],
    keys: Keys,
    own: Signers,
    timestamp: Signers,
    snapshot: Signers,
    targets: Signers,
}

impl Root {
    /// Reads a root and checks it with its own keys (spec 5.3.4, second half).
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let document = Document::parse(&Role::Root, bytes)?;
        let Fields { consistent_snapshot, keys, mut roles } = document.body()?;
        let mut take = |role: Role| {
            roles.remove(role.name()).ok_or_else(|| Error::MissingRole { missing: role.clone() })
        };
        let root = Self {
            own: take(Role::Root)?,
            timestamp: take(Role::Timestamp)?,
            snapshot: take(Role::Snapshot)?,
            targets: take(Role::Targets)?,
            keys: Keys::parse(keys),
            consistent_snapshot,
            sha256: sha256(bytes),
            document,
        };
        root.verify(&root.document)?;
        Ok(root)
    }

    pub(crate) fn version(&self) -> u64 {
        self.document.version
    }

    /// Checks a document of one of the four top-level roles.
    pub(crate) fn verify(&self, document: &Document) -> Result<(), Error> {
        self.keys.verify(document, self.signers(&document.role))
    }

    /// Delegated roles have their signers in the delegation; the top of that tree is [`Role::Targets`].
    pub(crate) fn signers(&self, role: &Role) -> &Signers {
        match role {
            Role::Root => &self.own,
            Role::Timestamp => &self.timestamp,
            Role::Snapshot => &self.snapshot,
            Role::Targets | Role::Delegated(_) => &self.targets,
        }
    }

    /// Whether a key that `before` trusted for `role` is not trusted any more. An added key takes nothing away, so
    /// it is no reason to forget what is known.
    pub(crate) fn dropped_key(&self, before: &Signers, role: &Role) -> bool {
        !before.keyids.is_subset(&self.signers(role).keyids)
    }
}

/// The newer of the root in the store and the one shipped with the image (design §7). The stored one counts only
/// when it is whole; `Err` beside it says why it was passed over.
pub fn newest_root<'a>(
    stored: Option<&'a [u8]>,
    shipped: &'a [u8],
) -> Result<(&'a [u8], Option<Error>), Error> {
    let kept = stored.map(|bytes| (bytes, Root::parse(bytes)));
    match (kept, Root::parse(shipped)) {
        (None, Ok(_)) => Ok((shipped, None)),
        (Some((bytes, Ok(kept))), Ok(root)) => {
            Ok((if kept.version() >= root.version() { bytes } else { shipped }, None))
        }
        (Some((_, Err(why))), Ok(_)) => Ok((shipped, Some(why))),
        // The image's own root is damaged: a newer trusted one still stands.
        (Some((bytes, Ok(_))), Err(why)) => Ok((bytes, Some(why))),
        (None | Some((_, Err(_))), Err(error)) => Err(error),
    }
}

#[derive(Deserialize)]
struct Fields {
    consistent_snapshot: bool,
    keys: BTreeMap<String, Value>,
    roles: BTreeMap<String, Signers>,
}
