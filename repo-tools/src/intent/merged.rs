//! The second layer: the file over the defaults. Nothing is checked here.

use std::collections::BTreeMap;

use super::typed::{Typed, TypedRole, TypedWaves};
use crate::role::Role;
use crate::time::Terms;
use chrono::TimeDelta;

/// What the file says, and the defaults where it says nothing.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) name: String,
    pub(super) keys: BTreeMap<String, String>,
    pub(super) roles: BTreeMap<Role, MergedRole>,
    pub(super) waves: BTreeMap<String, TypedWaves>,
    pub(super) stores: BTreeMap<String, String>,
    pub(super) accept: Vec<String>,
}

#[derive(Debug)]
pub(super) struct MergedRole {
    /// Left out means: not compared.
    pub(super) keys: Option<Vec<String>>,
    pub(super) threshold: Option<u64>,
    pub(super) expires: Term,
    pub(super) margin: Term,
}

/// A length of time.
#[derive(Debug)]
pub(super) enum Term {
    Said(String),
    Default(TimeDelta),
}

impl Merged {
    pub(super) fn over_defaults(mut typed: Typed) -> Self {
        let roles = Role::ALL.into_iter().map(|role| {
            let said = typed.roles.remove(role.name()).unwrap_or_default();
            (role, merged(role, said))
        });
        Self {
            roles: roles.collect(),
            name: typed.name.unwrap_or_default(),
            keys: typed.keys.unwrap_or_default(),
            waves: typed.waves,
            stores: typed.stores.unwrap_or_default(),
            accept: typed.accept.unwrap_or_default(),
        }
    }
}

fn merged(role: Role, said: TypedRole) -> MergedRole {
    MergedRole {
        keys: said.keys,
        threshold: said.threshold,
        expires: said.expires.map_or_else(|| Term::Default(Terms::default().of(role)), Term::Said),
        margin: said.margin.map_or_else(|| Term::Default(margin(role)), Term::Said),
    }
}

/// How long before its end somebody should know, where the file does not say.
pub(super) fn margin(role: Role) -> TimeDelta {
    TimeDelta::days(match role {
        // A ceremony needs people, and people are away for weeks.
        Role::Root => 60,
        Role::Targets | Role::Snapshot => 14,
        // Refreshed daily, so five refreshes in a row have failed by then.
        Role::Timestamp => 2,
    })
}
