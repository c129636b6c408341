//! Passphrases and PINs: kept short, wiped, never printed; and the edge to whoever knows them.

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::keys::KeyError;

/// A passphrase or PIN. Wiped when dropped; prints nothing of itself.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The first line of `bytes`, without its end.
    pub(super) fn first_line(bytes: &[u8]) -> Self {
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        Self::new(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
    }

    /// The bytes, for the one who needs them now.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Opens an encrypted key file.
    Open,
    /// Locks a new key file; a person types it twice.
    Lock,
    /// Opens a token.
    Pin,
}

/// Who is asked for secrets.
pub trait Secrets: fmt::Debug {
    /// The secret of the key named `key`.
    fn secret(&self, purpose: Purpose, key: &Path) -> Result<Secret>;
}

/// Knows none: an encrypted key stays closed.
#[derive(Debug, Clone, Copy)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn secret(&self, _: Purpose, key: &Path) -> Result<Secret> {
        Err(Error::Key(KeyError::Locked { key: key.to_owned() }))
    }
}
