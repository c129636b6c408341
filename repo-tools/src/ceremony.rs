//! The next root, while it is being edited: pure, every edit drops the signatures made before it.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;

use chrono::{DateTime, Utc};
use tough::schema::key::Key;
use tough::schema::{RoleKeys, Root};

use crate::document::Document;
use crate::error::{Error, Result};
use crate::keys::{KeyId, key_id};
use crate::names;
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

    pub(crate) fn of(document: Document<Root>) -> Self {
        Self(document)
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
                names::drop(root, &hex::encode(id));
            }
            changed
        })
    }

    /// What people call a key of this root; `false` when they do already.
    pub fn name_key(&mut self, id: &KeyId, name: &str) -> Result<bool> {
        let id = hex::encode(id);
        let holder = names::holder(self.0.role(), name).filter(|holder| **holder != id);
        if !names::is_name(name) || holder.is_some() {
            return Err(Error::KeyName { name: name.to_owned(), holder: holder.map(str::to_owned) });
        }
        self.edit(|root| names::set(root, &id, name))
    }

    /// [`Self::name_key`] for a name that nobody asked for: not when the key has one, or the name is taken or none.
    pub fn name_key_if_free(&mut self, id: &KeyId, name: &str) -> Result<bool> {
        let root = self.0.role();
        let free = names::name(root, &hex::encode(id)).is_none() && names::holder(root, name).is_none();
        if free && names::is_name(name) { self.name_key(id, name) } else { Ok(false) }
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

    /// Why this root cannot be signed yet: a role that could never reach its threshold, or an expiry in the past.
    pub fn check(&self, now: DateTime<Utc>) -> Result<()> {
        self.check_keys()?;
        if self.0.expires() <= now {
            return Err(Error::ExpiresAtOnce { role: Role::Root, expires: self.0.expires() });
        }
        Ok(())
    }

    /// Each role can reach its threshold, by as many keys as it says: one key under two ids would count twice.
    pub(crate) fn check_keys(&self) -> Result<()> {
        let (root, version) = (self.0.role(), self.0.version());
        for role in Role::ALL {
            let listed = root.roles.get(&role.of_tough());
            let mut seen = BTreeMap::new();
            for id in listed.map(|keys| keys.keyids.as_slice()).unwrap_or_default() {
                let Some(key) = root.keys.get(id) else { continue };
                if let Some(first) = seen.insert(material(key), id) {
                    let ids = [hex::encode(first), hex::encode(id)];
                    return Err(Error::SameKeyTwice { version, role, ids });
                }
            }
            let found = u64::try_from(seen.len()).unwrap_or(u64::MAX);
            let threshold = listed.map_or(1, |keys| keys.threshold.get());
            if found < threshold {
                return Err(Error::TooFewKeys { version, role, threshold, found });
            }
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

/// The key itself, whatever its text and its id.
fn material(key: &Key) -> (&'static str, &[u8]) {
    match key {
        Key::Rsa { keyval, .. } => ("rsa", &keyval.public),
        Key::Ed25519 { keyval, .. } => ("ed25519", &keyval.public),
        Key::Ecdsa { keyval, .. } | Key::EcdsaOld { keyval, .. } => ("ecdsa", &keyval.public),
    }
}
