//! What a key is called: a file, or a key on a token.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::keys::public::public_of_file;
use crate::keys::token::TokenKey;
use crate::keys::{KeyError, Secrets, Signer, token};
use crate::names;
use tough::schema::key::Key;

/// The name of a key, as `--key` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyName {
    /// A file.
    File(PathBuf),
    /// `pkcs11:…`
    Token(TokenKey),
}

impl KeyName {
    /// Reads a name. Nothing is opened.
    ///
    /// # Errors
    /// A URI with a PIN in it, or one that names no single key; the error repeats no value of it.
    pub fn parse(name: &Path) -> Result<Self> {
        let text = name.to_string_lossy();
        let (scheme, rest) = text.split_once(':').unwrap_or_default();
        if scheme != "pkcs11" {
            return Ok(Self::File(name.to_owned()));
        }
        TokenKey::parse(rest)
            .map(Self::Token)
            .map_err(|reason| Error::Key(KeyError::Name { scheme: scheme.to_owned(), reason }))
    }

    /// What people may call it: the file's name without its end, or its label on the token.
    pub(crate) fn short(&self) -> Option<String> {
        match self {
            Self::File(path) => names::of_file(path),
            Self::Token(key) => key.object.clone().filter(|label| names::is_name(label)),
        }
    }
}

/// Opens a key, wherever it lies.
pub fn open(name: &Path, secrets: &dyn Secrets) -> Result<Signer> {
    match KeyName::parse(name)? {
        KeyName::File(path) => Signer::open_file(&path, secrets),
        KeyName::Token(key) => token::open(&key, name, secrets),
    }
}

/// The public half of a key, wherever it lies.
pub fn open_public(name: &Path, secrets: &dyn Secrets) -> Result<Key> {
    match KeyName::parse(name)? {
        KeyName::File(path) => public_of_file(&path, secrets),
        KeyName::Token(_) => Ok(open(name, secrets)?.public()),
    }
}
