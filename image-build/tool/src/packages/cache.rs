//! Where fetched packages are kept, by digest.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use release::{Digest, Hasher};

use super::Error;
use crate::lock::Locked;

/// A folder of packages, each under its digest. A file is there whole or not at all; several builds may share it.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache below `folder`, which is made when something is kept.
    pub fn new(folder: &Path) -> Cache {
        Cache { folder: folder.join("packages") }
    }

    /// The file of a package, when it is here with the locked length and digest.
    pub(super) fn find(&self, locked: &Locked) -> Result<Option<PathBuf>, Error> {
        let path = self.path(locked);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Read { path, source }),
        };
        // It may have been damaged since it was kept; then it is as good as not here.
        let (size, digest) = digest(file).map_err(|source| Error::Read { path: path.clone(), source })?;
        Ok((size == locked.size && digest == locked.sha256).then_some(path))
    }

    /// Keeps bytes that have the locked digest.
    pub(super) fn keep(&self, locked: &Locked, bytes: &[u8]) -> Result<PathBuf, Error> {
        let path = self.path(locked);
        let failed = |source| Error::Write { path: path.clone(), source };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let mut partial = tempfile::NamedTempFile::new_in(&self.folder).map_err(failed)?;
        partial.write_all(bytes).map_err(failed)?;
        partial.persist(&path).map_err(|error| failed(error.error))?;
        Ok(path)
    }

    fn path(&self, locked: &Locked) -> PathBuf {
        self.folder.join(format!("{}.deb", locked.sha256))
    }
}

fn digest(mut file: File) -> io::Result<(u64, Digest)> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((size, hasher.finish())),
            read => {
                hasher.update(buffer.get(..read).unwrap_or_default());
                size += u64::try_from(read).unwrap_or(u64::MAX);
            }
        }
    }
}
