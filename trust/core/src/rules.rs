//! The checks of the client workflow, each a function of the bytes and of what is trusted so far.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::document::{Document, Listed};
use crate::error::Error;
use crate::exchange::{Change, Note, Request, Stored};
use crate::keys::Signers;
use crate::role::Role;
use crate::root::Root;
use crate::summary::{RoleState, signed_at};
use crate::targets::TargetsRole;
use crate::time::Freshness;

/// Who signed for timestamp and snapshot before the root chain was followed.
#[derive(Debug)]
pub(crate) struct Pin {
    timestamp: Signers,
    snapshot: Signers,
}

impl Pin {
    pub(crate) fn of(root: &Root) -> Self {
        let signers = |role: Role| root.signers(&role).clone();
        Self { timestamp: signers(Role::Timestamp), snapshot: signers(Role::Snapshot) }
    }
}

/// What of the store is still good under the newest root.
#[derive(Debug, Default)]
pub(crate) struct Recalled {
    timestamp: Option<TimestampKept>,
    pub(crate) snapshot: Option<Listing>,
}

/// A trusted timestamp.
#[derive(Debug, Clone)]
pub(crate) struct TimestampKept {
    pub(crate) state: RoleState,
    pub(crate) snapshot: Listed,
    pub(crate) signed_at: Option<DateTime<Utc>>,
}

/// A trusted snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(crate) state: RoleState,
    pub(crate) targets: Listed,
    meta: BTreeMap<String, Listed>,
}

impl Listing {
    pub(crate) fn get(&self, role: &Role) -> Option<&Listed> {
        self.meta.get(&role.listed_as())
    }

    /// The roles that are listed, by name.
    pub(crate) fn roles(&self) -> impl Iterator<Item = &str> {
        self.meta.keys().map(|file| file.strip_suffix(".json").unwrap_or(file))
    }

    /// Whether this is the snapshot that a timestamp lists.
    pub(crate) fn is(&self, listed: &Listed, bytes: &[u8]) -> bool {
        self.state.version == listed.version.get() && listed.check(&Role::Snapshot, bytes).is_ok()
    }

    fn parse(document: &Document) -> Result<Self, Error> {
        let Meta { meta } = document.body()?;
        let Some(targets) = meta.get(&Role::Targets.listed_as()).cloned() else {
            return Err(Error::NotListed { role: Role::Targets });
        };
        Ok(Self { state: RoleState::of(document), targets, meta })
    }
}

impl TimestampKept {
    fn parse(document: &Document) -> Result<Self, Error> {
        let Meta { mut meta } = document.body()?;
        let Some(snapshot) = meta.remove(&Role::Snapshot.listed_as()) else {
            return Err(Error::NotListed { role: Role::Snapshot });
        };
        Ok(Self { state: RoleState::of(document), snapshot, signed_at: signed_at(document) })
    }
}

/// Every reply is held to the limit of its request, also when the transport forgot to.
pub(crate) fn check_length(request: &Request, bytes: &[u8]) -> Result<(), Error> {
    let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if found <= request.max_length {
        return Ok(());
    }
    Err(Error::TooLong { what: format!("{} metadata", request.role), limit: request.max_length, found })
}

/// Spec 5.3.11 and 5.4.3, 5.5.5: what the store still vouches for.
///
/// A copy that cannot be read is noted and passed over. When the root took a key away from timestamp or snapshot, or
/// a copy no longer verifies (the same thing seen later, had a cut come between root and forgetting), both are
/// forgotten: this is how a repository recovers after an attacker pushed its versions forward.
pub(crate) fn recall(stored: &Stored, root: &Root, pin: &Pin) -> (Recalled, Vec<Change>, Vec<Note>) {
    let mut notes = Vec::new();
    let mut read = |role: Role, bytes: &Option<Vec<u8>>| match Document::parse(&role, bytes.as_deref()?) {
        Ok(document) => Some(document),
        Err(why) => {
            notes.push(Note { role, why });
            None
        }
    };
    let timestamp = read(Role::Timestamp, &stored.timestamp);
    let snapshot = read(Role::Snapshot, &stored.snapshot);
    let unsigned: Vec<Note> = [&timestamp, &snapshot]
        .into_iter()
        .flatten()
        .filter_map(|d| Some(Note { role: d.role.clone(), why: root.verify(d).err()? }))
        .collect();
    let dropped = root.dropped_key(&pin.timestamp, &Role::Timestamp)
        || root.dropped_key(&pin.snapshot, &Role::Snapshot);
    if dropped || !unsigned.is_empty() {
        if !dropped {
            notes.extend(unsigned);
        }
        let forget = [Role::Timestamp, Role::Snapshot].map(|role| Change::Forget { role });
        return (Recalled::default(), forget.to_vec(), notes);
    }
    let timestamp =
        timestamp.and_then(|d| keep_or_note(TimestampKept::parse(&d), Role::Timestamp, &mut notes));
    let snapshot = snapshot.and_then(|d| keep_or_note(Listing::parse(&d), Role::Snapshot, &mut notes));
    (Recalled { timestamp, snapshot }, Vec::new(), notes)
}

fn keep_or_note<T>(read: Result<T, Error>, role: Role, notes: &mut Vec<Note>) -> Option<T> {
    read.map_err(|why| notes.push(Note { role, why })).ok()
}

/// Spec 5.4.2 to 5.4.5.
pub(crate) fn timestamp(
    bytes: Vec<u8>,
    recalled: &Recalled,
    root: &Root,
    fresh: Freshness,
) -> Result<(TimestampKept, Vec<Change>), Error> {
    let document = Document::parse(&Role::Timestamp, &bytes)?;
    // 5.4.2: signatures.
    root.verify(&document)?;
    let new = TimestampKept::parse(&document)?;
    if let Some(old) = &recalled.timestamp {
        // 5.4.3.1: not older, and of two with one version the first stays.
        not_older(Role::Timestamp, old.state.version, new.state.version)?;
        if new.state.version == old.state.version {
            expired_unless(fresh, old.state)?;
            return Ok((old.clone(), Vec::new()));
        }
        // 5.4.3.2: nor may the snapshot it lists go back.
        not_older(Role::Snapshot, old.snapshot.version.get(), new.snapshot.version.get())?;
    }
    // 5.4.4: freeze.
    document.check_fresh(fresh)?;
    Ok((new, vec![Change::Keep { role: Role::Timestamp, bytes }]))
}

/// Spec 5.5.2 to 5.5.6.
pub(crate) fn snapshot(
    bytes: &[u8],
    listed: &Listed,
    before: Option<&Listing>,
    root: &Root,
    fresh: Freshness,
) -> Result<Listing, Error> {
    // 5.5.2: digests, before anything reads the bytes.
    listed.check(&Role::Snapshot, bytes)?;
    let document = Document::parse(&Role::Snapshot, bytes)?;
    // 5.5.3, 5.5.4: signatures and version.
    root.verify(&document)?;
    document.check_version(listed.version.get())?;
    let new = Listing::parse(&document)?;
    // 5.5.5: every role listed before is still listed, and none went back.
    for (file, old) in before.iter().flat_map(|before| &before.meta) {
        let name = file.strip_suffix(".json").unwrap_or(file);
        let trusted = old.version.get();
        match new.meta.get(file) {
            None => return Err(Error::Delisted { role: name.to_owned(), trusted }),
            Some(now) => not_older(listed_role(name), trusted, now.version.get())?,
        }
    }
    // 5.5.6: freeze.
    document.check_fresh(fresh)?;
    Ok(new)
}

/// Spec 5.6.2 to 5.6.5 for the top-level targets.
pub(crate) fn targets(
    bytes: &[u8],
    listed: &Listed,
    root: &Root,
    fresh: Freshness,
) -> Result<(RoleState, TargetsRole), Error> {
    let document = targets_document(&Role::Targets, bytes, listed)?;
    root.verify(&document)?;
    document.check_version(listed.version.get())?;
    document.check_fresh(fresh)?;
    Ok((RoleState::of(&document), TargetsRole::parse(&document)?))
}

/// The first half of 5.6, the same for delegated roles: digests, then the JSON.
pub(crate) fn targets_document(role: &Role, bytes: &[u8], listed: &Listed) -> Result<Document, Error> {
    listed.check(role, bytes)?;
    Document::parse(role, bytes)
}

fn listed_role(name: &str) -> Role {
    if name == "targets" { Role::Targets } else { Role::Delegated(name.to_owned()) }
}

fn not_older(role: Role, trusted: u64, found: u64) -> Result<(), Error> {
    if found >= trusted { Ok(()) } else { Err(Error::Rollback { role, trusted, found }) }
}

fn expired_unless(fresh: Freshness, state: RoleState) -> Result<(), Error> {
    if fresh.holds(state.expires) {
        return Ok(());
    }
    let RoleState { version, expires } = state;
    Err(Error::Expired { role: Role::Timestamp, version, expires, now: fresh.now })
}

#[derive(Deserialize)]
struct Meta {
    meta: BTreeMap<String, Listed>,
}
