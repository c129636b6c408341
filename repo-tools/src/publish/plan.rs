//! Decides in which order a publish is seen. Pure; the proof of each step is beside it.

use serde::Serialize;
use tough::schema::{Root, Snapshot};

use crate::document::Document;
use crate::error::{Error, Result};
use crate::metadata::{Metadata, Online};
use crate::role::Role;

/// Whether hosts may find, for a moment, a root that does not fit the metadata beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// Never: at every moment a host can read the old or the new state.
    Refuse,
    /// Old keys are lost. Hosts that ask during the publish get an error and try again.
    Accept,
}

/// The order of a publish: these roots, the three documents with timestamp last, those roots.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Roots under which the live metadata verifies too: they can be shown first.
    pub roots_before: Vec<u64>,
    /// Whether targets, snapshot or timestamp change at all.
    pub metadata: bool,
    /// Roots under which only the new metadata verifies: the second commit of a key rotation.
    pub roots_after: Vec<u64>,
}

impl Plan {
    /// Whether hosts see all of it already.
    pub fn is_done(&self) -> bool {
        *self == Self::default()
    }
}

/// Decides how `staged` takes the place of `live`.
///
/// # Errors
/// When `live` is newer in any role, is another repository, or could not be read at some moment on the way.
pub fn plan(live: &Metadata, staged: &Metadata, gap: Gap) -> Result<Plan> {
    let online = staged.online.as_ref().ok_or(Error::NotSigned { what: Role::Timestamp })?;
    same_roots(live, staged)?;
    if let Some(live) = &live.online {
        not_older(live, online)?;
    }
    let shown = live.roots.last().map_or(0, Document::version);
    let hidden: Vec<&Document<Root>> = staged.roots.iter().filter(|root| root.version() > shown).collect();
    let first_after = match (&live.online, gap) {
        // Nobody reads yet, or the gap is accepted: TUF's usual order, roots first.
        (None, _) | (_, Gap::Accept) => hidden.len(),
        (Some(live), Gap::Refuse) => {
            hidden.iter().position(|root| live.not_verifying(root.role()).is_some()).unwrap_or(hidden.len())
        }
    };
    let (before, after) = hidden.split_at_checked(first_after).unwrap_or((&hidden, &[]));
    // At the commit hosts stand on the last root shown before it; after it, on each that follows.
    let at_commit = before.last().copied().or_else(|| live.roots.last());
    for root in at_commit.into_iter().chain(after.iter().copied()) {
        if let Some(role) = online.not_verifying(root.role()) {
            return Err(Error::Rotation { role, root: root.version() });
        }
    }
    let changes = live.online.as_ref().is_none_or(|live| live.timestamp.bytes() != online.timestamp.bytes());
    Ok(Plan {
        roots_before: before.iter().map(|root| root.version()).collect(),
        metadata: changes,
        roots_after: after.iter().map(|root| root.version()).collect(),
    })
}

/// Roots are facts: what is shown is never taken back or changed.
fn same_roots(live: &Metadata, staged: &Metadata) -> Result<()> {
    let newest = staged.roots.last().map_or(0, Document::version);
    for root in &live.roots {
        if root.version() > newest {
            return Err(Error::Older { role: Role::Root, live: root.version(), staged: newest });
        }
        let same = staged.roots.iter().find(|staged| staged.version() == root.version());
        if same.is_none_or(|staged| staged.bytes() != root.bytes()) {
            return Err(Error::OtherRepository { version: root.version() });
        }
    }
    Ok(())
}

/// No role goes back, and no version is given out twice.
fn not_older(live: &Online, staged: &Online) -> Result<()> {
    let roles = [
        (
            Role::Timestamp,
            live.timestamp.version(),
            staged.timestamp.version(),
            live.timestamp.bytes() == staged.timestamp.bytes(),
        ),
        (
            Role::Snapshot,
            live.snapshot.version(),
            staged.snapshot.version(),
            live.snapshot.bytes() == staged.snapshot.bytes(),
        ),
        (
            Role::Targets,
            live.targets.version(),
            staged.targets.version(),
            live.targets.bytes() == staged.targets.bytes(),
        ),
    ];
    for (role, live, staged, same) in roles {
        if live > staged {
            return Err(Error::Older { role, live, staged });
        }
        if live == staged && !same {
            return Err(Error::SameVersion { role, version: live });
        }
    }
    no_role_older(live.snapshot.role(), staged.snapshot.role())
}

/// TUF 5.5.5: a host that knows a delegated role from one snapshot refuses one that lists it older, or not at all.
fn no_role_older(live: &Snapshot, staged: &Snapshot) -> Result<()> {
    for (file, live) in live.meta.iter().filter(|(file, _)| *file != "targets.json") {
        let refuse = |reason| {
            let name = file.strip_suffix(".json").unwrap_or(file).to_owned();
            Err(Error::DelegatedRole { name, reason })
        };
        match staged.meta.get(file) {
            None => return refuse(format!("version {} is live, and none is listed here", live.version)),
            Some(here) if here.version < live.version => {
                return refuse(format!("version {} is live, it is {} here", live.version, here.version));
            }
            Some(here) if here.version == live.version && here != live => {
                return refuse(format!("other bytes are live under version {}", live.version));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
