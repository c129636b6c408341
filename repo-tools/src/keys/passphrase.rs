//! Where the program takes passphrases from: a file, a descriptor, or the person at the terminal.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::keys::KeyError;
use crate::keys::read::read_private;
use crate::keys::secret::{Purpose, Secret, Secrets};
use crate::keys::terminal::ask;

/// Where passphrases come from. Never an argument or a variable: other processes can read those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passphrases {
    /// The terminal; without one, a locked key stays closed.
    Terminal,
    /// The first line of a file that only its owner can read.
    File(PathBuf),
    /// The first line from a descriptor that the caller opened.
    Descriptor(u32),
}

impl Secrets for Passphrases {
    fn secret(&self, purpose: Purpose, key: &Path) -> Result<Secret> {
        let secret = match self {
            // A PIN has its own source, in the URI of its key.
            _ if purpose == Purpose::Pin => typed(purpose, key)?,
            Self::File(path) => Secret::first_line(&read_private(path)?),
            Self::Descriptor(number) => {
                let path = PathBuf::from(format!("/proc/self/fd/{number}"));
                line_of(&path)
                    .map_err(|source| Error::Key(KeyError::Descriptor { number: *number, source }))?
            }
            Self::Terminal => typed(purpose, key)?,
        };
        if secret.is_empty() {
            return Err(Error::Key(KeyError::NoSecret { key: key.to_owned() }));
        }
        Ok(secret)
    }
}

fn typed(purpose: Purpose, key: &Path) -> Result<Secret> {
    let name = key.display();
    let prompt = match purpose {
        Purpose::Open => format!("Passphrase for {name}: "),
        Purpose::Lock => format!("New passphrase for {name}: "),
        Purpose::Pin => format!("PIN for {name}: "),
    };
    let Some(secret) = ask(&prompt).map_err(|source| Error::Key(KeyError::Ask { source }))? else {
        let key = key.to_owned();
        return Err(Error::Key(match purpose {
            Purpose::Pin => KeyError::TokenLocked { key },
            Purpose::Open | Purpose::Lock => KeyError::Locked { key },
        }));
    };
    if purpose == Purpose::Lock {
        let again = ask("The same again: ").map_err(|source| Error::Key(KeyError::Ask { source }))?;
        if again.as_ref().map(Secret::expose) != Some(secret.expose()) {
            return Err(Error::Key(KeyError::TypedDiffers));
        }
    }
    Ok(secret)
}

/// One line and no byte more, so that several readers can share a pipe.
fn line_of(path: &Path) -> std::io::Result<Secret> {
    let mut file = File::open(path)?;
    let mut line = Vec::with_capacity(MAX_LINE);
    let mut byte = [0];
    while line.len() < MAX_LINE && file.read(&mut byte)? == 1 && byte != *b"\n" {
        line.extend(byte);
    }
    let secret = Secret::first_line(&line);
    zeroize::Zeroize::zeroize(&mut line);
    Ok(secret)
}

/// Longer than anybody's passphrase; the buffer never moves, so that no copy stays behind.
const MAX_LINE: usize = 4096;
