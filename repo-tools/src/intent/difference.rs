//! How a root differs from what is meant. Pure.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::PathBuf;

use tough::schema::Root;

use super::{Intent, KeyRef};
use crate::role::Role;

/// One edit that would bring a root nearer to `repo.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The role.
    pub role: Role,
    /// The edit.
    pub change: Change,
}

/// An edit of a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Let a key sign.
    AddKey {
        /// Its name.
        name: String,
        /// Its id.
        id: String,
        /// Its public file or its URI; `None`: it is known by its id alone.
        at: Option<PathBuf>,
    },
    /// Take the right to sign from a key.
    RemoveKey {
        /// Its id.
        id: String,
    },
    /// Another threshold.
    Threshold {
        /// What the root says.
        found: u64,
        /// What is meant.
        meant: NonZeroU64,
    },
}

/// Everything in which `root` is not what `intent` says. `ids` are the ids of the named keys; a key whose id is not
/// known cannot be compared, and then no other key of that role is called one too many.
pub fn differences(root: &Root, intent: &Intent, ids: &BTreeMap<String, String>) -> Vec<Difference> {
    let mut all = Vec::new();
    for role in Role::ALL {
        let meant = intent.role(role);
        let listed = root.roles.get(&role.of_tough());
        let found: Vec<String> =
            listed.map(|keys| keys.keyids.iter().map(hex::encode).collect()).unwrap_or_default();
        if let Some(keys) = &meant.keys {
            let known: Vec<(&String, Option<&PathBuf>, &String)> = keys
                .iter()
                .filter_map(|key| {
                    let at = match &key.key {
                        KeyRef::File(at) | KeyRef::Elsewhere { uri: at, .. } => Some(at),
                        KeyRef::Id(_) => None,
                    };
                    ids.get(&key.name).map(|id| (&key.name, at, id))
                })
                .collect();
            let missing = known.iter().filter(|(_, _, id)| !found.contains(id));
            all.extend(missing.map(|(name, at, id)| Difference {
                role,
                change: Change::AddKey {
                    name: (*name).clone(),
                    id: (*id).clone(),
                    at: at.map(PathBuf::clone),
                },
            }));
            let extra = found.iter().filter(|id| !known.iter().any(|(_, _, known)| known == id));
            if known.len() == keys.len() {
                all.extend(extra.map(|id| Difference { role, change: Change::RemoveKey { id: id.clone() } }));
            }
        }
        let threshold = listed.map_or(0, |keys| keys.threshold.get());
        if let Some(meant) = meant.threshold.filter(|meant| meant.get() != threshold) {
            all.push(Difference { role, change: Change::Threshold { found: threshold, meant } });
        }
    }
    all
}
