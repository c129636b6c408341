//! Why this boot ends in a restart.

use std::io;
use std::path::PathBuf;

use partition_core::Guid;

use crate::CmdlineError;

/// The result of a step.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Why this boot ends in a restart.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The command line does not say what there is to boot.
    #[error("failed to read the command line")]
    Cmdline(#[from] CmdlineError),
    /// A file could not be read, written or made.
    #[error("failed to {verb} {path}")]
    File {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A kernel module did not load.
    #[error("failed to load module {name}")]
    Module {
        /// Its file.
        name: String,
        /// The system's error.
        source: io::Error,
    },
    /// The partitions of the slot did not appear.
    #[error("failed to find partitions {root} (root) and {hash} (hash) of one disk in {seconds} s")]
    NoDisk {
        /// PARTUUID.
        root: Guid,
        /// PARTUUID.
        hash: Guid,
        /// How long it was waited.
        seconds: u64,
    },
    /// The device mapper refused.
    #[error("failed to {verb} the verity device")]
    Mapper {
        /// What was tried.
        verb: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// A file system did not mount.
    #[error("failed to mount {what} on {on}")]
    Mount {
        /// Device or kind.
        what: String,
        /// Where.
        on: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The root's own init did not start.
    #[error("failed to start {program}")]
    Start {
        /// Its path in the root.
        program: String,
        /// The system's error.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`.
    pub(crate) fn file(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::File { verb, path, source }
    }
}
