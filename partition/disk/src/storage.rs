//! Bytes that can be read, written and made durable.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

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
}
