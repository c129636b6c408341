//! Public keys and their ids.

use std::path::Path;

use tough::schema::decoded::{Decoded, Hex};
use tough::schema::key::Key;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::keys::read::MAX_KEY_FILE;
use crate::keys::{NoSecrets, Secrets, Signer};
use crate::plain;

/// A key id as it stands in metadata.
pub type KeyId = Decoded<Hex>;

/// The id of a public key: SHA-256 of its canonical JSON.
pub fn key_id(key: &Key) -> Result<KeyId> {
    key.key_id().map_err(|source| Error::Encode { what: "key", source: Box::new(source) })
}

/// Reads a public key: the `.pub` file of `key new`, a PEM as `openssl pkey -pubout` writes it, or a private key file.
pub fn public_key(path: &Path) -> Result<Key> {
    public_of_file(path, &NoSecrets)
}

/// [`public_key`] that asks for the passphrase of an encrypted private key.
pub(super) fn public_of_file(path: &Path, secrets: &dyn Secrets) -> Result<Key> {
    let read = |source| Error::ReadKey { path: path.to_owned(), source };
    let bytes = Zeroizing::new(plain::bounded(plain::open(path).map_err(read)?, MAX_KEY_FILE).map_err(read)?);
    if let Ok(key) = serde_json::from_slice::<Key>(&bytes) {
        return Ok(key);
    }
    // No private key has these words in it, so nothing secret is copied here.
    if bytes.windows(16).any(|window| window == b"BEGIN PUBLIC KEY") {
        let block = pem::parse(bytes.as_slice()).ok();
        return block.and_then(|block| key_of_spki(block.contents())).ok_or_else(|| Error::ParseKey {
            path: path.to_owned(),
            reason: "expected an Ed25519, ECDSA P-256 or RSA public key",
        });
    }
    Signer::open_file(path, secrets).map(|signer| signer.public())
}

/// The key in a `SubjectPublicKeyInfo` (RFC 5280), if TUF knows its kind.
pub(super) fn key_of_spki(der: &[u8]) -> Option<Key> {
    if let Some(key) = der.strip_prefix(ED25519_SPKI) {
        return (key.len() == 32).then(|| hex::encode(key).parse().ok()).flatten();
    }
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new("PUBLIC KEY", der), config).trim().parse().ok()
}

/// How the `SubjectPublicKeyInfo` of an Ed25519 key begins (RFC 8410): 32 bytes follow.
/// SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 33 bytes.
const ED25519_SPKI: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
