//! What can go wrong between the name of a key and its signature. No message holds a passphrase, a PIN or private bytes.

use std::io;
use std::path::PathBuf;

use updater_core::Exit;

use crate::keys::{KmsFault, KmsFaultKind};

/// A key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "every field is in the sentence above it")]
pub enum KeyError {
    /// Nobody gave the passphrase.
    #[error("refused key {}: it is encrypted and there is no passphrase", key.display())]
    Locked { key: PathBuf },
    /// The passphrase does not open it.
    #[error("failed to open key {}: the passphrase is wrong", key.display())]
    WrongPassphrase { key: PathBuf },
    /// No passphrase would open it.
    #[error("failed to open key {}: {why}", key.display())]
    Encryption { key: PathBuf, why: &'static str },
    /// Nothing was typed, or the file begins with an empty line.
    #[error("failed to open key {}: the passphrase is empty", key.display())]
    NoSecret { key: PathBuf },
    /// A URI names no single key, or has a PIN in it.
    #[error("refused a key named {scheme}:…: {reason}")]
    Name { scheme: &'static str, reason: String },
    /// The token wants a PIN.
    #[error("refused key {}: its token asks for a PIN", key.display())]
    TokenLocked { key: PathBuf },
    /// A token says no.
    #[error("failed to use key {}: {reason}", key.display())]
    Refused { key: PathBuf, reason: String },
    /// A key service says no, or nothing.
    #[error("failed to use key {}: {fault}", key.display())]
    Service { key: PathBuf, fault: KmsFault },
    /// No descriptor of this number can be read.
    #[error("failed to read descriptor {number}")]
    Descriptor { number: u32, source: io::Error },
    /// The terminal failed or Ctrl-C was typed.
    #[error("failed to ask for a secret on the terminal")]
    Ask { source: io::Error },
    /// A new passphrase was typed twice, and not the same.
    #[error("the two passphrases differ")]
    TypedDiffers,
}

impl KeyError {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Service { fault, .. } if fault.kind.is_transient() => Exit::Transient,
            Self::Service { fault, .. } if fault.kind == KmsFaultKind::Bug => Exit::Bug,
            Self::Service { .. }
            | Self::Locked { .. }
            | Self::Name { .. }
            | Self::TokenLocked { .. }
            | Self::Refused { .. }
            | Self::WrongPassphrase { .. }
            | Self::Encryption { .. }
            | Self::NoSecret { .. }
            | Self::Descriptor { .. }
            | Self::Ask { .. }
            | Self::TypedDiffers => Exit::Usage,
        }
    }

    /// The word for scripts.
    pub fn reason(&self) -> &'static str {
        match self.exit() {
            Exit::Transient => "transient",
            Exit::Bug => "bug",
            _ => "key",
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Locked { .. } | Self::NoSecret { .. } => Some(
                "give it with --passphrase-file FILE or --passphrase-fd N (its first line), or run this at a terminal",
            ),
            Self::Encryption { .. } => {
                Some("openssl pkcs8 -topk8 -scrypt -in KEY -out NEW, on a machine you trust")
            }
            Self::TokenLocked { .. } => Some(
                "add ?pin-source=file:FILE to the URI (its first line is the PIN), or run this at a terminal",
            ),
            Self::Name { scheme: "aws-kms", .. } => {
                Some("aws-kms:///KEY?region=REGION, where KEY is an id, alias/NAME or an ARN")
            }
            Self::Name { .. } => {
                Some("pkcs11:token=NAME;object=NAME?pin-source=file:FILE&module-path=LIBRARY")
            }
            Self::Service { fault, .. } => Some(fault.kind.hint()),
            Self::WrongPassphrase { .. } => Some("run it again, or name another file with --passphrase-file"),
            Self::Refused { .. } => {
                Some("run \"updog-repo key show KEY\": it says whether the key can be reached")
            }
            Self::Ask { .. } => {
                Some("give it with --passphrase-file FILE or --passphrase-fd N (its first line)")
            }
            Self::Descriptor { .. } => Some("open it for this command, as in: --passphrase-fd 3 3< FILE"),
            Self::TypedDiffers => Some("run it again, and type the same twice"),
        }
    }
}
