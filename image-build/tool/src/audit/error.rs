//! What can go wrong in an audit.

use std::io;
use std::path::PathBuf;

use super::ParseCheckError;

/// An audit that came to no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the root cannot be read.
    #[error("failed to audit {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// An exception from no rule.
    #[error("failed to except {path} from a check")]
    Check {
        /// The exception's path.
        path: String,
        /// What it names.
        source: ParseCheckError,
    },
    /// An exception for no path.
    #[error("failed to except {path}")]
    Glob {
        /// The exception's path.
        path: String,
        /// What is wrong with it.
        source: globset::Error,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Check { .. } | Error::Glob { .. } => {
                Some("correct [[audit]] in the recipe; docs/container.md lists the checks".to_owned())
            }
            Error::Read { .. } => None,
        }
    }
}
