//! `repo.toml`: what a repository is meant to be. It is committed by its users and holds nothing secret.
//!
//! Three layers: [`typed`] (as in the file) → [`merged`] (over the defaults) → [`Intent`] (what it means).

mod difference;
mod error;
mod keys;
mod meant;
mod merged;
mod typed;

use std::collections::BTreeMap;
use std::path::Path;

pub use difference::{Change, Difference, differences};
pub use error::IntentError;
pub use meant::{Accepted, Intent, KeyRef, NamedKey, RoleIntent, WaveIntent};

use crate::error::{Error, Result};
use crate::files::{self, Files};
use crate::keys::{key_id, public_key};

impl Intent {
    /// The intent in a working folder; the defaults where it has no `repo.toml`.
    pub fn read(files: &dyn Files, dir: &Path) -> Result<Self> {
        let path = dir.join(FILE_NAME);
        let bytes = files::read(files, &path, MAX)
            .map_err(|source| Error::ReadFile { path: path.clone(), source })?;
        let Some(bytes) = bytes else { return Ok(Self::default()) };
        Self::parse(&bytes, dir).map_err(|source| Error::Intent { path, source })
    }

    /// The ids of all keys that it names, by name.
    pub fn key_ids(&self) -> Result<BTreeMap<String, String>> {
        let ids = self.keys().into_iter().map(|named| {
            let id = match named.key {
                KeyRef::Id(id) => id,
                KeyRef::File(path) => hex::encode(key_id(&public_key(&path)?)?),
            };
            Ok((named.name, id))
        });
        ids.collect()
    }

    /// Reads the text of a `repo.toml` that lies in `dir`.
    pub fn parse(bytes: &[u8], dir: &Path) -> Result<Self, IntentError> {
        Self::of(merged::Merged::over_defaults(typed::Typed::parse(bytes)?), dir)
    }
}

/// Its name in the working folder.
pub const FILE_NAME: &str = "repo.toml";
/// What `init` writes: the defaults, said aloud.
pub const DEFAULT: &str = include_str!("default.toml");
/// Far above any intent that people write.
const MAX: u64 = 1 << 20;
