//! A blob on its way into the working folder, whose digest is known when it is whole.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use release::Hasher;

use crate::draft::Blob;
use crate::error::{Error, Result};
use crate::files::{Files, Partial};
use crate::folder::Folder;

/// Counts and hashes what is written through it, under a partial name.
pub(crate) struct NewBlob<'a> {
    files: &'a dyn Files,
    dir: PathBuf,
    name: String,
    inner: Partial<'a>,
    length: u64,
    hasher: Hasher,
}

/// One that has its name.
pub(crate) struct Finished {
    pub(crate) blob: Blob,
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// Whether the same bytes lay there before.
    pub(crate) was_there: bool,
}

impl<'a> NewBlob<'a> {
    /// Begins the blob of the target `name` in the folder that `files` is of.
    pub(crate) fn begin(folder: &Folder, files: &'a Arc<dyn Files>, name: &str) -> Result<Self> {
        let dir = folder.blobs_dir();
        let coming = dir.join(name);
        let inner = Partial::of(files.as_ref(), &coming)
            .map_err(|source| Error::WriteFile { path: coming, source })?;
        let (name, hasher) = (name.to_owned(), Hasher::new());
        Ok(Self { files: files.as_ref(), dir, name, inner, length: 0, hasher })
    }

    /// The name that it is begun under, for what is said of it.
    pub(crate) fn coming(&self) -> PathBuf {
        self.dir.join(&self.name)
    }

    /// Gives it the name that its digest makes. Durable when this returns.
    pub(crate) fn finish(self) -> Result<Finished> {
        let blob = Blob { length: self.length, sha256: self.hasher.finish() };
        let path = self.dir.join(blob.file_name(&self.name));
        let write = |path: &Path| {
            let path = path.to_owned();
            |source| Error::WriteFile { path, source }
        };
        let length = self.files.length(&path);
        let was_there =
            length.map_err(|source| Error::ReadFile { path: path.clone(), source })? == Some(blob.length);
        self.inner.finish(&path).map_err(write(&path))?;
        self.files.sync_dir(&self.dir).map_err(write(&self.dir))?;
        Ok(Finished { blob, path, was_there })
    }
}

impl Write for NewBlob<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        self.length = self.length.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
