//! Why there is no initramfs.

use std::io;
use std::path::PathBuf;

use crate::tools;

/// An initramfs was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the kernel's package cannot be read.
    #[error("failed to read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A module that the kernel's package does not have.
    #[error("failed to find kernel module {name}{}", .by.as_ref().map(|by| format!(" that {by} depends on")).unwrap_or_default())]
    NoModule {
        /// The module.
        name: String,
        /// The module that depends on it; `None`: the recipe names it.
        by: Option<String>,
        /// The module whose name is nearest.
        nearest: Option<String>,
    },
    /// A file that is no kernel module.
    #[error("failed to read kernel module {path}: expected a 64-bit ELF file with .modinfo")]
    NoElf {
        /// The file.
        path: PathBuf,
    },
    /// zstd failed.
    #[error("failed to compress the initramfs")]
    Compress {
        /// zstd's error.
        source: io::Error,
    },
    /// xz failed.
    #[error(transparent)]
    Tool(#[from] tools::Error),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::NoModule { nearest: Some(nearest), .. } => Some(format!("did you mean {nearest}?")),
            Error::NoModule { by: None, .. } => Some(
                "kernel.modules and kernel.root_modules of the recipe name modules of its kernel".to_owned(),
            ),
            Error::Tool(error) => error.hint(),
            Error::NoModule { .. } | Error::Read { .. } | Error::NoElf { .. } | Error::Compress { .. } => {
                None
            }
        }
    }
}
