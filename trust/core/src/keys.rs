//! Keys, thresholds, and the one place where signatures are checked.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use tough::schema::decoded::{Decoded, Hex};
use tough::schema::key::Key;
use tough::schema::{self, RoleKeys, RoleType, Signed};

use crate::document::Document;
use crate::error::Error;

/// The keys that a root or a delegating role knows. Ids are names and nothing more (TAP 12): publishers exist whose
/// ids are not the digest of the key. Keys of a kind that is not understood are passed over, since they cannot
/// verify anything.
#[derive(Debug, Clone)]
pub(crate) struct Keys(BTreeMap<String, Key>);

/// Who must sign for one role.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
pub(crate) struct Signers {
    pub(crate) keyids: BTreeSet<String>,
    pub(crate) threshold: NonZeroU64,
}

impl Keys {
    pub(crate) fn parse(listed: BTreeMap<String, Value>) -> Self {
        let known = |(id, value)| serde_json::from_value(value).ok().map(|key| (id, key));
        Self(listed.into_iter().filter_map(known).collect())
    }

    /// Checks that `signers` signed the document: each signature counts once per key, whatever ids the key goes by.
    pub(crate) fn verify(&self, document: &Document, signers: &Signers) -> Result<(), Error> {
        let role = || document.role.clone();
        let threshold = signers.threshold.get();
        let mut ids = BTreeSet::new();
        let mut materials = HashSet::new();
        let mut keys = HashMap::new();
        let mut signatures = Vec::new();
        for signature in &document.signatures {
            if !ids.insert(&signature.keyid) {
                return Err(Error::DuplicateSignature { role: role(), keyid: signature.keyid.clone() });
            }
            let Some(key) =
                self.0.get(&signature.keyid).filter(|_| signers.keyids.contains(&signature.keyid))
            else {
                continue;
            };
            let Ok(sig) = hex::decode(&signature.sig) else { continue };
            if materials.insert(material(key)) {
                keys.insert(opaque(&signature.keyid), key.clone());
                signatures.push(schema::Signature { keyid: opaque(&signature.keyid), sig: sig.into() });
            }
        }
        // tough symbolises a backtrace for every error it makes (tens of milliseconds and MiB), so what can be
        // refused without asking it is refused here.
        let candidates = u64::try_from(signatures.len()).unwrap_or(u64::MAX);
        if candidates < threshold {
            return Err(Error::Signatures { role: role(), threshold, valid: candidates });
        }
        let signed = Signed { signed: Body(&document.signed), signatures };
        match holder(keys, signers.threshold).verify_role(&signed) {
            Ok(()) => Ok(()),
            Err(schema::Error::SignatureThreshold { valid, .. }) => {
                Err(Error::Signatures { role: role(), threshold, valid })
            }
            // A document without a canonical form (a fraction, for one) cannot have been signed.
            Err(_) => Err(Error::Signatures { role: role(), threshold, valid: 0 }),
        }
    }
}

/// tough keeps its key check private, but `Root::verify_role` is public: a root made for the occasion, with the
/// role's keys and threshold and nothing else, verifies any document.
fn holder(keys: HashMap<Decoded<Hex>, Key>, threshold: NonZeroU64) -> schema::Root {
    let role = RoleKeys { keyids: keys.keys().cloned().collect(), threshold, _extra: HashMap::new() };
    schema::Root {
        spec_version: "1.0.0".to_owned(),
        consistent_snapshot: true,
        version: NonZeroU64::MIN,
        expires: jiff::Timestamp::MAX,
        keys,
        roles: HashMap::from([(RoleType::Targets, role)]),
        _extra: HashMap::new(),
    }
}

/// An id as tough wants it, without asking that it be hex.
fn opaque(keyid: &str) -> Decoded<Hex> {
    Decoded::from(keyid.as_bytes().to_vec())
}

/// The bytes that make two keys the same key.
fn material(key: &Key) -> Vec<u8> {
    match key {
        Key::Rsa { keyval, .. } => keyval.public.to_vec(),
        Key::Ed25519 { keyval, .. } => keyval.public.to_vec(),
        Key::Ecdsa { keyval, .. } | Key::EcdsaOld { keyval, .. } => keyval.public.to_vec(),
    }
}

/// A body in the shape that tough verifies; it goes by the role that [`holder`] names.
#[derive(Debug)]
struct Body<'a>(&'a Value);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl schema::Role for Body<'_> {
    const TYPE: RoleType = RoleType::Targets;

    fn expires(&self) -> jiff::Timestamp {
        jiff::Timestamp::MAX
    }

    fn version(&self) -> NonZeroU64 {
        NonZeroU64::MIN
    }

    fn filename(&self, _: bool) -> String {
        String::new()
    }
}
