//! The kernel's packages, unpacked once.

use std::path::{Path, PathBuf};
use std::{fs, io};

use release::{Digest, Hasher};

use super::{Deb, Error, unpack};

/// A folder with `boot/vmlinuz-VERSION`, `boot/config-VERSION` and `usr/lib/modules/VERSION` of the kernel's packages,
/// below `cache`. It is made once and shared by all builds that have the same packages: read it, never write to it.
pub fn kernel_tree(debs: &[Deb], cache: &Path, say: &dyn Fn(&str)) -> Result<PathBuf, Error> {
    let folder = cache.join("kernels");
    let tree = folder.join(key(debs).to_string());
    if tree.is_dir() {
        return Ok(tree);
    }
    let failed = |source| Error::Write { path: folder.clone(), source };
    fs::create_dir_all(&folder).map_err(failed)?;
    // Half a kernel never has the name of a whole one.
    let partial = tempfile::tempdir_in(&folder).map_err(failed)?;
    let kept = |path: &str| {
        ["boot/vmlinuz-", "boot/config-", "usr/lib/modules/"].iter().any(|start| path.starts_with(start))
    };
    unpack(debs, partial.path(), &|path| !kept(path), say)?;
    match fs::rename(partial.path(), &tree) {
        Ok(()) => Ok(tree),
        // Another build was faster; what it made is the same.
        Err(source) if source.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(tree),
        Err(source) => Err(failed(source)),
    }
}

fn key(debs: &[Deb]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(LAYOUT);
    for deb in debs {
        hasher.update(deb.locked.sha256.bytes());
    }
    hasher.finish()
}

/// Changes whenever what is kept of a package changes.
const LAYOUT: &[u8] = b"updog-image kernel tree 1";
