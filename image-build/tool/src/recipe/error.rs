//! What is wrong with a recipe.

use std::io;
use std::path::PathBuf;

/// A recipe that makes no image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be read.
    #[error("failed to read recipe {path}")]
    Read {
        /// The recipe.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It is no TOML, or a value has the wrong type.
    #[error("failed to parse recipe {path}")]
    Parse {
        /// The recipe.
        path: PathBuf,
        /// Where and why.
        source: toml::de::Error,
    },
    /// A key that nobody knows.
    #[error("failed to parse recipe {path}: unknown key {key}")]
    UnknownKey {
        /// The recipe.
        path: PathBuf,
        /// The key, with its section.
        key: String,
        /// The known key that is nearest.
        nearest: Option<String>,
    },
    /// A value that cannot be meant.
    #[error("failed to accept recipe {path}: {key}: {problem}")]
    Value {
        /// The recipe.
        path: PathBuf,
        /// The key.
        key: String,
        /// Expected and found.
        problem: String,
    },
    /// No recipe of this name.
    #[error("failed to find variant {name:?}: expected one of {}", .known.join(", "))]
    NoVariant {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The recipe is not for this architecture.
    #[error("failed to build {variant} for {arch}: its recipe is for {}", .known.join(", "))]
    NotFor {
        /// The variant.
        variant: String,
        /// The architecture asked for.
        arch: crate::Arch,
        /// Those of the recipe.
        known: Vec<String>,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::UnknownKey { nearest: Some(nearest), .. } => Some(format!("did you mean {nearest}?")),
            Error::UnknownKey { nearest: None, .. } | Error::Parse { .. } | Error::Value { .. } => {
                Some("docs/image.md lists the keys of a recipe".to_owned())
            }
            Error::NoVariant { .. } => Some("a recipe of your own is named with --recipe FILE".to_owned()),
            Error::NotFor { .. } => Some("add it to arch and to kernel.package in the recipe".to_owned()),
            Error::Read { .. } => None,
        }
    }
}
