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

use tough::schema::key::Key;

pub use difference::{Change, Difference, differences};
pub use error::IntentError;
pub use meant::{Accepted, Intent, KeyRef, NamedKey, RoleIntent, WaveIntent};

use crate::error::{Error, Result};
use crate::files::{self, Files};
use crate::keys::{Secrets, key_id, open_public};

impl Intent {
    /// The intent in a working folder; the defaults where it has no `repo.toml`.
    pub fn read(files: &dyn Files, dir: &Path) -> Result<Self> {
        let path = dir.join(FILE_NAME);
        let bytes = files::read(files, &path, MAX)
            .map_err(|source| Error::ReadFile { path: path.clone(), source })?;
        let Some(bytes) = bytes else { return Ok(Self::default()) };
        Self::parse(&bytes, dir).map_err(|source| Error::Intent { path, source })
    }

    /// All keys that it names, by name. Those on tokens are opened, and prove that their halves belong together.
    pub fn known_keys(&self, secrets: &dyn Secrets) -> Result<BTreeMap<String, KnownKey>> {
        let known = self.keys().into_iter().map(|named| {
            let key = match &named.key {
                KeyRef::Id(id) => return Ok((named.name, KnownKey { id: id.clone(), public: None })),
                KeyRef::File(path) => open_public(path, secrets)?,
                KeyRef::Elsewhere { uri, name } => name.open_public(uri, secrets)?,
            };
            let id = hex::encode(key_id(&key)?);
            Ok((named.name, KnownKey { id, public: Some(key) }))
        });
        known.collect()
    }

    /// Reads the text of a `repo.toml` that lies in `dir`.
    pub fn parse(bytes: &[u8], dir: &Path) -> Result<Self, IntentError> {
        Self::of(merged::Merged::over_defaults(typed::Typed::parse(bytes)?), dir)
    }
}

/// A key that was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// Its id.
    pub id: String,
    /// Itself; `None`: only the id is known.
    pub public: Option<Key>,
}

/// Its name in the working folder.
pub const FILE_NAME: &str = "repo.toml";
/// What `init` writes: the defaults, said aloud.
pub const DEFAULT: &str = include_str!("default.toml");
/// Far above any intent that people write.
const MAX: u64 = 1 << 20;
