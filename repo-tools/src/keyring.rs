//! The keys of a working folder: what each may sign, and what it has signed. Pure.

use serde::Serialize;
use tough::schema::Root;
use tough::schema::key::Key;

use crate::document::Document;
use crate::role::Role;
use crate::unsigned::Papers;

/// A key that a root lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedKey {
    /// Its id.
    pub id: String,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What the newest signed root lets it sign.
    pub roles: Vec<Role>,
    /// What the root being edited lets it sign; the same where none is.
    pub next_roles: Vec<Role>,
    /// The roles whose newest document carries its signature, and it is right.
    pub signed: Vec<Role>,
}

/// How many signatures a role needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The role.
    pub role: Role,
    /// Signatures.
    pub threshold: u64,
    /// Keys that may give them.
    pub keys: usize,
}

/// The keys of the newest root and of the next one, by id.
pub fn keyring(papers: &Papers) -> Vec<ListedKey> {
    let newest = papers.roots.last().map(Document::role);
    let next = papers.next_root.as_ref().map(|next| next.document().role());
    let mut keys: Vec<ListedKey> = Vec::new();
    for (id, key) in newest.iter().chain(&next).flat_map(|root| &root.keys) {
        let id = hex::encode(id);
        if keys.iter().all(|listed| listed.id != id) {
            let roles = newest.map_or_else(Vec::new, |root| roles(root, &id));
            let next_roles = next.map_or_else(|| roles.clone(), |next| self::roles(next, &id));
            let signed = signed(papers, &id);
            keys.push(ListedKey { id, kind: kind(key), roles, next_roles, signed });
        }
    }
    keys.sort_by(|a, b| a.id.cmp(&b.id));
    keys
}

/// What the roles need, by the newest signed root; by the next one where none is signed.
pub fn thresholds(papers: &Papers) -> Vec<Need> {
    let newest = papers.roots.last().map(Document::role);
    let next = papers.next_root.as_ref().map(|next| next.document().role());
    let Some(root) = newest.or(next) else { return Vec::new() };
    Role::ALL
        .into_iter()
        .filter_map(|role| {
            let keys = root.roles.get(&role.of_tough())?;
            Some(Need { role, threshold: keys.threshold.get(), keys: keys.keyids.len() })
        })
        .collect()
}

/// The kind of a key, in one word.
pub fn kind(key: &Key) -> &'static str {
    match key {
        Key::Rsa { .. } => "rsa",
        Key::Ed25519 { .. } => "ed25519",
        Key::Ecdsa { .. } | Key::EcdsaOld { .. } => "ecdsa",
    }
}

fn roles(root: &Root, id: &str) -> Vec<Role> {
    let lists = |role: &Role| {
        let keys = root.roles.get(&role.of_tough());
        keys.is_some_and(|keys| keys.keyids.iter().any(|listed| hex::encode(listed) == id))
    };
    Role::ALL.into_iter().filter(lists).collect()
}

fn signed(papers: &Papers, id: &str) -> Vec<Role> {
    let Some(newest) = papers.roots.last() else { return Vec::new() };
    let root = newest.role();
    let by = |role: Role| match role {
        Role::Root => newest.signed_by(root),
        Role::Targets => papers.targets.as_ref().map(|document| document.signed_by(root)).unwrap_or_default(),
        Role::Snapshot => {
            papers.snapshot.as_ref().map(|document| document.signed_by(root)).unwrap_or_default()
        }
        Role::Timestamp => {
            papers.timestamp.as_ref().map(|document| document.signed_by(root)).unwrap_or_default()
        }
    };
    Role::ALL.into_iter().filter(|role| by(*role).contains(id)).collect()
}
