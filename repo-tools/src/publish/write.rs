//! Writes a publish: blobs, roots, targets, snapshot, and timestamp.json as the commit point.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use release::{Digest, Hasher};
use tough::schema::Target;

use crate::document::Document;
use crate::error::{Error, Result};
use crate::files::{self, Files};
use crate::metadata::{Metadata, Online};
use crate::publish::plan::{Gap, Plan, plan};
use crate::role::Role;
use crate::staged::Staged;

/// A repository that hosts read.
#[derive(Debug)]
pub struct Published {
    /// The folder.
    pub dir: PathBuf,
    /// What hosts see now.
    pub metadata: Metadata,
    /// What this run did.
    pub plan: Plan,
    /// Blobs that were not there before.
    pub new_blobs: usize,
}

/// Where blobs come from.
pub(crate) struct Blobs<'a> {
    pub(crate) files: &'a dyn Files,
    pub(crate) dir: &'a Path,
    /// Whether a second name for the same file will do: only inside the working folder.
    pub(crate) link: bool,
}

/// Publishes a stage to a folder: `metadata/` and `targets/` in it.
///
/// A cut anywhere before timestamp.json gets its name leaves the old state for hosts; after it, the new one. The same
/// call completes what a cut run began and ends in the same bytes.
pub fn publish(files: &dyn Files, staged: &Staged, dir: &Path, gap: Gap) -> Result<Published> {
    let to = Destination::make(files, dir)?;
    let _lock =
        files.lock(&to.metadata).map_err(|source| Error::Busy { path: to.metadata.clone(), source })?;
    // Read under the lock: nobody else commits between this look and our own commit.
    let live = Metadata::read(files, &to.metadata)?;
    let plan = plan(&live, staged.metadata(), gap)?;
    for dir in [&to.metadata, &to.targets] {
        files::sweep_partials(files, dir).map_err(|source| Error::WriteFile { path: dir.clone(), source })?;
    }
    let source = Blobs { files: staged.files(), dir: &staged.targets_dir(), link: false };
    let new_blobs = to.write(&live, staged.metadata(), &source, &plan)?;
    Ok(Published { dir: dir.to_owned(), metadata: staged.metadata().clone(), plan, new_blobs })
}

/// Writes the stage: nobody reads it before it is complete, so there is nothing to plan.
pub(crate) fn write_stage(files: &dyn Files, new: &Metadata, source: &Blobs<'_>, dir: &Path) -> Result<()> {
    let roots = new.roots.iter().map(Document::version).collect();
    let plan = Plan { roots_before: roots, metadata: true, roots_after: Vec::new() };
    Destination::make(files, dir)?.write(&Metadata::default(), new, source, &plan).map(|_| ())
}

/// A folder that is being written.
struct Destination<'a> {
    files: &'a dyn Files,
    metadata: PathBuf,
    targets: PathBuf,
}

impl<'a> Destination<'a> {
    fn make(files: &'a dyn Files, dir: &Path) -> Result<Self> {
        let (metadata, targets) = (dir.join("metadata"), dir.join("targets"));
        for dir in [&metadata, &targets] {
            files::ensure_dir(files, dir).map_err(|source| Error::WriteFile { path: dir.clone(), source })?;
        }
        Ok(Self { files, metadata, targets })
    }

    /// Does what the plan says and returns how many blobs were not there.
    fn write(&self, live: &Metadata, new: &Metadata, source: &Blobs<'_>, plan: &Plan) -> Result<usize> {
        let online = new.online.as_ref().ok_or(Error::NotSigned { what: Role::Timestamp })?;
        // Blobs first: their names carry their digests, so nobody sees them before metadata names them.
        let new_blobs = self.blobs(live.online.as_ref(), online, source)?;
        self.roots(new, &plan.roots_before)?;
        if plan.metadata {
            // Versioned names: hosts that read the old timestamp still find the old files.
            self.put(&format!("{}.targets.json", online.targets.version()), online.targets.bytes())?;
            self.put(&format!("{}.snapshot.json", online.snapshot.version()), online.snapshot.bytes())?;
            // The commit point.
            self.put("timestamp.json", online.timestamp.bytes())?;
        }
        // Second commit of a key rotation: a cut before it leaves the old root, under which the new metadata
        // verifies too.
        self.roots(new, &plan.roots_after)?;
        Ok(new_blobs)
    }

    fn roots(&self, new: &Metadata, versions: &[u64]) -> Result<()> {
        for root in new.roots.iter().filter(|root| versions.contains(&root.version())) {
            self.put(&format!("{}.root.json", root.version()), root.bytes())?;
        }
        Ok(())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.metadata.join(name);
        files::put_bytes(self.files, &path, bytes).map_err(|source| Error::WriteFile { path, source })
    }

    fn blobs(&self, live: Option<&Online>, online: &Online, source: &Blobs<'_>) -> Result<usize> {
        let seen: Vec<String> =
            live.map(|live| live.blobs().into_iter().map(|(name, _)| name).collect()).unwrap_or_default();
        let mut written = 0;
        for (name, target) in online.blobs() {
            let to = self.targets.join(&name);
            // A name that is a link to the source needs no second look.
            let seen = source.link || seen.binary_search(&name).is_ok();
            if self.is_there(&to, target, seen)? {
                continue;
            }
            let from = source.dir.join(&name);
            if source.link {
                self.files
                    .link(&from, &to)
                    .map_err(|source| Error::WriteFile { path: to.clone(), source })?;
            } else {
                self.copy(source.files, &from, &to, target)?;
            }
            written += 1;
        }
        if written > 0 {
            let path = &self.targets;
            self.files.sync_dir(path).map_err(|source| Error::WriteFile { path: path.clone(), source })?;
        }
        Ok(written)
    }

    /// A blob under its final name is whole, since it was renamed into place; one that hosts do not see yet is read
    /// again all the same, because now it costs nothing to be wrong.
    fn is_there(&self, path: &Path, target: &Target, seen: bool) -> Result<bool> {
        let read = |source| Error::ReadFile { path: path.to_owned(), source };
        if self.files.length(path).map_err(read)? != Some(target.length) {
            return Ok(false);
        }
        if seen {
            return Ok(true);
        }
        let mut reader = Hashing::over(self.files.open(path).map_err(read)?);
        io::copy(&mut reader, &mut io::sink()).map_err(read)?;
        Ok(reader.is(target))
    }

    fn copy(&self, source: &dyn Files, from: &Path, to: &Path, target: &Target) -> Result<()> {
        let read = |source| Error::ReadFile { path: from.to_owned(), source };
        let mut reader = Hashing::over(source.open(from).map_err(read)?);
        match files::put_if(self.files, to, &mut reader, |reader| reader.is(target)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::BlobDiffers { path: from.to_owned() }),
            Err(source) => Err(Error::WriteFile { path: to.to_owned(), source }),
        }
    }
}

/// Counts and hashes what is read through it.
pub(crate) struct Hashing<R> {
    inner: R,
    length: u64,
    hasher: Hasher,
}

impl<R: Read> Hashing<R> {
    pub(crate) fn over(inner: R) -> Self {
        Self { inner, length: 0, hasher: Hasher::new() }
    }

    pub(crate) fn digest(&self) -> Digest {
        self.hasher.clone().finish()
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    fn is(&self, target: &Target) -> bool {
        self.length == target.length && self.digest().bytes().as_slice() == target.hashes.sha256.as_ref()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        self.length = self.length.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}
