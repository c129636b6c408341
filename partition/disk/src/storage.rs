//! Bytes that can be read, written and made durable.

use std::fs::File;
use std::io;
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt;

use rustix::fs::{Advice, fadvise};

use crate::Aligned;

/// A disk as seen by the code above it: a file, a block device, or a fake that loses power.
pub trait Storage: Send + Sync + std::fmt::Debug {
    /// Bytes on the disk.
    fn size(&self) -> u64;
    /// Bytes in a sector.
    fn sector_size(&self) -> u32;
    /// Fills `buf` from `off`.
    fn read_at(&self, off: u64, buf: &mut [u8]) -> io::Result<()>;
    /// Writes `buf` at `off`; durable only after [`flush`](Storage::flush).
    fn write_at(&self, off: u64, buf: &[u8]) -> io::Result<()>;
    /// Returns when every write before is durable.
    fn flush(&self) -> io::Result<()>;
    /// What is read from these `length` bytes after this comes from the disk and not from a cache of it; what was written
    /// and not flushed may stay.
    ///
    /// After a flush that failed, Linux takes the pages for clean though the disk never got them: they read well until
    /// they leave the cache.
    fn forget_cache(&self, off: u64, length: u64) -> io::Result<()>;
}

/// A disk image file, or a whole block device through its own node.
#[derive(Debug)]
pub(crate) struct FileStorage {
    pub(crate) file: File,
    pub(crate) size: u64,
    pub(crate) sector_size: u32,
}

impl Storage for FileStorage {
    fn size(&self) -> u64 {
        self.size
    }

    fn sector_size(&self) -> u32 {
        self.sector_size
    }

    fn read_at(&self, off: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buf, off)
    }

    fn write_at(&self, off: u64, buf: &[u8]) -> io::Result<()> {
        self.file.write_all_at(buf, off)
    }

    fn flush(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn forget_cache(&self, off: u64, length: u64) -> io::Result<()> {
        forget_cache(&self.file, off, length)
    }
}

/// A page that the range covers in part would be kept, so the range is widened to whole pages.
pub(crate) fn forget_cache(file: &File, off: u64, length: u64) -> io::Result<()> {
    let page = Aligned::ALIGN as u64;
    let first = off - off % page;
    let past = off.saturating_add(length).checked_next_multiple_of(page).unwrap_or(u64::MAX);
    Ok(fadvise(file, first, NonZeroU64::new(past - first), Advice::DontNeed)?)
}
