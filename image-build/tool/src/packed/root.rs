//! The root image and its hash tree.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use release::Digest;

use super::{Plan, ids};
use crate::compose::Composed;
use crate::{ByteCount, Error, Tool};

/// What the boot manifest says of a root.
pub(super) struct Root {
    pub digest: Digest,
    pub salt: [u8; 32],
    pub data_blocks: u64,
}

pub(super) fn pack(plan: &Plan, composed: &Composed, root: &Path, hash: &Path) -> Result<Root, Error> {
    let uuid = |of: &str| ids::uuid(plan.recipe, plan.arch, of);
    let words = [
        // What the kernel unpacks fastest; -C gives it whole 64 KiB to work on, worth 8 % in size.
        "-zlz4hc,9".to_owned(),
        "-C65536".to_owned(),
        format!("-T{}", plan.epoch),
        format!("-U{}", uuid("root")),
        "--all-root".to_owned(),
        "--quiet".to_owned(),
        // The builder's file system may label files; the image does not.
        "-x-1".to_owned(),
    ];
    let mut words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
    words.extend([root.as_os_str(), composed.tree().as_os_str()]);
    Tool::MKFS_EROFS.run(plan.epoch, &words)?;
    let length = whole_blocks(root)?;
    fits(length, plan.recipe.size.root, "root")?;

    let salt = ids::salt(plan.recipe, plan.arch);
    let root_hash_file = hash.with_extension("root_hash");
    let words = [
        "format".to_owned(),
        "--hash=sha256".to_owned(),
        "--data-block-size=4096".to_owned(),
        "--hash-block-size=4096".to_owned(),
        format!("--salt={}", hex::encode(salt)),
        format!("--uuid={}", uuid("hash")),
        format!("--root-hash-file={}", root_hash_file.display()),
    ];
    let mut words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
    words.extend([root.as_os_str(), hash.as_os_str()]);
    Tool::VERITYSETUP.run(plan.epoch, &words)?;
    let length_of_hash = whole_blocks(hash)?;
    fits(length_of_hash, plan.recipe.size.hash, "hash")?;
    let text = crate::compose::read(&root_hash_file)?;
    let root_hash = String::from_utf8_lossy(&text).trim().parse().map_err(|_| Error::RootHash)?;
    let _ = fs::remove_file(&root_hash_file);
    Ok(Root { digest: root_hash, salt, data_blocks: length / BLOCK })
}

/// An image that does not fit is told by the size to change, not by a full partition.
pub(super) fn fits(length: u64, partition: ByteCount, key: &'static str) -> Result<(), Error> {
    if length <= partition.0 {
        return Ok(());
    }
    Err(Error::DoesNotFit { key, length: ByteCount(length), partition })
}

/// Fills the last block of a file up.
fn whole_blocks(path: &Path) -> Result<u64, Error> {
    let write = |source| Error::Write { path: path.to_owned(), source };
    let file = OpenOptions::new().write(true).open(path).map_err(write)?;
    let length = file.metadata().map_err(write)?.len().next_multiple_of(BLOCK);
    file.set_len(length).map_err(write)?;
    // veritysetup lets nobody else read it.
    file.set_permissions(Permissions::from_mode(0o644)).map_err(write)?;
    Ok(length)
}

/// dm-verity's and the release folder's block, in bytes.
const BLOCK: u64 = 4096;
/// The tree starts behind veritysetup's superblock.
pub(super) const HASH_OFFSET: u64 = 4096;
