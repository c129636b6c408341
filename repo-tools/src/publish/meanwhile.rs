//! What somebody else did meanwhile. The swap guards timestamp.json alone; a root is another file.
//!
//! A rotation shows its root after its commit. Whoever swaps a timestamp in between that only the old keys sign would
//! leave one that hosts refuse. So each run looks for roots right before its swap, and once more after its own last
//! act: of two such acts one is the later, and whoever did it finds both.

use super::live::{Live, Trust};
use crate::error::{Error, Result};
use crate::metadata::{MAX_METADATA, version_in};
use crate::role::Role;
use crate::store::{Found, Part, Store};

/// Right before a swap: no root is there that this run did not know when it began.
pub(crate) fn no_newer_root(store: &dyn Store, known: u64) -> Result<()> {
    let newest = store.list(Part::Metadata)?.iter().filter_map(|entry| version_in(&entry.name, "root")).max();
    match newest {
        Some(root) if root > known => Err(Error::RootAppeared { place: store.place(), root }),
        _ => Ok(()),
    }
}

/// Right before a root: timestamp.json is the one that the root was planned for.
pub(super) fn same_timestamp(
    store: &dyn Store,
    trust: Trust,
    expected: impl FnOnce(Option<&Found>) -> bool,
) -> Result<()> {
    // One read, so that hardly a moment lies between it and the root.
    if expected(store.read(Part::Metadata, "timestamp.json", MAX_METADATA)?.as_ref()) {
        return Ok(());
    }
    let now = Live::read_any(store, trust)?;
    Err(Error::Raced { place: store.place(), live: now.newest().timestamp })
}

/// After the last act: what is there verifies under the newest root that is there, whoever wrote either.
pub(crate) fn not_overtaken(store: &dyn Store) -> Result<()> {
    match Live::read(store, Trust::Live) {
        Err(Error::NotVerifying { role, root }) => {
            let version = Live::read_any(store, Trust::Live).map_or(0, |live| version(&live, role));
            Err(Error::Overtaken { place: store.place(), role, version, root })
        }
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

fn version(live: &Live, role: Role) -> u64 {
    let versions = live.metadata.versions();
    match role {
        Role::Root => versions.root,
        Role::Targets => versions.targets,
        Role::Snapshot => versions.snapshot,
        Role::Timestamp => versions.timestamp,
    }
}
