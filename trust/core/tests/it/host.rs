//! A host without disk or network: it keeps what a session says, and remembers what was asked.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use fixtures::clock::time;
use fixtures::tuf::Repository;
use trust_core::{
    Change, Error, Expiry, Find, Finding, Freshness, Limits, Reply, Request, Role, Session, Stored, Trusted,
    newest_root,
};

#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) shipped: Vec<u8>,
    pub(crate) store: BTreeMap<Role, Vec<u8>>,
    /// What stands for the targets role, which is then read only when it is asked for.
    pub(crate) finding: Option<Finding>,
    pub(crate) asked: Vec<String>,
    pub(crate) limits: Limits,
}

pub(crate) fn start() -> DateTime<Utc> {
    time("2026-11-25T10:00:00Z")
}

pub(crate) fn days(days: i64) -> TimeDelta {
    TimeDelta::days(days)
}

/// A repository with one file, and a host that knows its first root.
pub(crate) fn world() -> (Repository, Host) {
    let mut repository = Repository::new(start());
    signs(&mut repository, "targets", &["os.img"]);
    repository.publish();
    let host = Host::shipped_with(repository.root(1));
    (repository, host)
}

/// Lets a targets role sign for files of these names.
pub(crate) fn signs(repository: &mut Repository, role: &str, names: &[&str]) {
    let role = repository.roles.entry(role.to_owned()).or_default();
    for name in names {
        role.targets.insert((*name).to_owned(), format!("contents of {name}").into_bytes());
    }
}

impl Host {
    pub(crate) fn shipped_with(root: Vec<u8>) -> Self {
        Self {
            shipped: root,
            store: BTreeMap::new(),
            finding: None,
            asked: Vec::new(),
            limits: Limits::default(),
        }
    }

    pub(crate) fn session(&self, now: DateTime<Utc>) -> Result<Session, Error> {
        self.session_with(Freshness { now, expiry: Expiry::Enforce })
    }

    pub(crate) fn session_with(&self, fresh: Freshness) -> Result<Session, Error> {
        let (root, _) = newest_root(self.store.get(&Role::Root).map(Vec::as_slice), &self.shipped)?;
        let stored = Stored {
            root: root.to_vec(),
            timestamp: self.store.get(&Role::Timestamp).cloned(),
            snapshot: self.store.get(&Role::Snapshot).cloned(),
            targets: self.store.get(&Role::Targets).filter(|_| self.finding.is_none()).cloned(),
            finding: self.finding.clone(),
        };
        Session::begin(stored, fresh, self.limits)
    }

    pub(crate) fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Keep { role, bytes } => self.store.insert(role, bytes),
                Change::Forget { role } => self.store.remove(&role),
            };
        }
    }

    /// One answer from the repository.
    pub(crate) fn answer(
        &mut self,
        session: &mut Session,
        request: &Request,
        repository: &Repository,
    ) -> Result<(), Error> {
        self.asked.push(request.path.clone());
        let reply = repository.metadata.get(&request.path).cloned().map_or(Reply::NotFound, Reply::Bytes);
        let changes = session.receive(reply)?;
        self.apply(changes);
        Ok(())
    }

    pub(crate) fn refresh(&mut self, repository: &Repository, now: DateTime<Utc>) -> Result<Trusted, Error> {
        self.run(repository, now).and_then(|session| session.trusted().ok_or(Error::Unasked))
    }

    /// A whole run.
    pub(crate) fn run(&mut self, repository: &Repository, now: DateTime<Utc>) -> Result<Session, Error> {
        let mut session = self.session(now)?;
        while let Some(request) = session.next_request() {
            self.stored_or_answer(&mut session, &request, repository)?;
        }
        Ok(session)
    }

    /// A target, as a whole run finds it.
    pub(crate) fn find(
        &mut self,
        session: &mut Session,
        name: &str,
        repository: &Repository,
    ) -> Result<Find, Error> {
        loop {
            match session.find(name)? {
                Find::Ask(request) => self.stored_or_answer(session, &request, repository)?,
                found => return Ok(found),
            }
        }
    }

    /// One answer from the store, of a role that may be there to save a request; else from the repository.
    fn stored_or_answer(
        &mut self,
        session: &mut Session,
        request: &Request,
        repository: &Repository,
    ) -> Result<(), Error> {
        if let (Role::Targets | Role::Delegated(_), Some(bytes)) =
            (&request.role, self.store.get(&request.role))
        {
            session.receive(Reply::Stored(bytes.clone()))?;
            if session.next_request().as_ref() != Some(request) {
                return Ok(());
            }
        }
        self.answer(session, request, repository)
    }

    /// Versions in the store, as their documents say.
    pub(crate) fn versions(&self) -> BTreeMap<Role, u64> {
        self.store.iter().map(|(role, bytes)| (role.clone(), version_of(bytes))).collect()
    }
}

pub(crate) fn version_of(bytes: &[u8]) -> u64 {
    let value: serde_json::Value = serde_json::from_slice(bytes).expect("kept bytes are JSON");
    value["signed"]["version"].as_u64().expect("with a version")
}
