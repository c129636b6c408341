//! What a publish would do and what hosts would see, without doing it.

use release::manifest::{Difference, Manifest};
use serde::Serialize;
use trust_core::Expiry;

use super::commit::{Decided, Order, decide};
use super::live::Live;
use super::plan::Plan;
use super::upload::missing;
use crate::error::{Error, Result};
use crate::host_check::{follow, read_manifest};
use crate::listing::Listing;
use crate::metadata::{Metadata, Online};
use crate::role::Role;
use crate::source::StoreSource;
use crate::staged::Staged;
use crate::store::Store;
use crate::versions::Versions;

/// A publish that was not done.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// What it would do.
    pub plan: Plan,
    /// Blobs it would write, with their lengths.
    pub blobs: Vec<(String, u64)>,
    /// Bytes of them.
    pub bytes: u64,
    /// Documents it would write, in this order, with their lengths.
    pub documents: Vec<(String, u64)>,
    /// What hosts see now.
    pub before: Versions,
    /// What they would see.
    pub after: Versions,
    /// What they would see otherwise; `None` when the live manifest cannot be read.
    pub differences: Option<Vec<Difference>>,
}

/// Looks at everything that a publish looks at and refuses what it would refuse.
pub fn preview(store: &dyn Store, staged: &Staged, order: Order) -> Result<Preview> {
    let live = Live::read_any(store, order.trust)?;
    let Decided { plan, .. } = decide(store, &live, staged, order)?;
    let online = staged.metadata().online.as_ref().ok_or(Error::NotSigned { what: Role::Timestamp })?;
    let blobs: Vec<(String, u64)> = missing(store, &live, online, order.trust)?
        .into_iter()
        .map(|(name, target)| (name, target.length))
        .collect();
    let shown = shown(store, &live, staged);
    let before = live.metadata.versions();
    let listed = live.metadata.online.as_ref().map(Listing::of).unwrap_or_default();
    let none = Manifest::default();
    let staged_manifest = staged.view().manifest.as_ref().unwrap_or(&none);
    Ok(Preview {
        documents: documents(staged.metadata(), before, &plan, delegated(online, &live, &plan)),
        plan,
        bytes: blobs.iter().fold(0, |sum: u64, (_, length)| sum.saturating_add(*length)),
        blobs,
        before,
        after: staged.metadata().versions(),
        differences: shown.ok().map(|shown| {
            let before = shown.as_ref().unwrap_or(&none);
            let mut found = staged_manifest.differences(before);
            found.extend(Listing::of(online).differences(&listed, [before, staged_manifest]));
            found
        }),
    })
}

/// The documents of a plan and of delegated roles, in the order in which they are written, with their lengths; those that
/// hosts read before in the same version are none of them.
pub(crate) fn documents(
    metadata: &Metadata,
    before: Versions,
    plan: &Plan,
    delegated: Vec<(String, u64)>,
) -> Vec<(String, u64)> {
    let roots = |versions: &[u64]| -> Vec<(String, u64)> {
        let shown = metadata.roots.iter().filter(|root| versions.contains(&root.version()));
        shown.map(|root| (format!("{}.root.json", root.version()), length(root.bytes()))).collect()
    };
    let mut documents = roots(&plan.roots_before);
    documents.extend(delegated);
    if let Some(online) = metadata.online.as_ref().filter(|_| plan.metadata) {
        let Online { targets, snapshot, timestamp, .. } = online;
        if targets.version() != before.targets {
            documents.push((format!("{}.targets.json", targets.version()), length(targets.bytes())));
        }
        if snapshot.version() != before.snapshot {
            documents.push((format!("{}.snapshot.json", snapshot.version()), length(snapshot.bytes())));
        }
        documents.push(("timestamp.json".to_owned(), length(timestamp.bytes())));
    }
    documents.extend(roots(&plan.roots_after));
    documents
}

/// The documents of delegated roles that hosts do not read yet.
fn delegated(online: &Online, live: &Live, plan: &Plan) -> Vec<(String, u64)> {
    let live = live.metadata.online.as_ref();
    let is_new = |name: &str, version: u64| {
        live.and_then(|live| live.delegated.get(name)).is_none_or(|there| there.version() != version)
    };
    let files = online
        .delegated_files()
        .filter(|(_, name, document)| plan.metadata && is_new(name, document.version()));
    files.map(|(file, _, document)| (file, length(document.bytes()))).collect()
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The manifest that hosts read now, expired or not.
fn shown(store: &dyn Store, live: &Live, staged: &Staged) -> Result<Option<Manifest>> {
    let (Some(first), Some(_)) = (live.metadata.roots.first(), &live.metadata.online) else {
        return Ok(None);
    };
    let source = StoreSource(store);
    let root = first.bytes().to_vec();
    let (mut session, _) = follow(&source, root, staged.checked_at(), Expiry::Ignore)?;
    read_manifest(&source, &mut session)
}
