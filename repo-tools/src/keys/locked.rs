//! Encrypted PKCS#8 (RFC 5958 with PBES2 of RFC 8018): scrypt or PBKDF2, then AES-CBC, as openssl writes it.

use aws_lc_rs::rand;
use pkcs8::der::Encode;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::pkcs5::pbes2::{Kdf, Parameters};
use pkcs8::pkcs5::{EncryptionScheme, scrypt};
use pkcs8::{EncryptedPrivateKeyInfo, EncryptedPrivateKeyInfoRef};
use zeroize::Zeroizing;

use crate::keys::secret::Secret;

/// Why a locked key stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// The passphrase is wrong.
    WrongPassphrase,
    /// The file cannot be opened here whatever the passphrase.
    Unsupported(&'static str),
}

/// Whether this DER is an encrypted key: an algorithm stands where a plain key has its version number.
pub(super) fn is_locked(der: &[u8]) -> bool {
    contents(der).is_some_and(|inner| inner.first() == Some(&SEQUENCE))
}

/// The PKCS#8 key in it.
pub(super) fn unlock(der: &[u8], passphrase: &Secret) -> Result<Zeroizing<Vec<u8>>, Closed> {
    let locked = EncryptedPrivateKeyInfoRef::try_from(der)
        .map_err(|_| Closed::Unsupported("expected PBES2 with scrypt or PBKDF2 and AES-CBC"))?;
    affordable(&locked.encryption_algorithm)?;
    let plain = locked
        .encryption_algorithm
        .decrypt(passphrase.expose(), locked.encrypted_data.as_bytes())
        .map(Zeroizing::new)
        .map_err(|error| match error {
            pkcs8::pkcs5::Error::DecryptFailed => Closed::WrongPassphrase,
            _ => Closed::Unsupported("expected PBES2 with scrypt or PBKDF2 and AES-CBC"),
        })?;
    // CBC has no check of its own: one wrong passphrase in 256 gives padding that fits.
    if contents(&plain).is_none_or(|inner| inner.first() != Some(&INTEGER)) {
        return Err(Closed::WrongPassphrase);
    }
    Ok(plain)
}

/// Locks a PKCS#8 key. `None` when the random source fails.
pub(super) fn lock(plain: &[u8], passphrase: &Secret) -> Option<Vec<u8>> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    rand::fill(&mut salt).ok()?;
    rand::fill(&mut iv).ok()?;
    let cost = scrypt::Params::new(LOG_N, R, P).ok()?;
    let parameters = Parameters::generate_scrypt_aes256cbc(cost, &salt, iv).ok()?;
    let data = parameters.encrypt(passphrase.expose(), plain).ok()?;
    let encrypted_data = OctetStringRef::new(&data).ok()?;
    EncryptedPrivateKeyInfo { encryption_algorithm: parameters.into(), encrypted_data }.to_der().ok()
}

/// A key file must not be able to take all memory, or an hour.
fn affordable(scheme: &EncryptionScheme) -> Result<(), Closed> {
    let EncryptionScheme::Pbes2(parameters) = scheme else {
        return Err(Closed::Unsupported("expected PBES2, found PBES1, which is broken"));
    };
    let holds = match &parameters.kdf {
        Kdf::Pbkdf2(cost) => cost.iteration_count <= MAX_ITERATIONS,
        Kdf::Scrypt(cost) => {
            let work = u128::from(cost.cost_parameter) * u128::from(cost.block_size) * 128;
            cost.cost_parameter.is_power_of_two()
                && cost.cost_parameter > 1
                && work <= MAX_SCRYPT
                && work * u128::from(cost.parallelization) <= 16 * MAX_SCRYPT
        }
        _ => false,
    };
    if holds { Ok(()) } else { Err(Closed::Unsupported("its key derivation asks for too much work")) }
}

/// What is in a DER value that fills `der` exactly.
fn contents(der: &[u8]) -> Option<&[u8]> {
    let (&length, rest) = der.strip_prefix(&[SEQUENCE])?.split_first()?;
    if length < 0x80 {
        return (rest.len() == usize::from(length)).then_some(rest);
    }
    let count = usize::from(length & 0x7f);
    if count == 0 || count > 4 || rest.len() < count {
        return None;
    }
    let (digits, rest) = rest.split_at(count);
    let length = digits.iter().fold(0_usize, |length, digit| length << 8 | usize::from(*digit));
    (rest.len() == length).then_some(rest)
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
/// scrypt with 16 MiB five times over (OWASP, 2023): the most memory that openssl opens without being told to.
const LOG_N: u8 = 14;
const R: u32 = 8;
const P: u32 = 5;
/// 1 GiB.
const MAX_SCRYPT: u128 = 1 << 30;
const MAX_ITERATIONS: u32 = 20_000_000;
