//! One partition of a set, written and read past the page cache.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use crate::storage::forget_cache;
use crate::{Access, Aligned, Error, Result, Storage};

/// A partition as a row of bytes; what is read is what the device holds, not what the page cache remembers.
///
/// Offsets and lengths are multiples of [`ImageIo::align`]. It can be shared by threads.
#[derive(Debug)]
pub struct ImageIo {
    backing: Backing,
    start: u64,
    length: u64,
}

#[derive(Debug)]
enum Backing {
    /// `O_DIRECT`: a partition's node, or an image file on a file system that allows it.
    Direct(File),
    /// An image file elsewhere: flushed, then dropped from the page cache before it is read.
    Cached(File),
    /// A fake.
    Storage(Arc<dyn Storage>),
}

impl ImageIo {
    /// Bytes of the partition.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether the partition has no bytes; no table with such a partition is accepted.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Offsets and lengths must be multiples of this many bytes.
    pub fn align(&self) -> usize {
        Aligned::ALIGN
    }

    /// Fills `buf` from `off`.
    pub fn read_at(&self, off: u64, buf: &mut Aligned) -> io::Result<()> {
        let at = self.place(off, buf.len())?;
        match &self.backing {
            Backing::Direct(file) => file.read_exact_at(buf, at),
            Backing::Cached(file) => {
                // Clean pages leave the cache, so the bytes come from the device; dirty ones stay until `flush`.
                forget_cache(file, at, buf.len() as u64)?;
                file.read_exact_at(buf, at)
            }
            Backing::Storage(storage) => {
                storage.forget_cache(at, buf.len() as u64)?;
                storage.read_at(at, buf)
            }
        }
    }

    /// Writes `buf` at `off`; durable only after [`ImageIo::flush`].
    pub fn write_at(&self, off: u64, buf: &Aligned) -> io::Result<()> {
        let at = self.place(off, buf.len())?;
        match &self.backing {
            Backing::Direct(file) | Backing::Cached(file) => file.write_all_at(buf, at),
            Backing::Storage(storage) => storage.write_at(at, buf),
        }
    }

    /// Writes the bytes `part` of `buf` where they would lie if all of it were written at `off`.
    pub fn write_part_at(&self, off: u64, buf: &Aligned, part: Range<usize>) -> io::Result<()> {
        let skipped = u64::try_from(part.start).unwrap_or(u64::MAX);
        let bytes = buf.get(part).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let at = self.place(off.saturating_add(skipped), bytes.len())?;
        match &self.backing {
            Backing::Direct(file) | Backing::Cached(file) => file.write_all_at(bytes, at),
            Backing::Storage(storage) => storage.write_at(at, bytes),
        }
    }

    /// Returns when every write before is durable.
    pub fn flush(&self) -> io::Result<()> {
        match &self.backing {
            Backing::Direct(file) | Backing::Cached(file) => file.sync_data(),
            Backing::Storage(storage) => storage.flush(),
        }
    }

    pub(crate) fn window(storage: Arc<dyn Storage>, start: u64, length: u64) -> ImageIo {
        ImageIo { backing: Backing::Storage(storage), start, length }
    }

    /// Where `off` lies in the backing, if `length` bytes from there are inside the partition.
    fn place(&self, off: u64, length: usize) -> io::Result<u64> {
        let end = u64::try_from(length).ok().and_then(|length| off.checked_add(length));
        match (end, self.start.checked_add(off)) {
            (Some(end), Some(at)) if end <= self.length => Ok(at),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{length} bytes at {off} lie outside the partition of {} bytes", self.length),
            )),
        }
    }
}

/// A partition's own node. `O_EXCL` for writing: the kernel refuses while it is mounted or mapped.
pub(crate) fn open_node(node: &Path, access: Access, length: u64) -> Result<ImageIo> {
    let (write, exclusive) = match access {
        Access::Write => (true, libc::O_EXCL),
        Access::Read => (false, 0),
    };
    let opened =
        OpenOptions::new().read(true).write(write).custom_flags(exclusive | libc::O_DIRECT).open(node);
    match opened {
        Ok(file) => Ok(ImageIo { backing: Backing::Direct(file), start: 0, length }),
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            Err(Error::PartitionInUse { node: node.to_owned() })
        }
        Err(source) => Err(Error::OpenPartition { node: node.to_owned(), source }),
    }
}

/// A window of an image file, direct where the file system and the alignment allow it.
pub(crate) fn open_file(path: &Path, access: Access, start: u64, length: u64) -> Result<ImageIo> {
    let mut options = OpenOptions::new();
    options.read(true).write(access == Access::Write);
    if start.is_multiple_of(Aligned::ALIGN as u64) && length >= Aligned::ALIGN as u64 {
        let mut probe = Aligned::zeroed(Aligned::ALIGN);
        let direct = options.clone().custom_flags(libc::O_DIRECT).open(path);
        if let Ok(file) = direct
            && file.read_exact_at(&mut probe, start).is_ok()
        {
            return Ok(ImageIo { backing: Backing::Direct(file), start, length });
        }
    }
    let file = options.open(path).map_err(|source| Error::OpenPartition { node: path.to_owned(), source })?;
    Ok(ImageIo { backing: Backing::Cached(file), start, length })
}
