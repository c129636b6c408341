//! The client workflow (TUF specification 5.3 to 5.6) as a machine without I/O: it names the next file, judges what
//! came, and says what to keep.

use std::collections::BTreeSet;
use std::mem;

use crate::document::Listed;
use crate::error::Error;
use crate::exchange::{Change, Limits, Note, Reply, Request, Stored};
use crate::finding::Finding;
use crate::role::Role;
use crate::root::Root;
use crate::rules::{self, Listing, Pin, Recalled, TimestampKept};
use crate::search::{Bounds, Search, Step};
use crate::summary::{RoleState, Trusted};
use crate::targets::TargetsRole;
use crate::time::Freshness;

/// One run of the client workflow.
///
/// Ask [`next_request`](Self::next_request), fetch, hand in with [`receive`](Self::receive), until nothing is asked
/// any more. **An error leaves the session as it was**: the same request stands and may be answered by another mirror.
#[derive(Debug)]
pub struct Session {
    fresh: Freshness,
    limits: Limits,
    stored: Stored,
    root: Root,
    pin: Pin,
    root_updates: u32,
    stage: Stage,
    search: Search,
    notes: Vec<Note>,
}

/// How far the run is. Each stage holds what the one before made, so that no role can be read out of turn.
#[derive(Debug)]
enum Stage {
    Root,
    Timestamp(Recalled),
    Snapshot {
        timestamp: TimestampKept,
        before: Option<Listing>,
    },
    Targets {
        timestamp: TimestampKept,
        snapshot: Listing,
    },
    /// All are trusted; targets was verified by an earlier run, and is not read again unless something else is asked of it.
    Known {
        timestamp: TimestampKept,
        snapshot: Listing,
        finding: Finding,
    },
    Ready {
        timestamp: TimestampKept,
        snapshot: Listing,
        targets: RoleState,
        body: TargetsRole,
    },
}

impl Session {
    /// Starts a run from what is stored. The time comes from [`crate::now`].
    ///
    /// # Errors
    /// When the stored root is not whole: without it nothing can be trusted.
    pub fn begin(stored: Stored, fresh: Freshness, limits: Limits) -> Result<Self, Error> {
        // Spec 5.2: the trusted root is already here. An expired one may still lead to the next.
        let root = Root::parse(&stored.root)?;
        Ok(Self {
            fresh,
            limits,
            stored,
            pin: Pin::of(&root),
            root,
            root_updates: 0,
            stage: Stage::Root,
            search: Search::default(),
            notes: Vec::new(),
        })
    }

    /// The file that is needed next; `None` when the top-level roles are trusted and no search is open.
    pub fn next_request(&self) -> Option<Request> {
        match &self.stage {
            // Spec 5.3.3: always by version number.
            Stage::Root => Some(Request {
                role: Role::Root,
                path: format!("{}.root.json", self.root.version().saturating_add(1)),
                max_length: self.limits.root,
            }),
            // Spec 5.4.1: never with a version in its name.
            Stage::Timestamp(_) => Some(Request {
                role: Role::Timestamp,
                path: "timestamp.json".to_owned(),
                max_length: self.limits.timestamp,
            }),
            Stage::Snapshot { timestamp, .. } => {
                Some(self.listed_request(Role::Snapshot, &timestamp.snapshot, self.limits.snapshot))
            }
            Stage::Targets { snapshot, .. } => {
                Some(self.listed_request(Role::Targets, &snapshot.targets, self.limits.targets))
            }
            Stage::Known { .. } => None,
            Stage::Ready { snapshot, .. } => {
                let role = self.search.wanted()?;
                let listed = snapshot.get(role)?;
                Some(self.listed_request(role.clone(), listed, self.limits.targets))
            }
        }
    }

    /// Judges a reply to the standing request. What it returns must be kept before the next reply.
    ///
    /// # Errors
    /// Why the reply is not accepted. The session is then as before.
    pub fn receive(&mut self, reply: Reply) -> Result<Vec<Change>, Error> {
        let request = self.next_request().ok_or(Error::Unasked)?;
        let bytes = match reply {
            Reply::Bytes(bytes) => bytes,
            Reply::NotFound if request.role == Role::Root => return self.end_of_roots(),
            Reply::NotFound => return Err(Error::Missing { role: request.role, path: request.path }),
            Reply::Stored(bytes) => {
                // A stored copy is a hint: when it is not right any more, the request stands.
                match &self.stage {
                    Stage::Targets { .. } => drop(self.targets(bytes)),
                    Stage::Ready { snapshot, body, .. } => {
                        let _ = self.search.accept(bytes, snapshot, body, self.fresh);
                    }
                    _ => {}
                }
                return Ok(Vec::new());
            }
        };
        rules::check_length(&request, &bytes)?;
        match request.role {
            Role::Root => self.next_root(bytes),
            Role::Timestamp => self.timestamp(bytes),
            Role::Snapshot => self.snapshot(bytes),
            Role::Targets => self.targets(bytes),
            Role::Delegated(_) => self.delegated(bytes),
        }
    }

    /// What is trusted now; `None` before the run is through.
    pub fn trusted(&self) -> Option<Trusted> {
        let (timestamp, snapshot, targets) = match &self.stage {
            Stage::Ready { timestamp, snapshot, targets, .. } => (timestamp, snapshot, *targets),
            Stage::Known { timestamp, snapshot, finding } => (timestamp, snapshot, finding.state()),
            _ => return None,
        };
        Some(Trusted {
            root: RoleState::of(&self.root.document),
            timestamp: timestamp.state,
            snapshot: snapshot.state,
            targets,
            signed_at: timestamp.signed_at,
        })
    }

    /// Looks a target up, through delegations where they lead to it (spec 5.6.7). Answers [`Find::Ask`] when a
    /// role is needed first: answer that request and call again.
    pub fn find(&mut self, target: &str) -> Result<Find, Error> {
        if let Some(found) = self.known(target) {
            return Ok(Find::Found(Box::new(found)));
        }
        self.read_targets();
        let Stage::Ready { snapshot, body, .. } = &self.stage else {
            let asks = matches!(self.stage, Stage::Targets { .. });
            return self.next_request().filter(|_| asks).map(Find::Ask).ok_or(Error::Unasked);
        };
        let bounds = Bounds { roles: self.limits.roles, consistent_snapshot: self.root.consistent_snapshot };
        match self.search.step(target, body, snapshot, bounds)? {
            Step::Found(target) => Ok(Find::Found(target)),
            Step::NotListed => Ok(Find::NotListed),
            Step::Need => self.next_request().map(Find::Ask).ok_or(Error::Unasked),
        }
    }

    /// Walks through every delegation, whatever it is for, but those to roles in `without`. Names the next role that is
    /// needed: answer that request and call again; `None` when all are trusted. A host never does this, since it wants
    /// one target; a copy wants all.
    pub fn walk(&mut self, without: &BTreeSet<Role>) -> Result<Option<Request>, Error> {
        self.read_targets();
        let Stage::Ready { snapshot, body, .. } = &self.stage else {
            let asks = matches!(self.stage, Stage::Targets { .. });
            return if asks { Ok(self.next_request()) } else { Err(Error::Unasked) };
        };
        if self.search.walk(without, body, snapshot)? { Ok(None) } else { Ok(self.next_request()) }
    }

    /// The delegated roles that were loaded: version and expiry, and the names they sign for.
    pub fn delegated_roles(&self) -> impl Iterator<Item = (&Role, RoleState, impl Iterator<Item = &str>)> {
        self.search.loaded().map(|(role, state, body)| (role, state, body.names()))
    }

    /// A target that is known by a [`Finding`] of an earlier run alone.
    pub fn known(&self, target: &str) -> Option<crate::Target> {
        let Stage::Known { finding, .. } = &self.stage else { return None };
        finding.target(target, self.root.consistent_snapshot)
    }

    /// What a later run may be told in [`Stored::finding`], so that it knows this target without reading the targets role
    /// again. `None`: that role does not list it itself, was not read in this run, or is not listed by its digest.
    pub fn finding(&self, target: &str) -> Option<Finding> {
        let Stage::Ready { snapshot, targets, body, .. } = &self.stage else { return None };
        let entry = body.entry(target).filter(|_| snapshot.targets.is_exact())?;
        Some(Finding::of((target, entry), &self.root, &snapshot.targets, targets.expires))
    }

    /// The names that the top-level targets role signs for, in order; none, where a [`Finding`] stands for the role.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let body = if let Stage::Ready { body, .. } = &self.stage { Some(body) } else { None };
        body.into_iter().flat_map(TargetsRole::names)
    }

    /// What in the store was passed over.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
}

/// The answer of [`Session::find`].
#[derive(Debug, Clone, PartialEq)]
pub enum Find {
    /// The target.
    Found(Box<crate::Target>),
    /// No trusted role signs for this name.
    NotListed,
    /// Answer this request, then call again.
    Ask(Request),
}

/// One step each; every one computes first and changes the session last.
impl Session {
    /// Spec 5.3.4 to 5.3.8: root N + 1.
    fn next_root(&mut self, bytes: Vec<u8>) -> Result<Vec<Change>, Error> {
        if self.root_updates >= self.limits.root_updates {
            return Err(Error::RootChain { limit: self.limits.root_updates });
        }
        // 5.3.4: signed by its own keys (`parse`) and by those of the root before.
        let next = Root::parse(&bytes)?;
        self.root.verify(&next.document)?;
        // 5.3.5: exactly one further. Its expiry does not matter yet (5.3.6).
        next.document.check_version(self.root.version().saturating_add(1))?;
        self.root = next;
        self.root_updates += 1;
        // 5.3.8: kept at once, so that this root counts even when the run ends here.
        Ok(vec![Change::Keep { role: Role::Root, bytes }])
    }

    /// Spec 5.3.9 to 5.3.11: there is no newer root.
    fn end_of_roots(&mut self) -> Result<Vec<Change>, Error> {
        // 5.3.10: the newest root must not be expired.
        self.root.document.check_fresh(self.fresh)?;
        // 5.3.11: after a rotation what the old keys said is forgotten.
        let (recalled, changes, notes) = rules::recall(&self.stored, &self.root, &self.pin);
        self.notes.extend(notes);
        self.stage = Stage::Timestamp(recalled);
        Ok(changes)
    }

    /// Spec 5.4.
    fn timestamp(&mut self, bytes: Vec<u8>) -> Result<Vec<Change>, Error> {
        let Stage::Timestamp(recalled) = &self.stage else { return Err(Error::Unasked) };
        let (timestamp, changes) = rules::timestamp(bytes, recalled, &self.root, self.fresh)?;
        // The stage is replaced only now that nothing can fail any more.
        let Stage::Timestamp(recalled) = mem::replace(&mut self.stage, Stage::Root) else {
            return Err(Error::Unasked);
        };
        self.stage = self.after_timestamp(timestamp, recalled);
        Ok(changes)
    }

    /// Spec 5.5.1: a stored snapshot that is the listed one is not fetched again.
    fn after_timestamp(&self, timestamp: TimestampKept, recalled: Recalled) -> Stage {
        let before = recalled.snapshot;
        match (before, &self.stored.snapshot) {
            (Some(kept), Some(bytes))
                if kept.is(&timestamp.snapshot, bytes) && self.fresh.holds(kept.state.expires) =>
            {
                self.after_snapshot(timestamp, kept)
            }
            (before, _) => Stage::Snapshot { timestamp, before },
        }
    }

    /// Spec 5.5.2 to 5.5.7.
    fn snapshot(&mut self, bytes: Vec<u8>) -> Result<Vec<Change>, Error> {
        let Stage::Snapshot { timestamp, before } = &self.stage else { return Err(Error::Unasked) };
        let listing = rules::snapshot(&bytes, &timestamp.snapshot, before.as_ref(), &self.root, self.fresh)?;
        let Stage::Snapshot { timestamp, .. } = mem::replace(&mut self.stage, Stage::Root) else {
            return Err(Error::Unasked);
        };
        self.stage = self.after_snapshot(timestamp, listing);
        Ok(vec![Change::Keep { role: Role::Snapshot, bytes }])
    }

    /// Spec 5.6.1: the same for targets; what was found in the listed bytes under this very root is still there.
    fn after_snapshot(&self, timestamp: TimestampKept, snapshot: Listing) -> Stage {
        match &self.stored.finding {
            Some(finding) if finding.holds(&self.root, &snapshot.targets, self.fresh) => {
                Stage::Known { timestamp, snapshot, finding: finding.clone() }
            }
            _ => self.stored_targets(timestamp, snapshot),
        }
    }

    /// What was known of targets does not do any more: it is read.
    fn read_targets(&mut self) {
        self.stage = match mem::replace(&mut self.stage, Stage::Root) {
            Stage::Known { timestamp, snapshot, .. } => self.stored_targets(timestamp, snapshot),
            other => other,
        };
    }

    fn stored_targets(&self, timestamp: TimestampKept, snapshot: Listing) -> Stage {
        let stored = self.stored.targets.as_deref();
        let kept = stored.and_then(|b| rules::targets(b, &snapshot.targets, &self.root, self.fresh).ok());
        match kept {
            Some((targets, body)) => Stage::Ready { timestamp, snapshot, targets, body },
            None => Stage::Targets { timestamp, snapshot },
        }
    }

    /// Spec 5.6.2 to 5.6.6.
    fn targets(&mut self, bytes: Vec<u8>) -> Result<Vec<Change>, Error> {
        let Stage::Targets { snapshot, .. } = &self.stage else { return Err(Error::Unasked) };
        let (targets, body) = rules::targets(&bytes, &snapshot.targets, &self.root, self.fresh)?;
        let Stage::Targets { timestamp, snapshot } = mem::replace(&mut self.stage, Stage::Root) else {
            return Err(Error::Unasked);
        };
        self.stage = Stage::Ready { timestamp, snapshot, targets, body };
        Ok(vec![Change::Keep { role: Role::Targets, bytes }])
    }

    /// Spec 5.6.7.1: a delegated role, by the same rules as targets.
    fn delegated(&mut self, bytes: Vec<u8>) -> Result<Vec<Change>, Error> {
        let Stage::Ready { snapshot, body, .. } = &self.stage else { return Err(Error::Unasked) };
        let role = self.search.accept(bytes.clone(), snapshot, body, self.fresh)?;
        Ok(vec![Change::Keep { role, bytes }])
    }

    /// Spec 5.5.1, 5.6.1: with the version in its name where the root asks for consistent snapshots, and no longer
    /// than listed.
    fn listed_request(&self, role: Role, listed: &Listed, limit: u64) -> Request {
        let quoted = role.quoted();
        let path = if self.root.consistent_snapshot {
            format!("{}.{quoted}.json", listed.version)
        } else {
            format!("{quoted}.json")
        };
        Request { role, path, max_length: listed.length.map_or(limit, |length| length.min(limit)) }
    }
}
