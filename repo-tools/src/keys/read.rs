//! Reads private keys as openssl writes them, PEM or DER, encrypted or not: Ed25519, ECDSA P-256, RSA.

use std::fmt;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use tough::key_source::KeySource;
use tough::schema::key::Key;
use tough::sign::{Sign, SignKeyPair};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::keys::locked::{Closed, is_locked, unlock};
use crate::keys::{KeyError, KeyId, NoSecrets, Purpose, Secrets, key_id};
use crate::plain;

/// A private key that can sign. What it prints is its public id, never the key.
pub struct Signer {
    id: KeyId,
    origin: PathBuf,
    pair: Box<dyn Sign>,
}

impl Signer {
    /// Reads a key file; refuses one that others on this machine can read, or that is encrypted.
    pub fn from_file(path: &Path) -> Result<Self> {
        Self::open_file(path, &NoSecrets)
    }

    /// [`Signer::from_file`] that asks for the passphrase of an encrypted key.
    pub fn open_file(path: &Path, secrets: &dyn Secrets) -> Result<Self> {
        Self::unlock(&read_private(path)?, path, secrets)
    }

    /// Reads a key from the bytes of a key file that is not encrypted; `origin` is for messages.
    pub fn parse(bytes: &[u8], origin: &Path) -> Result<Self> {
        Self::unlock(bytes, origin, &NoSecrets)
    }

    fn unlock(bytes: &[u8], origin: &Path, secrets: &dyn Secrets) -> Result<Self> {
        let wrong = |reason| Error::ParseKey { path: origin.to_owned(), reason };
        let pair = match envelope(bytes).map_err(wrong)? {
            Envelope::Plain(key) => pair(&key).map_err(wrong)?,
            Envelope::Locked(key) => {
                let passphrase = secrets.secret(Purpose::Open, origin)?;
                let plain = unlock(&key, &passphrase).map_err(|closed| match closed {
                    Closed::WrongPassphrase => {
                        Error::Key(KeyError::WrongPassphrase { key: origin.to_owned() })
                    }
                    Closed::Unsupported(why) => {
                        Error::Key(KeyError::Encryption { key: origin.to_owned(), why })
                    }
                })?;
                pair(&plain).map_err(wrong)?
            }
            Envelope::LockedByPem => {
                let why = "expected PKCS#8, found the encryption that PEM itself once had";
                return Err(Error::Key(KeyError::Encryption { key: origin.to_owned(), why }));
            }
        };
        Self::over(Box::new(pair), origin)
    }

    /// A key that lies elsewhere: an HSM, a key service. `origin` is for messages.
    pub async fn from_source(source: &dyn KeySource, origin: &Path) -> Result<Self> {
        let key = source.as_sign().await.map_err(|source| Error::Sign { key: origin.to_owned(), source })?;
        Self::over(key, origin)
    }

    pub(super) fn over(pair: Box<dyn Sign>, origin: &Path) -> Result<Self> {
        let id = key_id(&pair.tuf_key())?;
        Ok(Self { id, origin: origin.to_owned(), pair })
    }

    /// The key id: SHA-256 of the canonical public key.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// Where the key came from.
    pub fn origin(&self) -> &Path {
        &self.origin
    }

    /// The public half, as it stands in root.json.
    pub fn public(&self) -> Key {
        self.pair.tuf_key()
    }

    pub(crate) async fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        self.pair
            .sign(message, &SystemRandom::new())
            .await
            // A token or a key service says what happened in our own words.
            .map_err(|source| match source.downcast::<KeyError>() {
                Ok(error) => Error::Key(*error),
                Err(source) => Error::Sign { key: self.origin.clone(), source },
            })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("id", &self.id).field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// A private file, whole: a key or a passphrase. Others must not be able to read it; a pipe has no such others.
pub(super) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let read = |source| Error::ReadKey { path: path.to_owned(), source };
    let file = plain::open_or_pipe(path).map_err(read)?;
    let metadata = file.metadata().map_err(read)?;
    let mode = metadata.mode() & 0o777;
    if metadata.is_file() && mode & 0o077 != 0 {
        return Err(Error::KeyReadableByOthers { path: path.to_owned(), mode });
    }
    let mut bytes =
        Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0).min(1 << 16)));
    file.take(MAX_KEY_FILE).read_to_end(&mut bytes).map_err(read)?;
    Ok(bytes)
}

/// Whether the bytes of a file are a private key, encrypted or not, or have one in them.
pub(crate) fn is_private(bytes: &[u8]) -> bool {
    let begin = |line: &[u8]| {
        line.starts_with(b"-----BEGIN ") && line.trim_ascii_end().ends_with(b"PRIVATE KEY-----")
    };
    if bytes.split(|byte| *byte == b'\n').any(begin) {
        return true;
    }
    // DER begins with a sequence.
    bytes.first() == Some(&0x30) && (is_locked(bytes) || pair(bytes).is_ok())
}

/// What a key file holds, by its outer form.
enum Envelope {
    Plain(Zeroizing<Vec<u8>>),
    Locked(Zeroizing<Vec<u8>>),
    LockedByPem,
}

fn envelope(bytes: &[u8]) -> Result<Envelope, &'static str> {
    if !bytes.starts_with(b"-----BEGIN") && !bytes.windows(11).any(|window| window == b"\n-----BEGIN") {
        let bytes = Zeroizing::new(bytes.to_vec());
        return Ok(if is_locked(&bytes) { Envelope::Locked(bytes) } else { Envelope::Plain(bytes) });
    }
    // `openssl ecparam -genkey` puts an EC PARAMETERS block before the key.
    let blocks = pem::parse_many(bytes).map_err(|_| "expected PEM or DER, found damaged PEM")?;
    let block = blocks.into_iter().find(|block| block.tag().ends_with("PRIVATE KEY"));
    let block = block.ok_or("expected a private key, found none")?;
    if block.headers().get("Proc-Type").is_some() {
        return Ok(Envelope::LockedByPem);
    }
    let locked = block.tag().starts_with("ENCRYPTED");
    let bytes = Zeroizing::new(block.into_contents());
    Ok(if locked { Envelope::Locked(bytes) } else { Envelope::Plain(bytes) })
}

/// PKCS#8 of the three kinds, SEC 1 for ECDSA, PKCS#1 for RSA: everything `openssl genpkey`, `ecparam` and `genrsa` write.
fn pair(bytes: &[u8]) -> Result<SignKeyPair, &'static str> {
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8(bytes) {
        return Ok(SignKeyPair::ED25519(pair));
    }
    if let Ok(pair) = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, bytes) {
        return Ok(SignKeyPair::ECDSA(pair));
    }
    if let Ok(pair) = RsaKeyPair::from_pkcs8(bytes).or_else(|_| RsaKeyPair::from_der(bytes)) {
        return Ok(SignKeyPair::RSA(pair));
    }
    Err("expected an Ed25519, ECDSA P-256 or RSA (2048 to 8192 bits) private key")
}

/// The largest RSA key is well below this.
pub(crate) const MAX_KEY_FILE: u64 = 64 << 10;
