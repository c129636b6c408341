//! The public keys that a boot manifest may be signed with.

use sha2::{Digest as _, Sha256};

/// A public key that was built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its private half is in the repository; anybody can sign with it.
    pub test: bool,
    /// The raw ed25519 public key.
    pub public: [u8; 32],
}

/// The keys of this build, two at least; see `build.rs`.
pub const KEYS: &[Key] = include!(concat!(env!("OUT_DIR"), "/keys.rs"));

/// How a signature line names its key: the first 8 bytes of the SHA-256 of the public key.
pub fn key_id(public: &[u8; 32]) -> [u8; 8] {
    let digest = Sha256::digest(public);
    core::array::from_fn(|n| digest[n])
}
