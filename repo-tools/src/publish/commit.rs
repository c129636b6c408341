//! Publishes a stage: blobs, roots, targets, snapshot, and timestamp.json as the commit point.

use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tough::schema::{Role as ToughRole, Root, Targets};

use super::clock::{self, Jump};
use super::live::{Live, Trust};
use super::meanwhile::{no_newer_root, not_overtaken, same_timestamp};
use super::others::{Others, keeps_others};
use super::plan::{Gap, Plan, plan};
use super::upload::{Progress, absent, missing, upload};
use crate::delegated::holder;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::host_check::host_check;
use crate::metadata::{MAX_METADATA, Metadata, Online};
use crate::role::Role;
use crate::source::StoreSource;
use crate::staged::Staged;
use crate::store::{Found, Hold, New, Part, Store, Swap};

/// A repository that hosts read.
#[derive(Debug)]
pub struct Published {
    /// Where.
    pub place: String,
    /// What hosts see now.
    pub metadata: Metadata,
    /// What this run did.
    pub plan: Plan,
    /// Blobs that this run wrote.
    pub new_blobs: usize,
    /// A signing time that may be that of a wrong clock.
    pub jump: Option<Jump>,
    /// What others on this machine cannot read there.
    pub closed: Vec<PathBuf>,
}

/// How to publish.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Whether hosts may fail for a moment.
    pub gap: Gap,
    /// How much of what is there to believe.
    pub trust: Trust,
    /// What to do about releases that others have published.
    pub others: Others,
}

/// Whether and how the stage takes the place of what is there; every refusal that does not come of writing.
pub(super) fn decide(store: &dyn Store, live: &Live, staged: &Staged, order: Order) -> Result<Decided> {
    // First: a hint to sign anew is good only for what undoes nothing.
    keeps_others(store, live, staged, order.others)?;
    let now = staged.checked_at();
    if live.metadata.online.is_none() {
        live.left.allows(staged.metadata(), staged.shown().timestamp, now)?;
    }
    let plan = plan(&live.metadata, staged.metadata(), order.gap)?;
    let online = staged.metadata().online.as_ref().ok_or(Error::NotSigned { what: Role::Timestamp })?;
    let jump = clock::judge(live.signed(), &online.timestamp, now)?;
    Ok(Decided { plan, jump })
}

/// A publish that may go on.
pub(super) struct Decided {
    /// In which order.
    pub(super) plan: Plan,
    /// A signing time that may be that of a wrong clock.
    pub(super) jump: Option<Jump>,
}

/// Publishes a stage to a store.
///
/// A cut anywhere before timestamp.json is written leaves the old state for hosts; after it, the new one. The same call
/// completes what a cut run began and ends in the same bytes. At its end it has read back what hosts read, by their
/// rules.
pub fn publish_to(
    store: &dyn Store,
    staged: &Staged,
    order: Order,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Published> {
    let hold = store.begin(&Part::ALL)?;
    // In a folder nobody else commits between this look and our own commit; elsewhere the swap would find out.
    let live = Live::read_any(store, order.trust)?;
    let Decided { plan, jump } = decide(store, &live, staged, order)?;
    staged.announce()?;
    let new = staged.metadata();
    let online = new.online.as_ref().ok_or(Error::NotSigned { what: Role::Timestamp })?;
    // Blobs first: their names carry their digests, so nobody sees them before metadata names them.
    let blobs = missing(store, &live, online, order.trust)?;
    upload(store, (staged.files(), &staged.targets_dir()), &blobs, progress)?;
    let writing = Writing { store, new, online, order };
    writing.roots(&plan.roots_before, |found| found.map(|found| &found.tag) == live.tag.as_ref())?;
    if plan.metadata {
        // Versioned names: hosts that read the old timestamp still find the old files.
        writing.delegated()?;
        writing.targets()?;
        writing.snapshot()?;
        if matches!(hold, Hold::Shared) {
            writing.all_there()?;
        }
        // The commit point.
        writing.commit(&live)?;
    }
    // Second commit of a key rotation: a cut before it leaves the old root, under which the new metadata verifies too.
    writing.roots(&plan.roots_after, |found| {
        found.is_some_and(|found| found.bytes == online.timestamp.bytes())
    })?;
    writing.read_back(staged)?;
    let closed = store.closed()?;
    Ok(Published { place: store.place(), metadata: new.clone(), plan, new_blobs: blobs.len(), jump, closed })
}

/// The documents on their way.
struct Writing<'a> {
    store: &'a dyn Store,
    new: &'a Metadata,
    online: &'a Online,
    order: Order,
}

impl Writing<'_> {
    /// A root must fit the timestamp beside it, so that one is looked at once more.
    fn roots(&self, versions: &[u64], beside: impl FnOnce(Option<&Found>) -> bool) -> Result<()> {
        if versions.is_empty() {
            return Ok(());
        }
        same_timestamp(self.store, self.order.trust, beside)?;
        let shown = |root: &&Document<Root>| versions.contains(&root.version());
        for root in self.new.roots.iter().filter(shown) {
            let version = root.version();
            if !self.put(&format!("{version}.root.json"), root.bytes())? {
                // Roots are facts; whoever wrote this one has another chain.
                return Err(Error::OtherRepository { version });
            }
        }
        Ok(())
    }

    fn delegated(&self) -> Result<()> {
        let top = self.online.targets.role().delegations.as_ref();
        for (file, name, document) in self.online.delegated_files() {
            let vouched = |found: &Document<Targets>| {
                let holder = holder(top, &self.online.delegated, name);
                holder.is_some_and(|(delegations, _)| found.verifies_as(delegations, name))
            };
            if !self.put_over(&file, document, vouched)? {
                let reason = format!("other bytes lie there under version {}", document.version());
                return Err(Error::DelegatedRole { name: name.to_owned(), reason });
            }
        }
        Ok(())
    }

    fn targets(&self) -> Result<()> {
        self.document(Role::Targets, &self.online.targets)
    }

    fn snapshot(&self) -> Result<()> {
        self.document(Role::Snapshot, &self.online.snapshot)
    }

    fn document<T>(&self, role: Role, document: &Document<T>) -> Result<()>
    where
        T: ToughRole + Serialize + DeserializeOwned + Clone,
    {
        let version = document.version();
        let vouched =
            |found: &Document<T>| self.new.roots.iter().any(|root| found.verifies_under(root.role()));
        // Another publisher may be about to commit the same version.
        let written = self.put_over(&format!("{version}.{role}.json"), document, vouched)?;
        if written { Ok(()) } else { Err(Error::SameVersion { role, version }) }
    }

    /// `false`: other bytes have the name, and they are believed. From scratch that is what is signed: another publisher may
    /// be about to show it, or have shown it. What nobody signed no host reads, and exactly that is replaced.
    fn put_over<T>(
        &self,
        name: &str,
        document: &Document<T>,
        vouched: impl FnOnce(&Document<T>) -> bool,
    ) -> Result<bool>
    where
        T: ToughRole + Serialize + DeserializeOwned + Clone,
    {
        if self.put(name, document.bytes())? {
            return Ok(true);
        }
        if self.order.trust == Trust::Live {
            return Ok(false);
        }
        let Some(found) = self.store.read(Part::Metadata, name, MAX_METADATA)? else { return Ok(false) };
        if Document::parse(found.bytes).is_ok_and(|found| vouched(&found)) {
            return Ok(false);
        }
        match self.store.swap(name, document.bytes(), Some(&found.tag))? {
            Swap::Done => Ok(true),
            // Somebody else mends it too, or the answer to a first try was lost on the way.
            Swap::Changed => self.put(name, document.bytes()),
        }
    }

    /// `false`: other bytes have the name.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<bool> {
        match self.store.put_new(name, bytes)? {
            New::Written => Ok(true),
            New::Taken => {
                let found = self.store.read(Part::Metadata, name, MAX_METADATA)?;
                Ok(found.is_some_and(|found| found.bytes == bytes))
            }
        }
    }

    /// Where there is no lock, somebody may have pruned what was believed to be there.
    fn all_there(&self) -> Result<()> {
        match absent(self.store, self.online)? {
            Some(name) => Err(Error::Vanished { place: self.store.place(), name }),
            None => Ok(()),
        }
    }

    fn commit(&self, live: &Live) -> Result<()> {
        no_newer_root(self.store, self.new.versions().root)?;
        let bytes = self.online.timestamp.bytes();
        match self.store.swap("timestamp.json", bytes, live.tag.as_ref())? {
            Swap::Done => Ok(()),
            Swap::Changed => {
                let now = Live::read_any(self.store, self.order.trust)?;
                if now.shows(bytes) {
                    // Ours: the answer to a first try was lost on the way.
                    return Ok(());
                }
                plan(&now.metadata, self.new, self.order.gap)?;
                Err(Error::Raced { place: self.store.place(), live: now.newest().timestamp })
            }
        }
    }

    /// What a host that has only root 1 makes of it, and whether every blob is there.
    fn read_back(&self, staged: &Staged) -> Result<()> {
        not_overtaken(self.store)?;
        if let Some(first) = self.new.roots.first() {
            host_check(&StoreSource(self.store), first.bytes().to_vec(), staged.checked_at())?;
        }
        self.all_there()
    }
}
