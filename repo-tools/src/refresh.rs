//! A new timestamp for a published repository, with the timestamp key alone.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use trust_client::Location;
use trust_core::Expiry;

use crate::document::{Document, listed_id, signed_at, wrong_key};
use crate::error::{Error, Result};
use crate::files::Files;
use crate::host_check::follow;
use crate::keys::Signer;
use crate::metadata::Online;
use crate::publish::{Jump, Live, Trust, no_newer_root, not_overtaken};
use crate::role::Role;
use crate::source::StoreSource;
use crate::store::{FolderStore, Part, Store, Swap};
use crate::time;
use crate::unsigned::missing;

/// What a refresh came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refreshed {
    /// The version of the new timestamp.
    pub version: u64,
    /// When it expires.
    pub expires: DateTime<Utc>,
    /// The role whose expiry ends what a timestamp can do, and when.
    pub ends: (Role, DateTime<Utc>),
    /// A signing time that may be that of a wrong clock.
    pub jump: Option<Jump>,
}

/// How to refresh.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The time now.
    pub now: DateTime<Utc>,
    /// How long the new timestamp is good for.
    pub term: TimeDelta,
    /// Whether a repository that hosts refuse already may be brought back.
    pub expired: Expiry,
}

/// [`refresh_at`] a folder.
pub async fn refresh(files: &dyn Files, dir: &Path, signers: &[Signer], terms: Terms) -> Result<Refreshed> {
    refresh_at(&FolderStore::new(files, dir), signers, terms).await
}

/// Signs and publishes a timestamp that names the live snapshot. No version goes back; one file is written, in place of
/// exactly the one that was read.
///
/// A cut leaves the old timestamp or the new one.
pub async fn refresh_at(store: &dyn Store, signers: &[Signer], terms: Terms) -> Result<Refreshed> {
    let place = || Error::NoRoot { path: format!("{}/{}", store.place(), Part::Metadata.name()).into() };
    if store.list(Part::Metadata)?.is_empty() {
        return Err(Error::NoRepository { place: Location::new(store.place()) });
    }
    // The timestamp alone is written: whoever signs it needs no right to touch the targets.
    let _hold = store.begin(&[Part::Metadata])?;
    let live = Live::read(store, Trust::Live)?;
    let root = live.metadata.roots.last().ok_or_else(place)?;
    let online = live.metadata.online.as_ref().ok_or(Error::NotSigned { what: Role::Timestamp })?;
    if let Some(stranger) =
        signers.iter().find(|signer| listed_id(root.role(), signer, Role::Timestamp.of_tough()).is_none())
    {
        return Err(wrong_key(stranger, Role::Timestamp, &[root.role()]));
    }
    // What is signed below must be what hosts take it for: their own check, but for expiry.
    if let Some(first) = live.metadata.roots.first() {
        follow(&StoreSource(store), first.bytes().to_vec(), terms.now, Expiry::Ignore)?;
    }
    let ends = ends(root, online);
    refuse_expired(online, ends, terms)?;
    let mut timestamp = next(online, terms)?;
    for signer in signers {
        timestamp.sign(signer, &[root.role()]).await?;
    }
    if !missing(&timestamp, Role::Timestamp, &[root.role()]).is_empty() {
        return Err(Error::NotSigned { what: Role::Timestamp });
    }
    no_newer_root(store, root.version())?;
    swap(store, &live, timestamp.bytes())?;
    not_overtaken(store)?;
    let before = &online.timestamp;
    let jump = signed_at(before.role()).and_then(|from| Jump::over(from, before.expires(), terms.now));
    Ok(Refreshed { version: timestamp.version(), expires: timestamp.expires(), ends, jump })
}

fn swap(store: &dyn Store, live: &Live, bytes: &[u8]) -> Result<()> {
    match store.swap("timestamp.json", bytes, live.tag.as_ref())? {
        Swap::Done => Ok(()),
        Swap::Changed => {
            let now = Live::read(store, Trust::Live)?;
            // Ours: the answer to a first try was lost on the way.
            if now.shows(bytes) {
                return Ok(());
            }
            Err(Error::Raced { place: store.place(), live: now.metadata.versions().timestamp })
        }
    }
}

/// The first of the other roles to expire: after that, no timestamp helps.
fn ends(root: &Document<tough::schema::Root>, online: &Online) -> (Role, DateTime<Utc>) {
    let roles = [(Role::Snapshot, online.snapshot.expires()), (Role::Targets, online.targets.expires())];
    roles
        .into_iter()
        .fold((Role::Root, root.expires()), |first, role| if role.1 < first.1 { role } else { first })
}

fn refuse_expired(online: &Online, ends: (Role, DateTime<Utc>), terms: Terms) -> Result<()> {
    if terms.expired == Expiry::Ignore {
        return Ok(());
    }
    for (role, expires) in [ends, (Role::Timestamp, online.timestamp.expires())] {
        if expires <= terms.now {
            return Err(Error::Expired { role, expires });
        }
    }
    Ok(())
}

fn next(online: &Online, terms: Terms) -> Result<Document<tough::schema::Timestamp>> {
    let mut timestamp = online.timestamp.role().clone();
    // The hosts' time floor must not go back, nor be made of a wrong clock.
    if let Some(signed_at) = signed_at(&timestamp).filter(|at| *at > terms.now) {
        return Err(Error::ClockBehind { now: terms.now, signed_at });
    }
    timestamp.version = time::next_version(terms.now, online.timestamp.version());
    timestamp.expires = time::expiry(terms.now, terms.term);
    timestamp._extra.insert("signed_at".into(), time::text(terms.now).into());
    Document::unsigned(timestamp)
}
