//! Files that are whole or not there: temp, fsync, rename, fsync of the folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::Error;

/// The whole file; `None`: there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let fail = |source| Error::Read { path: path.to_owned(), source };
    match whole(path, LIMIT) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            Err(Error::Large { path: path.to_owned(), limit: LIMIT })
        }
        Err(error) => Err(fail(error)),
    }
}

/// A regular file as a whole, of at most `limit` bytes: whatever path somebody has named.
pub(crate) fn whole(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let detail = format!("it is longer than {limit} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, detail));
    }
    Ok(bytes)
}

/// The same of text.
pub(crate) fn text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(whole(path, limit)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Opens a regular file for reading. A pipe in its place is not waited for: the folder is shared by both slots, and neither
/// must hang there.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    regular(OpenOptions::new().read(true).custom_flags(no_waiting()).open(path)?)
}

/// Opens a file for writing, empty; makes it when there is none. A pipe in its place is neither waited for nor written to; a
/// terminal, or a device that stands for a full disk, takes the bytes or refuses them at once.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Cut short once it is known to be a file.
    options.write(true).create(true).truncate(false).custom_flags(no_waiting());
    let file = options.open(path)?;
    if file.metadata()?.file_type().is_char_device() {
        return Ok(file);
    }
    let file = regular(file)?;
    file.set_len(0)?;
    Ok(file)
}

/// Opens a file that is there for its lock; makes it when there is none, for this user alone: whoever can open a file can lock
/// it, and keep every run of this program waiting.
pub(crate) fn lockable(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(OWN).custom_flags(no_waiting());
    regular(options.open(path)?)
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "it is no regular file"))
    }
}

const fn no_waiting() -> i32 {
    rustix::fs::OFlags::NONBLOCK.bits().cast_signed()
}

/// Writes the file durably. A cut anywhere leaves the old bytes or the new ones, and perhaps a `.partial` beside them,
/// which the next write replaces.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make(folder)?;
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let done = create(Path::new(&partial))
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&partial, path))
        .and_then(|()| sync(folder));
    done.map_err(|source| {
        // On a full disk the half-written file would only be in the way.
        let _ = fs::remove_file(&partial);
        Error::Write { path: path.to_owned(), source }
    })
}

/// Removes the file durably; `false`: there was none.
pub(super) fn remove(path: &Path) -> Result<bool, Error> {
    let removed = match fs::remove_file(path) {
        Ok(()) => sync(path.parent().unwrap_or(Path::new("."))).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    };
    removed.map_err(|source| Error::Remove { path: path.to_owned(), source })
}

/// Makes the folder and those above it.
pub(super) fn make(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|source| Error::Make { path: path.to_owned(), source })
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Of files that nobody else opens.
const OWN: u32 = 0o600;
/// No state file comes near; an index of a 64 GiB image in 1 MiB pieces has 4.4 MB.
const LIMIT: u64 = 64 << 20;
/// No record, certificate, password or list of names that people make comes near; in bytes.
pub(crate) const TEXT: u64 = 1 << 20;
