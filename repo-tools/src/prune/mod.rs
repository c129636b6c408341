//! Removes what no host can ask for any more: blobs that no metadata names, and metadata that no host accepts.

mod plan;
mod stock;

use chrono::{DateTime, Utc};
use trust_client::Location;

use crate::error::{Error, Result};
use crate::metadata::MAX_METADATA;
use crate::publish::{Live, Trust};
use crate::role::Role;
use crate::store::{Hold, Part, Store, Tag};

pub use plan::{Gone, Kept, Plan, plan};
pub use stock::{Paper, Stock};

/// Whether to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Say what would go.
    Show,
    /// Remove it.
    Remove,
}

/// Decides by what is in the store and removes it when asked to.
///
/// Blobs go before the documents that named them: a cut leaves documents that no host accepts, by which the next run
/// decides the same again.
pub fn prune(store: &dyn Store, now: DateTime<Utc>, action: Action) -> Result<Plan> {
    // Before anything is held: holding a folder may make it.
    if store.list(Part::Metadata)?.is_empty() {
        return Err(Error::NoRepository { place: Location::new(store.place()) });
    }
    let hold = match action {
        Action::Show => None,
        Action::Remove => Some(store.begin(&Part::ALL)?),
    };
    let live = Live::read(store, Trust::Live)?;
    refuse_expired(store, &live, now)?;
    let plan = plan(&Stock::read(store, &live)?, now);
    if action == Action::Remove {
        let removing = Removing { store, live: &live, shared: matches!(hold, Some(Hold::Shared)) };
        removing.all(&plan)?;
    }
    Ok(plan)
}

/// A clock that is ahead would let everything go. A repository that hosts refuse is no proof of anything.
fn refuse_expired(store: &dyn Store, live: &Live, now: DateTime<Utc>) -> Result<()> {
    let no_root = || Error::NoRoot { path: store.place().into() };
    let root = live.metadata.roots.last().ok_or_else(no_root)?;
    let online = live.metadata.online.as_ref().ok_or(Error::NotSigned { what: Role::Timestamp })?;
    let roles = [
        (Role::Root, root.expires()),
        (Role::Targets, online.targets.expires()),
        (Role::Snapshot, online.snapshot.expires()),
        (Role::Timestamp, online.timestamp.expires()),
    ];
    match roles.into_iter().find(|(_, expires)| *expires <= now) {
        Some((role, expires)) => Err(Error::PruneExpired { role, expires }),
        None => Ok(()),
    }
}

struct Removing<'a> {
    store: &'a dyn Store,
    live: &'a Live,
    shared: bool,
}

impl Removing<'_> {
    fn all(&self, plan: &Plan) -> Result<()> {
        for blob in &plan.blobs {
            self.one(Part::Targets, &blob.name)?;
        }
        for paper in &plan.metadata {
            self.one(Part::Metadata, &paper.name)?;
        }
        Ok(())
    }

    fn one(&self, part: Part, name: &str) -> Result<()> {
        if self.shared && self.tag()? != self.live.tag {
            return Err(Error::Moved { place: self.store.place() });
        }
        self.store.remove(part, name)
    }

    fn tag(&self) -> Result<Option<Tag>> {
        Ok(self.store.read(Part::Metadata, "timestamp.json", MAX_METADATA)?.map(|found| found.tag))
    }
}
