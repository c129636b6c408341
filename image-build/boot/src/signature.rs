//! Whether a boot manifest is to be believed.

use boot_manifest::Parsed;
use ed25519_dalek::{Signature, VerifyingKey};

use crate::{Key, key_id};

/// The first of `keys` whose signature over the manifest holds.
///
/// Strict verification (no small-order points, no malleable signatures); a key that is no point of the curve signs
/// nothing.
pub fn signed_by<'k>(parsed: &Parsed<'_>, keys: &'k [Key]) -> Option<&'k Key> {
    keys.iter().find(|key| {
        let id = key_id(&key.public);
        let holds = |public: &VerifyingKey, bytes: &[u8; 64]| {
            public.verify_strict(parsed.signed, &Signature::from_bytes(bytes)).is_ok()
        };
        VerifyingKey::from_bytes(&key.public).is_ok_and(|public| {
            parsed
                .signatures
                .iter()
                .any(|signature| signature.key_id == id && holds(&public, &signature.bytes))
        })
    })
}
