//! Files that somebody named: what lies there is looked at before it is opened, since a FIFO or a device may keep a reader
//! for ever, and is read up to a limit, since it may have no end.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use crate::error::{Error, Result};

/// Why something is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// It is of another kind.
    #[error("expected {expected}, found {found}")]
    Kind { expected: &'static str, found: &'static str },
    /// It is longer than anything that could be meant.
    #[error("expected at most {limit} bytes, found more")]
    TooLong { limit: u64 },
}

impl Unfit {
    /// As an error of the system's, for those who read from files and pipes alike.
    pub(crate) fn into_io(self) -> io::Error {
        let kind = match self {
            Self::Kind { found: FOLDER, .. } => io::ErrorKind::IsADirectory,
            Self::Kind { .. } => io::ErrorKind::InvalidInput,
            Self::TooLong { .. } => io::ErrorKind::FileTooLarge,
        };
        io::Error::new(kind, self)
    }

    /// What [`into_io`](Self::into_io) made.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// Opens a regular file; a link to one counts.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    refuse(fs::metadata(path)?.file_type(), "a regular file", FileType::is_file)?;
    // What took its place since then must not hold us up either.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    refuse(file.metadata()?.file_type(), "a regular file", FileType::is_file)?;
    Ok(file)
}

/// Opens a regular file or a pipe: how a secret comes that lies in no file.
pub(crate) fn open_or_pipe(path: &Path) -> io::Result<File> {
    let is_either = |kind: &FileType| kind.is_file() || kind.is_fifo();
    refuse(fs::metadata(path)?.file_type(), "a regular file or a pipe", is_either)?;
    File::open(path)
}

/// A regular file, whole.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let failed = |source| Error::ReadFile { path: path.to_owned(), source };
    bounded(open(path).map_err(failed)?, limit).map_err(failed)
}

/// All bytes, unless there are more than `limit`.
pub(crate) fn bounded(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        return Err(Unfit::TooLong { limit }.into_io());
    }
    Ok(bytes)
}

fn refuse(kind: FileType, expected: &'static str, fits: impl Fn(&FileType) -> bool) -> io::Result<()> {
    if fits(&kind) { Ok(()) } else { Err(Unfit::Kind { expected, found: called(kind) }.into_io()) }
}

fn called(kind: FileType) -> &'static str {
    match kind {
        kind if kind.is_dir() => FOLDER,
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_char_device() || kind.is_block_device() => "a device",
        kind if kind.is_file() => "a regular file",
        _ => "something else",
    }
}

const FOLDER: &str = "a folder";
/// More than any root has; the hosts' limit.
pub(crate) const MAX_ROOT: u64 = 1 << 20;
