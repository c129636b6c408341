//! Parts of a disk as files, for programs that read files.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use partition_core::Entry;
use release::Digest;
use tempfile::TempDir;

use crate::{Error, Tool, tools};

/// A disk and a folder for what is taken out of it.
#[derive(Debug)]
pub(super) struct Extract {
    disk: PathBuf,
    work: TempDir,
}

impl Extract {
    pub(super) fn new(disk: &Path) -> Result<Extract, Error> {
        let work = tempfile::tempdir();
        let work = work.map_err(|source| Error::Write { path: std::env::temp_dir(), source })?;
        Ok(Extract { disk: disk.to_owned(), work })
    }

    /// The first `length` bytes of a partition, `None` for all, as a file of this name; its digest.
    pub(super) fn partition(
        &self,
        entry: &Entry,
        length: Option<u64>,
        name: &str,
    ) -> Result<(PathBuf, Digest), Error> {
        let read = |source| Error::Read { path: self.disk.clone(), source };
        let path = self.work.path().join(name);
        let write = |source| Error::Write { path: path.clone(), source };
        let mut disk = File::open(&self.disk).map_err(read)?;
        disk.seek(SeekFrom::Start(entry.first_lba * SECTOR)).map_err(read)?;
        let whole = entry.sectors() * SECTOR;
        let mut left = length.map_or(whole, |length| length.min(whole));
        let mut file = File::create(&path).map_err(write)?;
        file.set_len(left).map_err(write)?;
        let (mut hasher, mut piece) = (release::Hasher::new(), vec![0; 64 << 10]);
        while left > 0 {
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            piece.truncate(take);
            disk.read_exact(&mut piece).map_err(read)?;
            hasher.update(&piece);
            // Zeros stay holes.
            if piece.iter().all(|byte| *byte == 0) {
                file.seek_relative(i64::try_from(take).unwrap_or(i64::MAX)).map_err(write)?;
            } else {
                file.write_all(&piece).map_err(write)?;
            }
            left -= take as u64;
        }
        Ok((path, hasher.finish()))
    }

    /// Bytes of the disk.
    pub(super) fn length(&self) -> Result<u64, Error> {
        let found = std::fs::metadata(&self.disk);
        found.map(|found| found.len()).map_err(|source| Error::Read { path: self.disk.clone(), source })
    }

    /// Where the first byte is that is not zero, from `start` to before `end`.
    pub(super) fn not_zero(&self, start: u64, end: u64) -> Result<Option<u64>, Error> {
        let read = |source| Error::Read { path: self.disk.clone(), source };
        let disk = File::open(&self.disk).map_err(read)?;
        let (mut at, mut piece) = (start, vec![0; 1 << 20]);
        while at < end {
            let take = usize::try_from(end - at).unwrap_or(usize::MAX).min(piece.len());
            piece.truncate(take);
            disk.read_exact_at(&mut piece, at).map_err(read)?;
            if let Some(found) = piece.iter().position(|byte| *byte != 0) {
                return Ok(Some(at + found as u64));
            }
            at += take as u64;
        }
        Ok(None)
    }

    /// A file out of a FAT that was taken out; `None`: it is not there or cannot be read.
    pub(super) fn fat_file(&self, fat: &Path, inside: &str) -> Result<Option<Vec<u8>>, Error> {
        let to = self.work.path().join("fat-file");
        let _ = std::fs::remove_file(&to);
        let from = format!("::{inside}");
        let words = ["-n".as_ref(), "-i".as_ref(), fat.as_os_str(), from.as_ref(), to.as_os_str()];
        match Tool::MCOPY.run(0, &words) {
            Ok(_) => crate::compose::read(&to).map(Some),
            Err(tools::Error::Failed { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Images are built with sectors of 512 bytes.
pub(super) const SECTOR: u64 = 512;
