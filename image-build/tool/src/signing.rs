//! Who signs boot manifests.

use std::fs;
use std::path::Path;

use boot_manifest::{Accept, Manifest, Signature};
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::Error;

/// A private key for boot manifests.
#[derive(Debug)]
pub struct SigningKey {
    pair: Ed25519KeyPair,
    test: bool,
}

impl SigningKey {
    /// Reads an ed25519 key: PEM, PKCS#8, as `openssl genpkey -algorithm ed25519` makes it.
    pub fn load(path: &Path) -> Result<SigningKey, Error> {
        let text =
            fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        SigningKey::parse(&text).ok_or_else(|| Error::SigningKey { path: path.to_owned() })
    }

    /// The first of the test keys, whose private half everybody has.
    pub fn test() -> Option<SigningKey> {
        SigningKey::parse(TEST_KEY)
    }

    fn parse(text: &str) -> Option<SigningKey> {
        let block = pem::parse(text).ok().filter(|block| block.tag() == "PRIVATE KEY")?;
        // openssl leaves the public half out, which ring calls unchecked.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(block.contents()).ok()?;
        let known = test_keys().contains(&public(&pair));
        Some(SigningKey { pair, test: known })
    }

    /// Whether anybody can sign with it.
    pub fn is_test(&self) -> bool {
        self.test
    }

    /// The raw public key.
    pub fn public(&self) -> [u8; 32] {
        public(&self.pair)
    }

    /// How a signature names the key.
    pub fn key_id(&self) -> [u8; 8] {
        key_id(&self.public())
    }
}

/// The manifest with a signature of each key.
pub fn sign(manifest: &Manifest, keys: &[SigningKey]) -> Result<Vec<u8>, boot_manifest::Error> {
    let bytes = manifest.to_sign();
    let signature = |key: &SigningKey| {
        let mut bytes_signed = [0; 64];
        // An ed25519 signature has 64 bytes.
        for (to, from) in bytes_signed.iter_mut().zip(key.pair.sign(&bytes).as_ref()) {
            *to = *from;
        }
        Signature { key_id: key.key_id(), bytes: bytes_signed }
    };
    manifest.encode(&keys.iter().map(signature).collect::<Vec<_>>())
}

/// The first 8 bytes of the SHA-256 of a public key.
pub fn key_id(public: &[u8; 32]) -> [u8; 8] {
    let digest = release::Digest::of(public);
    let mut id = [0; 8];
    for (to, from) in id.iter_mut().zip(digest.bytes()) {
        *to = *from;
    }
    id
}

/// The public halves of the test keys.
pub fn test_keys() -> Vec<[u8; 32]> {
    // Our own file; the tests read it.
    let keys = boot_manifest::parse_keys(TEST_KEYS, &Accept::Any).unwrap_or_default();
    keys.into_iter().map(|key| key.public).collect()
}

/// Which of these keys a selector holds: its bytes have them as they are.
pub fn held<'a>(selector: &[u8], keys: &'a [[u8; 32]]) -> Vec<&'a [u8; 32]> {
    keys.iter().filter(|key| selector.windows(key.len()).any(|window| window == *key)).collect()
}

fn public(pair: &Ed25519KeyPair) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(pair.public_key().as_ref()) {
        *to = *from;
    }
    bytes
}

const TEST_KEY: &str = include_str!("../../boot/keys/test-1.pem");
const TEST_KEYS: &str = include_str!("../../boot/keys/test.keys");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_key_is_known_as_one_and_signs_what_its_public_half_checks() {
        let key = SigningKey::test().unwrap();
        assert!(key.is_test());
        let manifest = Manifest {
            version: "1.0.0".to_owned(),
            variant: "tiny".to_owned(),
            arch: "x86_64".to_owned(),
            kernel: boot_manifest::File { sha256: [1; 32], length: 1 },
            initrd: boot_manifest::File { sha256: [2; 32], length: 2 },
            root_hash: [3; 32],
            salt: vec![4; 32],
            data_blocks: 5,
            hash_offset: 4096,
            cmdline: "quiet".to_owned(),
        };
        let bytes = sign(&manifest, &[key]).unwrap();
        let parsed = boot_manifest::parse(&bytes).unwrap();
        let [signature] = &*parsed.signatures else { panic!("one signature") };
        let public = test_keys()[0];
        assert_eq!(signature.key_id, key_id(&public));
        let public = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public);
        public.verify(parsed.signed, &signature.bytes).unwrap();
    }

    #[test]
    fn a_selector_that_holds_a_key_is_known_by_its_bytes() {
        let keys = test_keys();
        let selector = [&[0; 7][..], &keys[1], &[9; 5]].concat();
        assert_eq!(held(&selector, &keys), [&keys[1]]);
        assert!(held(&selector[1..38], &keys).is_empty());
    }
}
