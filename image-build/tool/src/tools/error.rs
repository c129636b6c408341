//! Why a program of others did not do its part.

use std::io;

/// A program is missing or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is not installed.
    #[error("failed to find {program}: it is not in PATH")]
    Missing {
        /// The program.
        program: &'static str,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// It did not start.
    #[error("failed to start {program}")]
    Start {
        /// The program.
        program: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// It ended badly.
    #[error("failed to run {program}: {status}: {said}")]
    Failed {
        /// The program.
        program: &'static str,
        /// How it ended.
        status: String,
        /// Its last words.
        said: String,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Missing { package, .. } if package.contains(' ') => {
                Some(format!("it comes with {package}"))
            }
            Error::Missing { package, .. } => Some(format!("apt-get install {package}")),
            Error::Failed { said, .. } if said.contains("No space left") => Some(
                "make room on the file system of --out; an image needs about three times its size".to_owned(),
            ),
            Error::Start { .. } | Error::Failed { .. } => None,
        }
    }
}
