//! `build.json`: what was built, by digest.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use release::{Digest, Hasher};
use serde::{Deserialize, Serialize};

use crate::Error;

/// What was built. Equal inputs give equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildJson {
    /// Always 1.
    pub format: u64,
    /// The variant.
    pub variant: String,
    /// The architecture.
    pub arch: String,
    /// The version.
    pub version: String,
    /// The time that stands for the time of the build, RFC 3339.
    pub created: String,
    /// Whether anybody can sign a boot manifest for it.
    pub test_keys: bool,
    /// The digest of the lock.
    pub lock: Digest,
    /// The digest of the EFI system partition.
    pub esp: Digest,
    /// Every other file of the folder, by its path.
    pub files: BTreeMap<String, FileRecord>,
}

/// A file by its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its length in bytes.
    pub length: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// Reads a file through.
pub fn record(path: &Path) -> Result<FileRecord, Error> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(read)?;
    let (mut hasher, mut length) = (Hasher::new(), 0);
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut piece).map_err(read)?;
        let Some(piece) = piece.get(..count).filter(|piece| !piece.is_empty()) else {
            return Ok(FileRecord { length, sha256: hasher.finish() });
        };
        hasher.update(piece);
        length += count as u64;
    }
}
