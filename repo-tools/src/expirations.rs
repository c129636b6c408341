//! What expires when: the roles of a working folder or of a published repository, delegated ones too.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tough::schema::{Delegations, Role as ToughRole, Snapshot, Targets};
use trust_core::Expiry;
use updater_core::Exit;

use crate::document::Document;
use crate::error::{Error, Result};
use crate::host_check::follow;
use crate::role::Role;
use crate::source::{Source, if_there};
use crate::unsigned::Papers;

/// A role's document and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated {
    /// Its name; a delegated role has its own.
    pub role: String,
    /// The role whose policy it follows: targets for delegated ones.
    pub policy: Role,
    /// Its version.
    pub version: u64,
    /// From this second on hosts refuse it.
    pub expires: DateTime<Utc>,
}

/// A role's document, its end, and what that means now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiration {
    /// Its name; a delegated role has its own.
    pub role: String,
    /// The role whose policy it follows: targets for delegated ones.
    pub policy: Role,
    /// Its version.
    pub version: u64,
    /// From this second on hosts refuse it.
    pub expires: DateTime<Utc>,
    /// What that means now.
    pub state: State,
}

/// What an expiry means now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Far away.
    Good,
    /// Within the margin.
    Soon,
    /// Past: hosts refuse it.
    Expired,
}

/// What a repository lists.
#[derive(Debug)]
pub struct Listed {
    /// Every role that can be believed.
    pub dated: Vec<Dated>,
    /// Why others cannot.
    pub problems: Vec<Error>,
}

impl Dated {
    pub(crate) fn of<T>(role: Role, document: &Document<T>) -> Self
    where
        T: ToughRole + Serialize + DeserializeOwned + Clone,
    {
        Self {
            role: role.name().to_owned(),
            policy: role,
            version: document.version(),
            expires: document.expires(),
        }
    }
}

/// Soonest first. TUF 5.x: a document is good while it expires later than now, so at its very second it has expired;
/// the margin counts its last second too.
pub fn judge(dated: Vec<Dated>, margin: impl Fn(Role) -> TimeDelta, now: DateTime<Utc>) -> Vec<Expiration> {
    let mut all: Vec<Expiration> = dated
        .into_iter()
        .map(|dated| {
            let Dated { role, policy, version, expires } = dated;
            let state = if expires <= now {
                State::Expired
            } else if expires - now <= margin(policy) {
                State::Soon
            } else {
                State::Good
            };
            Expiration { role, policy, version, expires, state }
        })
        .collect();
    all.sort_by(|a, b| a.expires.cmp(&b.expires).then_with(|| a.role.cmp(&b.role)));
    all
}

/// The newest documents of a working folder.
pub fn of_papers(papers: &Papers) -> Vec<Dated> {
    let mut all: Vec<Dated> = Vec::new();
    all.extend(papers.roots.last().map(|root| Dated::of(Role::Root, root)));
    all.extend(papers.targets.as_ref().map(|targets| Dated::of(Role::Targets, targets)));
    all.extend(papers.snapshot.as_ref().map(|snapshot| Dated::of(Role::Snapshot, snapshot)));
    all.extend(papers.timestamp.as_ref().map(|timestamp| Dated::of(Role::Timestamp, timestamp)));
    let led_to = papers.targets.as_ref().map(|top| papers.led_to(top.role())).unwrap_or_default();
    all.extend(led_to.into_iter().map(|(name, document)| Dated {
        role: name,
        policy: Role::Targets,
        version: document.version(),
        expires: document.expires(),
    }));
    all
}

/// The roles of a published repository as a host trusts them from `root`, and every role that targets delegates to,
/// through all levels. A delegated role that is not to be believed is a problem, and what it delegates further is not
/// looked at; the others are listed all the same.
pub fn of_source(source: &dyn Source, root: Vec<u8>, now: DateTime<Utc>) -> Result<Listed> {
    let (_, trusted) = follow(source, root, now, Expiry::Ignore)?;
    let tops = [
        (Role::Root, trusted.root),
        (Role::Targets, trusted.targets),
        (Role::Snapshot, trusted.snapshot),
        (Role::Timestamp, trusted.timestamp),
    ];
    let mut problems = Vec::new();
    let mut dated: Vec<Dated> = tops
        .into_iter()
        .map(|(role, state)| Dated {
            role: role.name().to_owned(),
            policy: role,
            version: state.version,
            expires: state.expires,
        })
        .collect();
    // Just checked by a host's rules; the same files again, for what a host reads only when it needs it.
    let targets: Document<Targets> = fetch(source, "targets", trusted.targets.version)?;
    if targets.role().delegations.is_some() {
        let snapshot: Document<Snapshot> = fetch(source, "snapshot", trusted.snapshot.version)?;
        dated.extend(delegated(source, &snapshot, &targets, &mut problems)?);
    }
    Ok(Listed { dated, problems })
}

fn delegated(
    source: &dyn Source,
    snapshot: &Document<Snapshot>,
    top: &Document<Targets>,
    problems: &mut Vec<Error>,
) -> Result<Vec<Dated>> {
    let mut found: Vec<Dated> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![top.clone()];
    while let Some(parent) = open.pop() {
        let Some(delegations) = &parent.role().delegations else { continue };
        for role in &delegations.roles {
            if !seen.insert(role.name.clone()) {
                continue;
            }
            let document = match delegated_one(source, snapshot, delegations, &role.name) {
                Ok(document) => document,
                // It is what it is; a server that fails may do better the next time.
                Err(error) if error.exit() == Exit::Untrusted => {
                    problems.push(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            found.push(Dated {
                role: role.name.clone(),
                policy: Role::Targets,
                version: document.version(),
                expires: document.expires(),
            });
            open.push(document);
        }
    }
    Ok(found)
}

fn delegated_one(
    source: &dyn Source,
    snapshot: &Document<Snapshot>,
    delegations: &Delegations,
    name: &str,
) -> Result<Document<Targets>> {
    let listed = snapshot.role().meta.get(&format!("{name}.json"));
    let version = listed.ok_or_else(|| missing(name))?.version.get();
    let file = trust_core::Role::Delegated(name.to_owned()).quoted();
    let document: Document<Targets> = fetch(source, &file, version)?;
    if !document.is(listed) {
        return Err(Error::NotTheListed { path: format!("{version}.{file}.json").into() });
    }
    if !document.verifies_as(delegations, name) {
        return Err(Error::Delegation { name: name.to_owned() });
    }
    Ok(document)
}

fn missing(name: &str) -> Error {
    Error::Absent { path: format!("{name}.json").into() }
}

/// A document by its version, or by its bare name where snapshots are not consistent.
fn fetch<T>(source: &dyn Source, file: &str, version: u64) -> Result<Document<T>>
where
    T: ToughRole + Serialize + DeserializeOwned + Clone,
{
    let fits = |bytes: Option<Vec<u8>>, path: &str| {
        let from = format!("metadata/{path}");
        let document = bytes.map(|bytes| Document::<T>::parse_from(bytes, &from)).transpose()?;
        Ok(document.filter(|document| document.version() == version))
    };
    let versioned = format!("{version}.{file}.json");
    if let Some(document) = fits(if_there(source.metadata(&versioned, MAX))?, &versioned)? {
        return Ok(document);
    }
    let plain = format!("{file}.json");
    fits(source.metadata(&plain, MAX)?, &plain)?.ok_or_else(|| missing(file))
}

/// The most that our hosts read of a targets role.
const MAX: u64 = 16 << 20;
