//! What hosts may have seen of a store in which `timestamp.json` is gone, or leads to nothing that can be read.
//!
//! The names of versioned files outlive the document that led to them. A host that has seen version N refuses all below
//! it, so a publish there stays at or above every version that it finds a witness of.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use percent_encoding::percent_decode_str;
use tough::schema::{Root, Targets, Timestamp};

use crate::delegated::listed_as;
use crate::document::{Document, signed_at};
use crate::error::{Error, Result};
use crate::metadata::{Metadata, Shelf, version_in};
use crate::role::Role;

/// Witnesses of an earlier publish.
#[derive(Debug, Clone, Default)]
pub struct Left {
    /// `timestamp.json`, when some root of the chain vouches for it.
    pub timestamp: Option<Document<Timestamp>>,
    /// The newest targets that can be read and that some root vouches for.
    pub targets: Option<Document<Targets>>,
    /// The highest version in a name, by role: `snapshot`, `targets`, and delegated ones.
    pub named: BTreeMap<String, u64>,
}

impl Left {
    /// Looks for them. `roots` is the chain that is there.
    pub(super) fn read(shelf: &Shelf<'_>, roots: &[Document<Root>]) -> Result<Self> {
        let vouched = |verifies: &dyn Fn(&Root) -> bool| roots.iter().any(|root| verifies(root.role()));
        let timestamp = readable(shelf.document::<Timestamp>("timestamp.json"))?
            .filter(|timestamp| vouched(&|root| timestamp.verifies_under(root)));
        let mut versions: Vec<u64> =
            shelf.names.iter().filter_map(|name| version_in(name, "targets")).collect();
        versions.sort_unstable();
        let mut targets = None;
        for version in versions.into_iter().rev() {
            targets = readable(shelf.document::<Targets>(&format!("{version}.targets.json")))?
                .filter(|targets| vouched(&|root| targets.verifies_under(root)));
            if targets.is_some() {
                break;
            }
        }
        Ok(Self { timestamp, targets, named: named(shelf.names) })
    }

    /// Refuses a publish that some host could take for an attack. `shown`: the newest timestamp that this working folder
    /// has published; `now`: by the clock of this run.
    pub(super) fn allows(&self, staged: &Metadata, shown: u64, now: DateTime<Utc>) -> Result<()> {
        let online = staged.online.as_ref().ok_or(Error::NotSigned { what: Role::Timestamp })?;
        let snapshot = &online.snapshot.role().meta;
        for (name, live) in &self.named {
            let staged = match name.as_str() {
                "snapshot" => Some(online.snapshot.version()),
                _ => snapshot.get(&listed_as(name)).map(|listed| listed.version.get()),
            };
            match (name.parse::<Role>(), staged) {
                (_, Some(staged)) if staged >= *live => {}
                (Ok(role), staged) => {
                    return Err(Error::Older { role, live: *live, staged: staged.unwrap_or(0) });
                }
                (Err(_), staged) => {
                    let here = staged.map_or("none is listed".to_owned(), |staged| format!("it is {staged}"));
                    let reason = format!("version {live} lies there, and {here} here");
                    return Err(Error::DelegatedRole { name: name.clone(), reason });
                }
            }
        }
        self.allows_timestamp(&online.timestamp, online.snapshot.version(), shown, now)
    }

    /// `timestamp.json` has no version in its name, and a refresh may have brought one that no working folder knows.
    fn allows_timestamp(
        &self,
        staged: &Document<Timestamp>,
        snapshot: u64,
        shown: u64,
        now: DateTime<Utc>,
    ) -> Result<()> {
        if let Some(live) = &self.timestamp {
            let (live, same) = (live.version(), live.bytes() == staged.bytes());
            return match staged.version() {
                staged if staged < live => Err(Error::Older { role: Role::Timestamp, live, staged }),
                version if version == live && !same => {
                    Err(Error::SameVersion { role: Role::Timestamp, version })
                }
                _ => Ok(()),
            };
        }
        let published = self.named.get("snapshot").is_some_and(|named| *named != snapshot);
        if !published && (self.named.is_empty() || shown < staged.version()) {
            // A first publish, or one that was cut before its end: hosts have seen nothing.
            return Ok(());
        }
        // Versions are seconds: what is signed after the loss is above all that was signed before it.
        let fresh = signed_at(staged.role()).is_some_and(|at| at > now - FRESH);
        if fresh { Ok(()) } else { Err(Error::TimestampLost { staged: staged.version() }) }
    }
}

/// What cannot be parsed is no witness; what cannot be read is a failure.
fn readable<T>(document: Result<Option<T>>) -> Result<Option<T>> {
    match document {
        Err(Error::ParseRole { .. }) => Ok(None),
        other => other,
    }
}

fn named(names: &[String]) -> BTreeMap<String, u64> {
    let mut newest = BTreeMap::new();
    for name in names {
        let Some((_, role)) = name.strip_suffix(".json").and_then(|name| name.split_once('.')) else {
            continue;
        };
        let Some(version) = version_in(name, role).filter(|_| role != "root" && role != "timestamp") else {
            continue;
        };
        let role = percent_decode_str(role).decode_utf8_lossy().into_owned();
        let known = newest.entry(role).or_insert(version);
        *known = version.max(*known);
    }
    newest
}

/// Long enough to publish what was just signed.
const FRESH: TimeDelta = TimeDelta::hours(1);
