//! Makes key files: PKCS#8 PEM that openssl reads too, mode 0600, never over an existing file.

use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use clap::ValueEnum;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::files::{self, Files};
use crate::keyring;
use crate::keys::locked::lock;
use crate::keys::{NoSecrets, Purpose, Secret, Secrets, Signer, pair};

/// The kinds of key that TUF clients verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyKind {
    /// Ed25519: small, fast, deterministic.
    Ed25519,
    /// ECDSA on P-256 with SHA-256.
    Ecdsa,
    /// RSA of 3072 bits, RSASSA-PSS with SHA-256.
    Rsa,
}

impl KeyKind {
    /// In one word, as a listing calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Ecdsa => "ecdsa",
            Self::Rsa => "rsa",
        }
    }
}

/// A key just made.
#[derive(Debug)]
pub struct NewKey {
    /// It can sign at once.
    pub signer: Signer,
    /// The file beside it that may be handed around.
    pub public_file: PathBuf,
}

impl NewKey {
    /// Takes both files away again, as far as the disk lets it: nobody has seen them.
    pub(crate) fn forget(&self, path: &Path) {
        for file in [path, &self.public_file] {
            let _ = fs::remove_file(file);
        }
    }
}

/// The whole pair that an earlier run has made with the same words; `None` when there is none.
pub(crate) fn take_up(kind: KeyKind, path: &Path, passphrase: Option<&Secret>) -> Result<Option<NewKey>> {
    let public_file = pair::public_file(path);
    if !path.exists() || !public_file.exists() {
        return Ok(None);
    }
    let plain = Signer::open_file(path, &NoSecrets);
    let signer = match (plain, passphrase) {
        (Ok(signer), None) => signer,
        (Err(_), Some(passphrase)) => match Signer::open_file(path, &Given(passphrase)) {
            Ok(signer) => signer,
            Err(_) => return Ok(None),
        },
        // Locked and not asked for, or open to anybody where a lock was asked for.
        (Ok(_), Some(_)) | (Err(_), None) => return Ok(None),
    };
    let read = |source| Error::ReadKey { path: public_file.clone(), source };
    let is_pair = fs::read(&public_file).map_err(read)? == pair::public_bytes(&signer)?;
    let is_asked = keyring::kind(&signer.public()) == kind.name();
    Ok((is_pair && is_asked).then_some(NewKey { signer, public_file }))
}

/// Makes `path` (private, 0600) and `path.pub` (public, as TUF JSON): both, or neither.
pub fn generate(kind: KeyKind, path: &Path) -> Result<NewKey> {
    match pair::half(path, &NoSecrets)? {
        Some(half) => half.complete(),
        None => Fresh::make(kind, path, None)?.write(path),
    }
}

/// [`generate`] with the private key encrypted: PBES2 with scrypt and AES-256-CBC. The plain key never touches the disk.
pub fn generate_locked(kind: KeyKind, path: &Path, passphrase: &Secret) -> Result<NewKey> {
    match locked_half(path, passphrase)? {
        Some(half) => half.complete(),
        None => Fresh::make(kind, path, Some(passphrase))?.write(path),
    }
}

/// [`generate`] or [`generate_locked`] of a key that is thrown away: `files` remembers what would be written.
pub fn rehearse(
    files: &dyn Files,
    kind: KeyKind,
    path: &Path,
    passphrase: Option<&Secret>,
) -> Result<NewKey> {
    let half = match passphrase {
        None => pair::half(path, &NoSecrets)?,
        Some(passphrase) => locked_half(path, passphrase)?,
    };
    let put = |path: &Path, bytes: &[u8]| {
        files::ensure_dir(files, files::parent(path))
            .and_then(|()| files::put_bytes(files, path, bytes))
            .map_err(|source| Error::WriteFile { path: path.to_owned(), source })
    };
    let public_file = pair::public_file(path);
    let signer = if let Some(half) = half {
        half.signer
    } else {
        let Fresh { signer, private } = Fresh::make(kind, path, passphrase)?;
        put(path, private.as_bytes())?;
        signer
    };
    put(&public_file, &pair::public_bytes(&signer)?)?;
    Ok(NewKey { signer, public_file })
}

/// What a cut run left of a key with this passphrase. A key that anybody can open is not what was asked for.
fn locked_half(path: &Path, passphrase: &Secret) -> Result<Option<pair::Half>> {
    let half = pair::half(path, &Given(passphrase))?;
    if half.is_some() && Signer::open_file(path, &NoSecrets).is_ok() {
        return Err(Error::KeyExists { path: path.to_owned(), private: true });
    }
    Ok(half)
}

/// A key that is in no file yet.
struct Fresh {
    signer: Signer,
    /// What its file will hold.
    private: Zeroizing<String>,
}

impl Fresh {
    fn make(kind: KeyKind, path: &Path, passphrase: Option<&Secret>) -> Result<Self> {
        let failed = || Error::GenerateKey { path: path.to_owned() };
        let der = private_der(kind).map_err(|_| failed())?;
        let signer = Signer::parse(&der, path)?;
        let pem = match passphrase {
            None => pem::Pem::new("PRIVATE KEY", der.as_slice()),
            Some(passphrase) => {
                let locked = lock(&der, passphrase).ok_or_else(failed)?;
                pem::Pem::new("ENCRYPTED PRIVATE KEY", locked.as_slice())
            }
        };
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        Ok(Self { signer, private: Zeroizing::new(pem::encode_config(&pem, config)) })
    }

    fn write(self, path: &Path) -> Result<NewKey> {
        let public = pair::public_bytes(&self.signer)?;
        let public_file = pair::write(path, self.private.as_bytes(), &public)?;
        Ok(NewKey { signer: self.signer, public_file })
    }
}

/// The passphrase that was given for the new key opens the one that a cut run has made.
#[derive(Debug)]
struct Given<'a>(&'a Secret);

impl Secrets for Given<'_> {
    fn secret(&self, _: Purpose, _: &Path) -> Result<Secret> {
        Ok(Secret::new(self.0.expose().to_vec()))
    }
}

fn private_der(kind: KeyKind) -> Result<Zeroizing<Vec<u8>>, aws_lc_rs::error::Unspecified> {
    Ok(Zeroizing::new(match kind {
        // Version 1 (without the public half), as openssl writes it: every reader knows it.
        KeyKind::Ed25519 => Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref().to_vec(),
        KeyKind::Ecdsa => {
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?.to_pkcs8v1()?.as_ref().to_vec()
        }
        KeyKind::Rsa => {
            let der: Pkcs8V1Der<'_> = KeyPair::generate(KeySize::Rsa3072)?.as_der()?;
            der.as_ref().to_vec()
        }
    }))
}
