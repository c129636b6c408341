//! What a finished run trusts, in a few numbers.

use chrono::{DateTime, Utc};

use crate::document::Document;
use crate::error::Error;
use crate::role::Role;
use crate::root::Root;

/// Versions and expiries of the trusted top-level roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trusted {
    /// Root.
    pub root: RoleState,
    /// Timestamp.
    pub timestamp: RoleState,
    /// Snapshot.
    pub snapshot: RoleState,
    /// Targets.
    pub targets: RoleState,
    /// When the timestamp was signed, where the publisher says so: the source of the time floor.
    pub signed_at: Option<DateTime<Utc>>,
}

impl Trusted {
    /// The role that expires first.
    pub fn first_to_expire(&self) -> (Role, RoleState) {
        let roles = [(Role::Root, self.root), (Role::Snapshot, self.snapshot), (Role::Targets, self.targets)];
        let first = (Role::Timestamp, self.timestamp);
        roles.into_iter().fold(first, |a, b| if b.1.expires < a.1.expires { b } else { a })
    }
}

/// Version and expiry of one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleState {
    /// Its version.
    pub version: u64,
    /// When it stops being trusted.
    pub expires: DateTime<Utc>,
}

impl RoleState {
    pub(crate) fn of(document: &Document) -> Self {
        Self { version: document.version, expires: document.expires }
    }
}

/// `signed_at` of a stored timestamp, for [`crate::floor`]: only when it verifies under `root`, so that a damaged file
/// cannot move the time.
pub fn stored_signed_at(root: &[u8], timestamp: &[u8]) -> Result<Option<DateTime<Utc>>, Error> {
    let root = Root::parse(root)?;
    let document = Document::parse(&Role::Timestamp, timestamp)?;
    root.verify(&document)?;
    Ok(signed_at(&document))
}

/// A timestamp that claims to be signed after its own expiry says nothing about the time.
pub(crate) fn signed_at(timestamp: &Document) -> Option<DateTime<Utc>> {
    let text = timestamp.signed.get("signed_at")?.as_str()?;
    let at = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (at <= timestamp.expires).then_some(at)
}
