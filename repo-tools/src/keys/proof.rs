//! Which public key belongs to a private one that nobody can read: a signature shows it.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use tough::schema::key::Key;

/// What is signed for that. No metadata: that begins with a brace.
pub(super) const PROOF: &[u8] = b"updog-repo asks which public key this private key belongs to";

/// Whether `signature` is by the private half of `key`.
pub(super) fn verifies(key: &Key, message: &[u8], signature: &[u8]) -> bool {
    let (algorithm, public): (&dyn VerificationAlgorithm, &[u8]) = match key {
        Key::Rsa { keyval, .. } => (&RSA_PSS_2048_8192_SHA256, &keyval.public),
        Key::Ed25519 { keyval, .. } => (&ED25519, &keyval.public),
        Key::Ecdsa { keyval, .. } | Key::EcdsaOld { keyval, .. } => (&ECDSA_P256_SHA256_ASN1, &keyval.public),
    };
    UnparsedPublicKey::new(algorithm, public).verify(message, signature).is_ok()
}
