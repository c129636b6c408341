//! A draft that is being changed, and the blobs that nothing but it names.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::draft::{Blob, Draft};
use crate::error::Result;
use crate::files::Files;
use crate::folder::Folder;
use crate::new_blob::Finished;

/// A draft in memory. Dropped before it is saved, what was written for it goes again, so that all of a verb counts or nothing.
pub(crate) struct Unsaved {
    pub(crate) draft: Draft,
    pub(crate) fresh: Fresh,
}

impl Unsaved {
    /// The draft of the folder as it stands.
    pub(crate) fn of(folder: &Folder) -> Result<Self> {
        Ok(Self { draft: folder.draft()?, fresh: Fresh { files: folder.files(), paths: Vec::new() } })
    }

    /// The commit point of a verb: blobs are there, now the draft names them.
    pub(crate) fn save(self, folder: &Folder) -> Result<()> {
        self.draft.fits()?;
        // From here on a list of targets may name them, also when the manifest cannot be written.
        self.fresh.keep();
        folder.save_draft(&self.draft)
    }
}

/// Blobs that no draft names yet; dropped before they are kept, they go again.
pub(crate) struct Fresh {
    files: Arc<dyn Files>,
    paths: Vec<PathBuf>,
}

impl Fresh {
    /// Takes one that is whole, unless it lay there before.
    pub(crate) fn take(&mut self, finished: Finished) -> Blob {
        if !finished.was_there {
            self.paths.push(finished.path);
        }
        finished.blob
    }

    fn keep(mut self) {
        self.paths.clear();
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        for path in &self.paths {
            // What cannot be removed does no harm: nothing names it.
            let _: io::Result<()> = self.files.remove(path);
        }
    }
}
