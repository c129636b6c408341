//! Makes key files: PKCS#8 PEM that openssl reads too, mode 0600, never over an existing file.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use clap::ValueEnum;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::keys::locked::lock;
use crate::keys::{Secret, Signer};

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

/// A key just made.
#[derive(Debug)]
pub struct NewKey {
    /// It can sign at once.
    pub signer: Signer,
    /// The file beside it that may be handed around.
    pub public_file: PathBuf,
}

/// Makes `path` (private, 0600) and `path.pub` (public, as TUF JSON).
pub fn generate(kind: KeyKind, path: &Path) -> Result<NewKey> {
    let der = private_der(kind).map_err(|_| Error::GenerateKey { path: path.to_owned() })?;
    let signer = Signer::parse(&der, path)?;
    write_pair(signer, "PRIVATE KEY", &der, path)
}

/// [`generate`] with the private key encrypted: PBES2 with scrypt and AES-256-CBC. The plain key never touches the disk.
pub fn generate_locked(kind: KeyKind, path: &Path, passphrase: &Secret) -> Result<NewKey> {
    let failed = || Error::GenerateKey { path: path.to_owned() };
    let der = private_der(kind).map_err(|_| failed())?;
    let signer = Signer::parse(&der, path)?;
    let locked = lock(&der, passphrase).ok_or_else(failed)?;
    write_pair(signer, "ENCRYPTED PRIVATE KEY", &locked, path)
}

fn write_pair(signer: Signer, tag: &str, der: &[u8], path: &Path) -> Result<NewKey> {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    let text = Zeroizing::new(pem::encode_config(&pem::Pem::new(tag, der), config));

    let mut public_name = path.as_os_str().to_owned();
    public_name.push(".pub");
    let public_file = PathBuf::from(public_name);
    let mut public = serde_json::to_vec_pretty(&signer.public())
        .map_err(|source| Error::Encode { what: "public key", source: Box::new(source) })?;
    public.push(b'\n');

    if public_file.exists() {
        // Before the private key is there: half a pair helps nobody.
        return Err(Error::KeyExists { path: public_file });
    }
    write_new(path, text.as_bytes(), 0o600)?;
    write_new(&public_file, &public, 0o644)?;
    Ok(NewKey { signer, public_file })
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

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        // A folder that is made for keys is nobody else's.
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        File::open(dir)?.sync_all()
    };
    write().map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => Error::KeyExists { path: path.to_owned() },
        _ => Error::WriteFile { path: path.to_owned(), source },
    })
}
