//! What lies in a store before a publish.

use std::cell::RefCell;
use std::path::PathBuf;

use tough::schema::{Targets, Timestamp};
use updater_core::Exit;

use super::left::Left;
use crate::document::Document;
use crate::error::Result;
use crate::metadata::{MAX_METADATA, Metadata, Shelf};
use crate::store::{Part, Store, Tag};
use crate::versions::Versions;

/// How much of what is there to believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// All of it, once it verifies: what is there is not written again.
    #[default]
    Live,
    /// Its roots, and the versions in documents and in names. Everything is written anew; roots are never taken back.
    Roots,
}

/// What hosts see, and by which file they see it.
#[derive(Debug, Clone)]
pub struct Live {
    /// Everything that verifies.
    pub metadata: Metadata,
    /// The `timestamp.json` that a commit must find in its place; `None` when there is none.
    pub tag: Option<Tag>,
    /// What hosts may have seen, where `metadata` has no timestamp.
    pub left: Left,
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
        let left = match &metadata.online {
            Some(_) => Left::default(),
            None => Left::read(&shelf, &metadata.roots)?,
        };
        Ok(Self { metadata, tag: tag.into_inner(), left })
    }

    /// Whether `bytes` is the timestamp that hosts see.
    pub fn shows(&self, bytes: &[u8]) -> bool {
        self.metadata.online.as_ref().is_some_and(|online| online.timestamp.bytes() == bytes)
    }

    /// The targets that hosts see; the newest that they can have seen where nothing leads there any more.
    pub(super) fn targets(&self) -> Option<&Document<Targets>> {
        self.metadata.online.as_ref().map(|online| &online.targets).or(self.left.targets.as_ref())
    }

    /// The timestamp that hosts see, or have seen last.
    pub(super) fn signed(&self) -> Option<&Document<Timestamp>> {
        self.metadata.online.as_ref().map(|online| &online.timestamp).or(self.left.timestamp.as_ref())
    }

    /// The newest version of each role that hosts can have seen, as far as there is a witness; 0 where there is none.
    pub fn newest(&self) -> Versions {
        let live = self.metadata.versions();
        let named = |role: &str| self.left.named.get(role).copied().unwrap_or(0);
        Versions {
            root: live.root,
            targets: live.targets.max(named("targets")),
            snapshot: live.snapshot.max(named("snapshot")),
            timestamp: live.timestamp.max(self.left.timestamp.as_ref().map_or(0, Document::version)),
        }
    }
}
