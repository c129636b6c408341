//! What can be wrong with a lock.

use std::io;
use std::path::PathBuf;

use crate::Arch;

/// A lock that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is none.
    #[error("failed to find the lock {path}")]
    Absent {
        /// Where it should be.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("failed to read the lock {path}")]
    Read {
        /// The lock.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It is no TOML, or not a lock's.
    #[error("failed to parse the lock {path}")]
    Parse {
        /// The lock.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A value that no lock has.
    #[error("failed to accept the lock {path}: {problem}")]
    Value {
        /// The lock.
        path: PathBuf,
        /// Expected and found.
        problem: String,
    },
    /// It is for another architecture.
    #[error("failed to use the lock {path}: expected {expected}, found {found}")]
    OtherArch {
        /// The lock.
        path: PathBuf,
        /// What is built.
        expected: Arch,
        /// What it is for.
        found: String,
    },
    /// The recipe has changed since.
    #[error("failed to use the lock: the recipe has changed since: {difference}")]
    Stale {
        /// The first difference.
        difference: String,
    },
    /// It could not be written.
    #[error("failed to write the lock {path}")]
    Write {
        /// The lock.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Absent { .. } | Error::Stale { .. } => {
                Some("--update-lock looks the packages up anew and writes it".to_owned())
            }
            Error::Parse { .. } | Error::Value { .. } | Error::OtherArch { .. } => {
                Some("a lock is not edited by hand; --update-lock writes it anew".to_owned())
            }
            Error::Read { .. } | Error::Write { .. } => None,
        }
    }
}
