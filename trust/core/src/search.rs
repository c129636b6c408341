//! The search for a target through delegations (spec 5.6.7): pre-order, each role once, a terminating role ends it.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::Document;
use crate::error::Error;
use crate::keys::Keys;
use crate::role::Role;
use crate::rules::{self, Listing};
use crate::summary::RoleState;
use crate::targets::{Delegate, Target, TargetsRole};
use crate::time::Freshness;

/// Delegated roles loaded in this run, and the one a search waits for.
#[derive(Debug, Default)]
pub(crate) struct Search {
    loaded: BTreeMap<Role, Loaded>,
    wanted: Option<Wanted>,
}

/// What a search is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Roles visited at most.
    pub(crate) roles: usize,
    pub(crate) consistent_snapshot: bool,
}

/// Where a search stands.
#[derive(Debug)]
pub(crate) enum Step {
    Found(Box<Target>),
    NotListed,
    /// [`Search::wanted`] is needed first.
    Need,
}

#[derive(Debug)]
struct Loaded {
    bytes: Vec<u8>,
    state: RoleState,
    body: TargetsRole,
    /// Roles under whose keys it was verified. Trust is a matter of the path: a role that A vouches for is not
    /// thereby vouched for by B.
    vouched_by: BTreeSet<Role>,
}

#[derive(Debug)]
struct Wanted {
    delegate: Delegate,
    delegator: Role,
}

impl Search {
    /// The role that is needed next.
    pub(crate) fn wanted(&self) -> Option<&Role> {
        self.wanted.as_ref().map(|wanted| &wanted.delegate.role)
    }

    /// Walks from the top until the target is found or a role is missing. Called again after each role, it comes to
    /// the same place: no position is kept.
    pub(crate) fn step(
        &mut self,
        target: &str,
        top: &TargetsRole,
        snapshot: &Listing,
        limits: Bounds,
    ) -> Result<Step, Error> {
        let Bounds { roles: limit, consistent_snapshot } = limits;
        self.wanted = None;
        if let Some(found) = top.target(target, consistent_snapshot)? {
            return Ok(Step::Found(Box::new(found)));
        }
        let mut visited = BTreeSet::from([Role::Targets]);
        let mut open = Vec::new();
        push(&mut open, top.delegates(target), &Role::Targets);
        while let Some(Wanted { delegate, delegator }) = open.pop() {
            if !visited.insert(delegate.role.clone()) {
                continue;
            }
            if visited.len() > limit {
                return Err(Error::TooManyRoles { target: target.to_owned(), limit });
            }
            if snapshot.get(&delegate.role).is_none() {
                return Err(Error::NotListed { role: delegate.role });
            }
            if !self.loaded.contains_key(&delegate.role) {
                self.wanted = Some(Wanted { delegate, delegator });
                return Ok(Step::Need);
            }
            self.vouch(&delegate, &delegator, top)?;
            let Some(role) = self.loaded.get(&delegate.role) else { continue };
            if let Some(found) = role.body.target(target, consistent_snapshot)? {
                return Ok(Step::Found(Box::new(found)));
            }
            push(&mut open, role.body.delegates(target), &delegate.role);
        }
        Ok(Step::NotListed)
    }

    /// Walks all delegations, whatever they are for, until a role is missing; `false` then, and it is wanted. Roles in
    /// `without` are passed over.
    pub(crate) fn walk(
        &mut self,
        without: &BTreeSet<Role>,
        top: &TargetsRole,
        snapshot: &Listing,
    ) -> Result<bool, Error> {
        self.wanted = None;
        let mut visited = BTreeSet::from([Role::Targets]);
        let mut open = Vec::new();
        push(&mut open, top.all_delegates(snapshot.roles()), &Role::Targets);
        while let Some(Wanted { delegate, delegator }) = open.pop() {
            if without.contains(&delegate.role) {
                continue;
            }
            if !self.loaded.contains_key(&delegate.role) {
                // Every role that is loaded is listed, so that the snapshot bounds the walk.
                if snapshot.get(&delegate.role).is_none() {
                    return Err(Error::NotListed { role: delegate.role });
                }
                self.wanted = Some(Wanted { delegate, delegator });
                return Ok(false);
            }
            self.vouch(&delegate, &delegator, top)?;
            if !visited.insert(delegate.role.clone()) {
                continue;
            }
            let Some(role) = self.loaded.get(&delegate.role) else { continue };
            push(&mut open, role.body.all_delegates(snapshot.roles()), &delegate.role);
        }
        Ok(true)
    }

    /// What is loaded: role, version and expiry, names it signs for.
    pub(crate) fn loaded(&self) -> impl Iterator<Item = (&Role, RoleState, &TargetsRole)> {
        self.loaded.iter().map(|(role, loaded)| (role, loaded.state, &loaded.body))
    }

    /// Checks and loads the wanted role.
    pub(crate) fn accept(
        &mut self,
        bytes: Vec<u8>,
        snapshot: &Listing,
        top: &TargetsRole,
        fresh: Freshness,
    ) -> Result<Role, Error> {
        let Some(Wanted { delegate, delegator }) = &self.wanted else { return Err(Error::Unasked) };
        let role = delegate.role.clone();
        let listed = snapshot.get(&role).ok_or_else(|| Error::NotListed { role: role.clone() })?;
        let document = rules::targets_document(&role, &bytes, listed)?;
        self.keys_of(delegator, top)?.verify(&document, &delegate.signers)?;
        document.check_version(listed.version.get())?;
        document.check_fresh(fresh)?;
        let body = TargetsRole::parse(&document)?;
        let vouched_by = BTreeSet::from([delegator.clone()]);
        let state = RoleState::of(&document);
        self.loaded.insert(role.clone(), Loaded { bytes, state, body, vouched_by });
        self.wanted = None;
        Ok(role)
    }

    /// Verifies a loaded role for the delegator that leads to it now.
    fn vouch(&mut self, delegate: &Delegate, delegator: &Role, top: &TargetsRole) -> Result<(), Error> {
        let Some(loaded) = self.loaded.get(&delegate.role) else { return Ok(()) };
        if loaded.vouched_by.contains(delegator) {
            return Ok(());
        }
        let document = Document::parse(&delegate.role, &loaded.bytes)?;
        self.keys_of(delegator, top)?.verify(&document, &delegate.signers)?;
        if let Some(loaded) = self.loaded.get_mut(&delegate.role) {
            loaded.vouched_by.insert(delegator.clone());
        }
        Ok(())
    }

    fn keys_of<'a>(&'a self, delegator: &Role, top: &'a TargetsRole) -> Result<&'a Keys, Error> {
        let body = match delegator {
            Role::Targets => Some(top),
            _ => self.loaded.get(delegator).map(|loaded| &loaded.body),
        };
        body.and_then(TargetsRole::keys).ok_or(Error::Unasked)
    }
}

/// The first delegate is looked at first, so it goes on top. After a terminating one nothing that was still open
/// counts (spec 5.6.7.2.1).
fn push(open: &mut Vec<Wanted>, delegates: Vec<Delegate>, delegator: &Role) {
    if delegates.last().is_some_and(|delegate| delegate.terminating) {
        open.clear();
    }
    let wanted = |delegate| Wanted { delegate, delegator: delegator.clone() };
    open.extend(delegates.into_iter().rev().map(wanted));
}
