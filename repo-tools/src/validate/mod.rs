//! Looks a published repository over and lists everything that is wrong with it.

mod deltas;
mod manifest;
mod orphans;
mod report;
mod targets;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use trust_core::{Expiry, Role, Session, Trusted};

pub use orphans::{closed, orphans};
pub use report::{Kind, Problem, Report, RoleReport};

use crate::error::{Error, Result, chain};
use crate::host_check::{follow, reply};
use crate::parallel::Tell;
use crate::plain::MAX_ROOT;
use crate::source::Source;
use crate::time;

/// How to look.
#[derive(Debug, Clone)]
pub struct Validation {
    /// The root to begin with; none: the repository's own first root is taken for good.
    pub root: Option<Vec<u8>>,
    /// The time that expiry is measured with.
    pub now: DateTime<Utc>,
    /// How far down.
    pub depth: Depth,
    /// Targets read at a time.
    pub workers: usize,
}

/// How far down to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Signatures, versions, expiries and listed bytes of every role.
    Metadata,
    /// Every byte of every target, the manifest and the indexes too.
    Targets,
}

/// Checks all that a reader can see: from a root down through every delegation to every byte of every target, in bounded
/// memory.
pub fn validate(source: &dyn Source, order: &Validation, tell: &Tell<'_>) -> Result<Report> {
    let mut report = Report::default();
    let own = || source.metadata("1.root.json", MAX_ROOT);
    let Some(root) = order.root.clone().map_or_else(own, |root| Ok(Some(root)))? else {
        report.add(Kind::Metadata, "1.root.json is missing; name a root that you trust with --root");
        return Ok(report);
    };
    let (mut session, trusted) = match follow(source, root, order.now, Expiry::Ignore) {
        Ok(followed) => followed,
        Err(error) if error.is_refusal() => {
            report.add(Kind::Metadata, chain(&error));
            return Ok(report);
        }
        Err(error) => return Err(error),
    };
    report.roles(&trusted, order.now);
    report.delegations(source, &mut session, order.now)?;
    if order.depth == Depth::Targets {
        let whole = report.targets(source, &mut session, order.workers, tell)?;
        report.manifest(source, &mut session, &whole)?;
    }
    Ok(report)
}

impl Report {
    fn roles(&mut self, trusted: &Trusted, now: DateTime<Utc>) {
        let roles = [
            ("root", trusted.root),
            ("timestamp", trusted.timestamp),
            ("snapshot", trusted.snapshot),
            ("targets", trusted.targets),
        ];
        for (name, state) in roles {
            self.role(name, state, now);
        }
        // Hosts take it for the earliest time it can be, so that everything seems to expire early.
        if let Some(signed_at) = trusted.signed_at.filter(|signed_at| *signed_at > now) {
            let (at, now) = (time::text(signed_at), time::text(now));
            self.add(Kind::Clock, format!("timestamp was signed at {at}, and it is {now}"));
        }
    }

    fn role(&mut self, name: &str, state: trust_core::RoleState, now: DateTime<Utc>) {
        let expires = time::text(state.expires);
        if state.expires <= now {
            self.add(Kind::Expired, format!("{name} {} expired at {expires}", state.version));
        }
        self.roles.insert(name.to_owned(), RoleReport { version: state.version, expires });
    }

    /// Walks through every delegation. A role that a host would refuse is a problem, and what it leaves to others is not
    /// looked at.
    fn delegations(&mut self, source: &dyn Source, session: &mut Session, now: DateTime<Utc>) -> Result<()> {
        let mut refused: BTreeSet<Role> = BTreeSet::new();
        loop {
            let request = match session.walk(&refused) {
                Ok(Some(request)) => request,
                Ok(None) => break,
                Err(source) => {
                    self.add(Kind::Metadata, chain(&Error::HostCheck { source }));
                    break;
                }
            };
            let judged = reply(source, &request)
                .and_then(|reply| session.receive(reply).map_err(|source| Error::HostCheck { source }));
            match judged {
                Ok(_) => {}
                Err(error) if error.is_refusal() => {
                    self.add(Kind::Metadata, chain(&error));
                    refused.insert(request.role);
                }
                Err(error) => return Err(error),
            }
        }
        let delegated: Vec<_> =
            session.delegated_roles().map(|(role, state, _)| (role.name().to_owned(), state)).collect();
        for (name, state) in delegated {
            self.role(&name, state, now);
        }
        Ok(())
    }
}
