//! A signed document and its bytes. The bytes count: what was written is what the role above names by length and digest.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU64;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tough::schema::{
    DelegatedRole, Delegations, Hashes, Metafile, Role as ToughRole, Root, Signature, Signed as Envelope,
    Targets, Timestamp,
};

use crate::error::{Error, Result};
use crate::keys::{KeyId, Signer};
use crate::role::Role;
use crate::time;
use release::Digest;
use trust_client::Location;

/// A role's document with the signatures it has so far.
#[derive(Debug, Clone)]
pub struct Document<T> {
    envelope: Envelope<T>,
    bytes: Vec<u8>,
}

/// What became of a signature that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merged {
    /// It is right and new.
    Added,
    /// Its key has signed already.
    Known,
    /// It is not by that key, or not over these bytes.
    Wrong,
    /// Its key may not sign this role.
    Stranger,
}

impl<T: ToughRole + Serialize + DeserializeOwned + Clone> Document<T> {
    /// A new document that nobody has signed yet.
    pub fn unsigned(role: T) -> Result<Self> {
        Self::of(Envelope { signed: role, signatures: Vec::new() })
    }

    /// A document as it was written; its bytes are kept.
    pub fn parse(bytes: Vec<u8>) -> Result<Self> {
        let envelope = serde_json::from_slice(&bytes).map_err(|source| Error::ParseRole {
            role: T::TYPE.to_string(),
            place: None,
            source,
        })?;
        Ok(Self { envelope, bytes })
    }

    /// [`Document::parse`] of a file or an address, which is named when it is damaged.
    pub(crate) fn parse_from(bytes: Vec<u8>, place: &impl ToString) -> Result<Self> {
        Self::parse(bytes).map_err(|error| match error {
            Error::ParseRole { role, source, .. } => {
                Error::ParseRole { role, place: Some(Location::new(place.to_string())), source }
            }
            error => error,
        })
    }

    /// What is signed.
    pub fn role(&self) -> &T {
        &self.envelope.signed
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The version.
    pub fn version(&self) -> u64 {
        self.role().version().get()
    }

    /// How many signatures it carries, right or not.
    pub fn signatures(&self) -> usize {
        self.envelope.signatures.len()
    }

    /// When it expires.
    pub fn expires(&self) -> DateTime<Utc> {
        time::of_jiff(self.role().expires())
    }

    /// What the role above says of this file.
    pub fn metafile(&self) -> Metafile {
        Metafile {
            length: u64::try_from(self.bytes.len()).ok(),
            hashes: Some(Hashes {
                sha256: Digest::of(&self.bytes).bytes().to_vec().into(),
                _extra: HashMap::new(),
            }),
            version: self.role().version(),
            _extra: HashMap::new(),
        }
    }

    /// Whether this file is the one that `listed` names.
    pub fn is(&self, listed: Option<&Metafile>) -> bool {
        listed.is_some_and(|listed| {
            let found = self.metafile();
            listed.version == found.version
                && (listed.length.is_none() || listed.length == found.length)
                && listed.hashes.as_ref().is_none_or(|hashes| {
                    Some(&hashes.sha256) == found.hashes.as_ref().map(|found| &found.sha256)
                })
        })
    }

    /// Whether enough of the keys that `root` gives this role have signed.
    pub fn verifies_under(&self, root: &Root) -> bool {
        root.verify_role(&self.envelope).is_ok()
    }

    /// The keys that `root` gives this role and whose signatures here are right.
    pub fn signed_by(&self, root: &Root) -> BTreeSet<String> {
        let Some(keys) = root.roles.get(&T::TYPE) else { return BTreeSet::new() };
        let mut alone = root.clone();
        let mut signed = BTreeSet::new();
        for id in &keys.keyids {
            // One key, threshold one: tough's own check says whether that key's signature is right.
            let Some(role) = alone.roles.get_mut(&T::TYPE) else { continue };
            role.keyids = vec![id.clone()];
            role.threshold = NonZeroU64::MIN;
            if alone.verify_role(&self.envelope).is_ok() {
                signed.insert(hex::encode(id));
            }
        }
        signed
    }

    /// Signatures still missing under `root`.
    pub fn missing_under(&self, root: &Root) -> u64 {
        let threshold = root.roles.get(&T::TYPE).map_or(1, |role| role.threshold.get());
        threshold.saturating_sub(u64::try_from(self.signed_by(root).len()).unwrap_or(u64::MAX))
    }

    /// Adds the signature of `signer` when one of `roots` lets it sign this role and it has not signed yet.
    pub(crate) async fn sign(&mut self, signer: &Signer, roots: &[&Root]) -> Result<bool> {
        let listed = roots.iter().find_map(|root| listed_id(root, signer, T::TYPE));
        let Some(id) = listed else { return Ok(false) };
        let done = roots.iter().any(|root| self.signed_by(root).contains(&hex::encode(&id)));
        if done {
            return Ok(false);
        }
        self.add_signature(id, signer).await?;
        Ok(true)
    }

    async fn add_signature(&mut self, id: KeyId, signer: &Signer) -> Result<()> {
        let sig = signer.sign(&self.message()?).await?;
        self.put_signature(Signature { keyid: id, sig: sig.into() })
    }

    /// The bytes that each key signs: canonical JSON.
    pub(crate) fn message(&self) -> Result<Vec<u8>> {
        let encode = |source| Error::Encode { what: "role", source: Box::new(source) };
        self.role().canonical_form().map_err(encode)
    }

    /// The signatures it carries, right or not.
    pub(crate) fn given(&self) -> &[Signature] {
        &self.envelope.signatures
    }

    /// Adds a signature that was made elsewhere, when it is right and one of `roots` lets its key sign this role. A key
    /// counts once, however often it signs.
    pub(crate) fn merge(&mut self, signature: &Signature, roots: &[&Root]) -> Result<Merged> {
        let listed = |root: &&&Root| {
            root.roles.get(&T::TYPE).is_some_and(|keys| keys.keyids.contains(&signature.keyid))
        };
        let Some(root) = roots.iter().find(listed) else { return Ok(Merged::Stranger) };
        self.merge_of(signature, |document| document.signed_by(root))
    }

    /// Adds a signature of a key that may sign; `signed` says whose signatures a document has that are right.
    fn merge_of(
        &mut self,
        signature: &Signature,
        signed: impl Fn(&Self) -> BTreeSet<String>,
    ) -> Result<Merged> {
        let key = hex::encode(&signature.keyid);
        let mut alone = self.envelope.clone();
        alone.signatures = vec![signature.clone()];
        if !signed(&Self::of(alone)?).contains(&key) {
            return Ok(Merged::Wrong);
        }
        if signed(self).contains(&key) {
            return Ok(Merged::Known);
        }
        self.put_signature(signature.clone())?;
        Ok(Merged::Added)
    }

    fn put_signature(&mut self, signature: Signature) -> Result<()> {
        let mut envelope = self.envelope.clone();
        envelope.signatures.retain(|given| given.keyid != signature.keyid);
        envelope.signatures.push(signature);
        envelope.signatures.sort_by(|a, b| a.keyid.cmp(&b.keyid));
        *self = Self::of(envelope)?;
        Ok(())
    }

    fn of(envelope: Envelope<T>) -> Result<Self> {
        let bytes = file_bytes(&envelope)?;
        Ok(Self { envelope, bytes })
    }
}

impl Document<Targets> {
    /// The keys that `delegations` gives to `role` and whose signatures here are right.
    pub(crate) fn signed_as(&self, delegations: &Delegations, role: &DelegatedRole) -> BTreeSet<String> {
        let mut alone = Delegations { keys: delegations.keys.clone(), roles: vec![role.clone()] };
        let mut signed = BTreeSet::new();
        for id in &role.keyids {
            let Some(only) = alone.roles.first_mut() else { continue };
            only.keyids = vec![id.clone()];
            only.threshold = NonZeroU64::MIN;
            if self.verifies_as(&alone, &role.name) {
                signed.insert(hex::encode(id));
            }
        }
        signed
    }

    /// Adds the signature of `signer` when `role` lists its key and it has not signed yet.
    pub(crate) async fn sign_as(
        &mut self,
        signer: &Signer,
        delegations: &Delegations,
        role: &DelegatedRole,
    ) -> Result<bool> {
        let public = signer.public();
        let key = delegations.keys.iter().find(|(id, key)| **key == public && role.keyids.contains(id));
        let Some((id, _)) = key else { return Ok(false) };
        if self.signed_as(delegations, role).contains(&hex::encode(id)) {
            return Ok(false);
        }
        self.add_signature(id.clone(), signer).await?;
        Ok(true)
    }

    /// [`Document::merge`] for a delegated role.
    pub(crate) fn merge_as(
        &mut self,
        signature: &Signature,
        delegations: &Delegations,
        role: &DelegatedRole,
    ) -> Result<Merged> {
        if !role.keyids.contains(&signature.keyid) {
            return Ok(Merged::Stranger);
        }
        self.merge_of(signature, |document| document.signed_as(delegations, role))
    }

    /// Whether enough of the keys that `delegations` gives to `name` have signed.
    pub(crate) fn verifies_as(&self, delegations: &Delegations, name: &str) -> bool {
        delegations.verify_role(&self.envelope, name).is_ok()
    }
}

/// When a timestamp was signed, where its publisher says so.
pub(crate) fn signed_at(timestamp: &Timestamp) -> Option<DateTime<Utc>> {
    let text = timestamp._extra.get("signed_at").and_then(Value::as_str)?;
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

/// Whether `root` lets this key sign for `role`; the id under which it stands there.
pub(crate) fn listed_id(root: &Root, signer: &Signer, role: tough::schema::RoleType) -> Option<KeyId> {
    let public = signer.public();
    let (id, _) = root.keys.iter().find(|(_, key)| **key == public)?;
    root.roles.get(&role)?.keyids.contains(id).then(|| id.clone())
}

/// Why a key that signs nothing for this role is refused: it is a stranger, or one of another role.
pub(crate) fn wrong_key(signer: &Signer, role: Role, roots: &[&Root]) -> Error {
    let lists = |other: &Role| roots.iter().any(|root| listed_id(root, signer, other.of_tough()).is_some());
    let listed = Role::ALL.into_iter().filter(lists).collect();
    Error::WrongKey { path: signer.origin().to_owned(), id: hex::encode(signer.id()), role, listed }
}

/// JSON with sorted keys and without blanks, so that the same document is the same file. `signed` in it is canonical JSON,
/// the bytes that were signed, unless a text in it has control characters, which canonical JSON leaves as they are.
fn file_bytes<T: Serialize>(envelope: &Envelope<T>) -> Result<Vec<u8>> {
    let encode = |source| Error::Encode { what: "role", source: Box::new(source) };
    let mut value = serde_json::to_value(envelope).map_err(encode)?;
    value.sort_all_objects();
    let mut bytes = serde_json::to_vec(&value).map_err(encode)?;
    bytes.push(b'\n');
    Ok(bytes)
}
