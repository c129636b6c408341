//! The store's edge to the file system: one operation a method, so that a test can cut the power at each of them.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

/// The operations that keeping a file is made of.
///
/// Nothing is durable before [`NewFile::sync`] (bytes) and [`Files::sync_dir`] (names) have returned.
pub trait Files: Debug + Send + Sync {
    /// Whether the folder is there.
    fn is_dir(&self, dir: &Path) -> bool;
    /// Makes a folder and those above it.
    fn make_dirs(&self, dir: &Path) -> io::Result<()>;
    /// Length in bytes of a plain file, `None` when there is none.
    fn length(&self, file: &Path) -> Option<u64>;
    /// The bytes of a file.
    fn read(&self, file: &Path) -> io::Result<Vec<u8>>;
    /// Makes a file, or empties the one that is there.
    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>>;
    /// Gives a file its final name, in place of a file that has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, file: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// A file being written.
pub trait NewFile: Write {
    /// Makes the bytes durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// The machine's file system.
#[derive(Debug)]
pub(crate) struct Disk;

impl Files for Disk {
    fn is_dir(&self, dir: &Path) -> bool {
        dir.is_dir()
    }

    fn make_dirs(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    fn length(&self, file: &Path) -> Option<u64> {
        // Reading a pipe that somebody left there would wait for ever.
        Some(fs::metadata(file).ok().filter(fs::Metadata::is_file)?.len())
    }

    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        fs::read(file)
    }

    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>> {
        // Nor is the other end of one waited for that lies in its place.
        if fs::metadata(file).is_ok_and(|found| found.file_type().is_fifo()) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a pipe lies there"));
        }
        Ok(Box::new(File::create(file)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        fs::remove_file(file)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

impl NewFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}
