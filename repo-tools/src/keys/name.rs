//! What a key is called: a file, a key on a token, or a key in a key service.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::keys::public::public_of_file;
use crate::keys::token::TokenKey;
use crate::keys::unsaid::is_said;
use crate::keys::{KeyError, KmsKey, NoSecrets, Secrets, Signer, kms, token};
use crate::names;
use tough::schema::key::Key;

/// The name of a key, as `--key` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyName {
    /// A file.
    File(PathBuf),
    /// `pkcs11:…`
    Token(TokenKey),
    /// `aws-kms:…`
    Kms(KmsKey),
}

impl KeyName {
    /// Reads a name. Nothing is opened.
    ///
    /// # Errors
    /// A URI with a PIN in it, or one that names no single key; the error repeats no value of it.
    pub fn parse(name: &Path) -> Result<Self> {
        Self::read(name).map_err(Error::Key)
    }

    pub(crate) fn read(name: &Path) -> Result<Self, KeyError> {
        let text = name.to_string_lossy();
        let (scheme, rest) = text.split_once(':').unwrap_or_default();
        // A scheme has no case, and what is a URI to anybody must not be repeated as a file that is not there.
        let (scheme, read) = match scheme.to_ascii_lowercase().as_str() {
            "pkcs11" => ("pkcs11", TokenKey::parse(rest).map(Self::Token)),
            "aws-kms" => ("aws-kms", KmsKey::parse(rest).map(Self::Kms)),
            // A typo in front of a PIN does not make it a file that is not there.
            _ if is_said(&text) => ("pkcs11", Err("expected it to begin with pkcs11:".to_owned())),
            _ => return Ok(Self::File(name.to_owned())),
        };
        read.map_err(|reason| KeyError::Name { scheme, reason })
    }

    /// The same key, named in a file of this folder: paths are relative to it.
    pub(crate) fn in_dir(self, dir: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(dir.join(path)),
            Self::Token(key) => Self::Token(key.in_dir(dir)),
            Self::Kms(key) => Self::Kms(key),
        }
    }

    /// The public half. `origin` is the name as typed; it holds no secret.
    pub(crate) fn open_public(&self, origin: &Path, secrets: &dyn Secrets) -> Result<Key> {
        match self {
            Self::File(path) => public_of_file(path, secrets),
            Self::Token(key) => Ok(token::open(key, origin, secrets)?.public()),
            Self::Kms(key) => Ok(kms::open(key, origin)?.public()),
        }
    }

    /// The public half as far as it can be seen without a secret; that it belongs to the private one is not proven.
    pub(crate) fn see_public(&self, origin: &Path) -> Result<Key> {
        match self {
            Self::File(path) => public_of_file(path, &NoSecrets),
            Self::Token(key) => token::see(key, origin),
            Self::Kms(key) => key.see(origin),
        }
    }

    /// What people may call it: the file's name without its end, its label on the token, its alias.
    pub(crate) fn short(&self) -> Option<String> {
        match self {
            Self::File(path) => names::of_file(path),
            Self::Token(key) => key.object.clone().filter(|label| names::is_name(label)),
            Self::Kms(key) => key.alias().filter(|alias| names::is_name(alias)).map(str::to_owned),
        }
    }
}

/// Opens a key, wherever it lies.
pub fn open(name: &Path, secrets: &dyn Secrets) -> Result<Signer> {
    match KeyName::parse(name)? {
        KeyName::File(path) => Signer::open_file(&path, secrets),
        KeyName::Token(key) => token::open(&key, name, secrets),
        KeyName::Kms(key) => kms::open(&key, name),
    }
}

/// The public half of a key, wherever it lies.
pub fn open_public(name: &Path, secrets: &dyn Secrets) -> Result<Key> {
    KeyName::parse(name)?.open_public(name, secrets)
}
