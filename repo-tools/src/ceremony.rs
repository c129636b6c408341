//! The next root, while it is being edited: pure, every edit drops the signatures made before it.

use std::collections::HashMap;
use std::num::NonZeroU64;

use chrono::{DateTime, Utc};
use tough::schema::key::Key;
use tough::schema::{RoleKeys, Root};

use crate::document::Document;
use crate::error::{Error, Result};
use crate::keys::{KeyId, key_id};
use crate::role::Role;
use crate::time;

/// A root that nobody trusts yet.
#[derive(Debug, Clone)]
pub struct NextRoot(Document<Root>);

impl NextRoot {
    /// Version 1: four roles, threshold 1 each, no keys yet.
    pub fn first(expires: DateTime<Utc>) -> Result<Self> {
        let nobody = || RoleKeys { keyids: Vec::new(), threshold: NonZeroU64::MIN, _extra: HashMap::new() };
        Document::unsigned(Root {
            spec_version: "1.0.0".into(),
            consistent_snapshot: true,
            version: NonZeroU64::MIN,
            expires: time::to_jiff(expires),
            keys: HashMap::new(),
            roles: Role::ALL.into_iter().map(|role| (role.of_tough(), nobody())).collect(),
            _extra: HashMap::new(),
        })
        .map(Self)
    }

    /// The root after `newest`: the same keys and thresholds, exactly one version more.
    pub fn after(newest: &Root, expires: DateTime<Utc>) -> Result<Self> {
        let mut root = newest.clone();
        root.version = root.version.saturating_add(1);
        root.expires = time::to_jiff(expires);
        Document::unsigned(root).map(Self)
    }

    /// A root as it lies in the working folder.
    pub fn parse(bytes: Vec<u8>) -> Result<Self> {
        Document::parse(bytes).map(Self)
    }

    /// The document with the signatures so far.
    pub fn document(&self) -> &Document<Root> {
        &self.0
    }

    pub(crate) fn document_mut(&mut self) -> &mut Document<Root> {
        &mut self.0
    }

    pub(crate) fn into_document(self) -> Document<Root> {
        self.0
    }

    /// Lets `key` sign for `roles`; `false` when it could already.
    pub fn add_key(&mut self, key: &Key, roles: &[Role]) -> Result<bool> {
        let id = key_id(key)?;
        self.edit(|root| {
            let mut changed = false;
            for role in roles {
                let keys = keys_of(root, *role);
                if !keys.keyids.contains(&id) {
                    keys.keyids.push(id.clone());
                    keys.keyids.sort();
                    changed = true;
                }
            }
            if changed {
                root.keys.insert(id.clone(), key.clone());
            }
            changed
        })
    }

    /// Takes the right to sign for `roles` from a key; a key without a role leaves the root. `false` when it had none.
    pub fn remove_key(&mut self, id: &KeyId, roles: &[Role]) -> Result<bool> {
        self.edit(|root| {
            let mut changed = false;
            for role in roles {
                let keys = keys_of(root, *role);
                let before = keys.keyids.len();
                keys.keyids.retain(|listed| listed != id);
                changed |= keys.keyids.len() != before;
            }
            if !root.roles.values().any(|role| role.keyids.contains(id)) {
                root.keys.remove(id);
            }
            changed
        })
    }

    /// How many signatures `role` needs.
    pub fn set_threshold(&mut self, role: Role, threshold: NonZeroU64) -> Result<bool> {
        self.edit(|root| {
            let keys = keys_of(root, role);
            std::mem::replace(&mut keys.threshold, threshold) != threshold
        })
    }

    /// When this root expires.
    pub fn set_expires(&mut self, at: DateTime<Utc>) -> Result<bool> {
        let at = time::to_jiff(at);
        self.edit(|root| std::mem::replace(&mut root.expires, at) != at)
    }

    /// Why this root cannot be signed yet: a role that could never reach its threshold.
    pub fn check(&self, now: DateTime<Utc>) -> Result<()> {
        let root = self.0.role();
        for role in Role::ALL {
            let (found, threshold) = root.roles.get(&role.of_tough()).map_or((0, 1), |keys| {
                (u64::try_from(keys.keyids.len()).unwrap_or(u64::MAX), keys.threshold.get())
            });
            if found < threshold {
                return Err(Error::TooFewKeys { version: self.0.version(), role, threshold, found });
            }
        }
        if self.0.expires() <= now {
            return Err(Error::ExpiresAtOnce { role: Role::Root, expires: self.0.expires() });
        }
        Ok(())
    }

    fn edit(&mut self, change: impl FnOnce(&mut Root) -> bool) -> Result<bool> {
        let mut root = self.0.role().clone();
        if !change(&mut root) {
            return Ok(false);
        }
        self.0 = Document::unsigned(root)?;
        Ok(true)
    }
}

fn keys_of(root: &mut Root, role: Role) -> &mut RoleKeys {
    root.roles.entry(role.of_tough()).or_insert_with(|| RoleKeys {
        keyids: Vec::new(),
        threshold: NonZeroU64::MIN,
        _extra: HashMap::new(),
    })
}
