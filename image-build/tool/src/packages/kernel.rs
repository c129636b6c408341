//! The kernel's packages, unpacked.

use std::fs;
use std::path::Path;

use super::{Deb, Error, unpack};

/// Unpacks `boot/vmlinuz-VERSION`, `boot/config-VERSION` and `usr/lib/modules/VERSION` of the kernel's packages into `folder`,
/// which is made. Each build does so from the packages, whose digests were checked: a copy that was kept could be another one by
/// now, and would be signed all the same.
pub fn kernel_tree(debs: &[Deb], folder: &Path, say: &dyn Fn(&str)) -> Result<(), Error> {
    fs::create_dir(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    let kept = |path: &str| {
        ["boot/vmlinuz-", "boot/config-", "usr/lib/modules/"].iter().any(|start| path.starts_with(start))
    };
    unpack(debs, folder, &|path| !kept(path), say).map(drop)
}
