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
    /// Documents it would write, in this order, with their lengths; not those of delegated roles.
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
    let none = Manifest::default();
    let staged_manifest = staged.view().manifest.as_ref().unwrap_or(&none);
    Ok(Preview {
        documents: documents(staged.metadata(), online, &plan),
        plan,
        bytes: blobs.iter().map(|(_, length)| length).sum(),
        blobs,
        before: live.metadata.versions(),
        after: staged.metadata().versions(),
        differences: shown.ok().map(|shown| staged_manifest.differences(shown.as_ref().unwrap_or(&none))),
    })
}

/// The documents of a plan, in its order, with their lengths; those of delegated roles are not among them.
pub(crate) fn documents(metadata: &Metadata, online: &Online, plan: &Plan) -> Vec<(String, u64)> {
    let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let roots = |versions: &[u64]| -> Vec<(String, u64)> {
        let shown = metadata.roots.iter().filter(|root| versions.contains(&root.version()));
        shown.map(|root| (format!("{}.root.json", root.version()), length(root.bytes()))).collect()
    };
    let mut documents = roots(&plan.roots_before);
    if plan.metadata {
        documents.extend([
            (format!("{}.targets.json", online.targets.version()), length(online.targets.bytes())),
            (format!("{}.snapshot.json", online.snapshot.version()), length(online.snapshot.bytes())),
            ("timestamp.json".to_owned(), length(online.timestamp.bytes())),
        ]);
    }
    documents.extend(roots(&plan.roots_after));
    documents
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
