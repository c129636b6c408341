//! Public keys and their ids.

use std::path::Path;

use tough::schema::decoded::{Decoded, Hex};
use tough::schema::key::Key;

use crate::error::{Error, Result};
use crate::keys::Signer;

/// A key id as it stands in metadata.
pub type KeyId = Decoded<Hex>;

/// The id of a public key: SHA-256 of its canonical JSON.
pub fn key_id(key: &Key) -> Result<KeyId> {
    key.key_id().map_err(|source| Error::Encode { what: "key", source: Box::new(source) })
}

/// Reads a public key: the `.pub` file of `key new`, a PEM as `openssl pkey -pubout` writes it, or a private key file.
pub fn public_key(path: &Path) -> Result<Key> {
    let bytes = std::fs::read(path).map_err(|source| Error::ReadKey { path: path.to_owned(), source })?;
    if let Ok(key) = serde_json::from_slice::<Key>(&bytes) {
        return Ok(key);
    }
    let text = String::from_utf8_lossy(&bytes);
    if text.contains("BEGIN PUBLIC KEY") {
        let key = ed25519_of_pem(&text).map_or_else(|| text.trim().parse(), |hex| hex.parse());
        return key.map_err(|_| Error::ParseKey {
            path: path.to_owned(),
            reason: "expected an Ed25519, ECDSA P-256 or RSA public key",
        });
    }
    Signer::from_file(path).map(|signer| signer.public())
}

/// The 32 bytes of an Ed25519 `SubjectPublicKeyInfo` (RFC 8410), in hex.
fn ed25519_of_pem(text: &str) -> Option<String> {
    let block = pem::parse(text).ok()?;
    block.contents().strip_prefix(ED25519_SPKI).filter(|key| key.len() == 32).map(hex::encode)
}

/// SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 33 bytes.
const ED25519_SPKI: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
