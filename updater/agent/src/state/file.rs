//! Files that are whole or not there: temp, fsync, rename, fsync of the folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::Error;

/// The whole file; `None`: there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let fail = |source| Error::Read { path: path.to_owned(), source };
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > LIMIT {
        return Err(Error::Large { path: path.to_owned(), limit: LIMIT });
    }
    Ok(Some(bytes))
}

/// Opens a regular file for reading. A pipe in its place is not waited for: the folder is shared by both slots, and neither
/// must hang there.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "it is no regular file"))
    }
}

/// Writes the file durably. A cut anywhere leaves the old bytes or the new ones, and perhaps a `.partial` beside them,
/// which the next write replaces.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make(folder)?;
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    // A pipe in its place is an error, and not waited for.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let done = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(flags)
        .open(&partial)
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

/// No state file comes near; an index of a 64 GiB image in 1 MiB pieces has 4.4 MB.
const LIMIT: u64 = 64 << 20;
