//! What lies in a store before a publish.

use std::cell::RefCell;
use std::path::PathBuf;

use updater_core::Exit;

use crate::error::Result;
use crate::metadata::{MAX_METADATA, Metadata, Shelf};
use crate::store::{Part, Store, Tag};

/// How much of what is there to believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// All of it, once it verifies: what is there is not written again.
    #[default]
    Live,
    /// Its roots and the versions that can be read. Everything is written anew; roots are never taken back.
    Roots,
}

/// What hosts see, and by which file they see it.
#[derive(Debug, Clone)]
pub struct Live {
    /// Everything that verifies.
    pub metadata: Metadata,
    /// The `timestamp.json` that a commit must find in its place; `None` when there is none.
    pub tag: Option<Tag>,
}

impl Live {
    /// Reads it. The timestamp is read once, so that its tag and what was planned by it are one file.
    pub fn read(store: &dyn Store, trust: Trust) -> Result<Self> {
        Self::read_by(store, trust, Metadata::read_from)
    }

    /// [`Live::read`] that also takes what only an older root than the newest lets pass: a publish can mend it.
    pub(crate) fn read_any(store: &dyn Store, trust: Trust) -> Result<Self> {
        Self::read_by(store, trust, Metadata::read_under_any)
    }

    fn read_by(
        store: &dyn Store,
        trust: Trust,
        by: impl FnOnce(&Shelf<'_>) -> Result<Metadata>,
    ) -> Result<Self> {
        let entries = store.list(Part::Metadata)?;
        let names: Vec<String> = entries.into_iter().map(|entry| entry.name).collect();
        let dir = PathBuf::from(format!("{}/{}", store.place(), Part::Metadata.name()));
        let tag = RefCell::new(None);
        let read = |name: &str| {
            let Some(found) = store.read(Part::Metadata, name, MAX_METADATA)? else { return Ok(None) };
            if name == "timestamp.json" {
                tag.replace(Some(found.tag));
            }
            Ok(Some(found.bytes))
        };
        let shelf = Shelf { dir: &dir, names: &names, read: &read };
        let metadata = match (by(&shelf), trust) {
            (Ok(metadata), _) => metadata,
            (Err(error), Trust::Roots) if error.exit() == Exit::Untrusted => {
                Metadata { roots: shelf.roots()?, online: None }
            }
            (Err(error), _) => return Err(error),
        };
        Ok(Self { metadata, tag: tag.into_inner() })
    }

    /// Whether `bytes` is the timestamp that hosts see.
    pub fn shows(&self, bytes: &[u8]) -> bool {
        self.metadata.online.as_ref().is_some_and(|online| online.timestamp.bytes() == bytes)
    }

    /// The version of the timestamp that hosts see; 0 when there is none.
    pub(crate) fn timestamp(&self) -> u64 {
        self.metadata.versions().timestamp
    }
}
