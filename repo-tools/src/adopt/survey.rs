//! What hosts see of a repository, by their own rules, as documents.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use tough::schema::{Root, Snapshot, Targets, Timestamp};
use trust_core::{Change, Expiry, Freshness, Limits, Request, Role, Session, Stored, Target};

use crate::copy::{Anchor, all_names};
use crate::document::Document;
use crate::error::{Error, Result, chain};
use crate::host_check::{find, reply};
use crate::source::Source;

/// The documents, and the way to the targets.
pub(super) struct Seen {
    pub(super) session: Session,
    /// From root 1 on.
    pub(super) roots: Vec<Document<Root>>,
    pub(super) targets: Document<Targets>,
    pub(super) snapshot: Document<Snapshot>,
    pub(super) timestamp: Document<Timestamp>,
    /// Those that verify.
    pub(super) delegated: BTreeMap<String, Document<Targets>>,
    /// What cannot be had, each with why.
    pub(super) lacking: Vec<String>,
}

impl Seen {
    /// Follows the root chain from root 1, which must lead through `trusted`, and everything below. What has expired can be
    /// signed anew, so that expiry stops nobody here.
    pub(super) fn take(source: &dyn Source, trusted: Option<Vec<u8>>, now: DateTime<Utc>) -> Result<Self> {
        let anchor = Anchor::of(source, trusted)?;
        if anchor.start.version() != 1 {
            let reason = "1.root.json is missing at the source: a working folder keeps every root";
            return Err(Error::Usage { reason: reason.into() });
        }
        let refused = |source| Error::HostCheck { source };
        let stored = Stored { root: anchor.start.bytes().to_vec(), ..Stored::default() };
        let fresh = Freshness { now, expiry: Expiry::Ignore };
        let mut session = Session::begin(stored, fresh, Limits::default()).map_err(refused)?;
        let mut kept = Kept { roots: vec![anchor.start.clone()], ..Kept::default() };
        while let Some(request) = session.next_request() {
            kept.all(&request, session.receive(reply(source, &request)?).map_err(refused)?)?;
        }
        anchor.check(&kept.root_files())?;
        let lacking = kept.delegated(source, &mut session)?;
        let Kept { roots, targets, snapshot, timestamp, delegated } = kept;
        let (Some(targets), Some(snapshot), Some(timestamp)) = (targets, snapshot, timestamp) else {
            return Err(refused(trust_core::Error::Unasked));
        };
        Ok(Self { session, roots, targets, snapshot, timestamp, delegated, lacking })
    }

    /// Every target that a host can have, each once.
    pub(super) fn listed(&mut self, source: &dyn Source) -> Result<Vec<Target>> {
        let mut listed = BTreeMap::new();
        for name in all_names(&self.session) {
            match find(source, &mut self.session, &name) {
                Ok(Some(target)) => drop(listed.insert(target.path.clone(), target)),
                Ok(None) => {}
                Err(error @ Error::HostCheck { .. }) => {
                    self.lacking.push(format!("target {name}: {}", chain(&error)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(listed.into_values().collect())
    }
}

/// What the rules told to keep.
#[derive(Default)]
struct Kept {
    roots: Vec<Document<Root>>,
    targets: Option<Document<Targets>>,
    snapshot: Option<Document<Snapshot>>,
    timestamp: Option<Document<Timestamp>>,
    delegated: BTreeMap<String, Document<Targets>>,
}

impl Kept {
    /// What the answer to one request changed.
    fn all(&mut self, request: &Request, changes: Vec<Change>) -> Result<()> {
        let from = format!("metadata/{}", request.path);
        for change in changes {
            let Change::Keep { role, bytes } = change else { continue };
            match role {
                Role::Root => self.roots.push(Document::parse_from(bytes, &from)?),
                Role::Targets => self.targets = Some(Document::parse_from(bytes, &from)?),
                Role::Snapshot => self.snapshot = Some(Document::parse_from(bytes, &from)?),
                Role::Timestamp => self.timestamp = Some(Document::parse_from(bytes, &from)?),
                Role::Delegated(name) => {
                    self.delegated.insert(name, Document::parse_from(bytes, &from)?);
                }
            }
        }
        Ok(())
    }

    fn root_files(&self) -> BTreeMap<String, Vec<u8>> {
        let file = |root: &Document<Root>| (format!("{}.root.json", root.version()), root.bytes().to_vec());
        self.roots.iter().map(file).collect()
    }

    /// Walks through every delegation; one that a host would refuse hides no other. Returns what is wrong.
    fn delegated(&mut self, source: &dyn Source, session: &mut Session) -> Result<Vec<String>> {
        let (mut refused, mut lacking) = (BTreeSet::new(), Vec::new());
        while let Some(request) = session.walk(&refused).map_err(|source| Error::HostCheck { source })? {
            match session.receive(reply(source, &request)?) {
                Ok(changes) => self.all(&request, changes)?,
                Err(source) => {
                    let why = chain(&Error::HostCheck { source });
                    lacking.push(format!("delegated role {}: {why}", request.role.name()));
                    refused.insert(request.role);
                }
            }
        }
        Ok(lacking)
    }
}
