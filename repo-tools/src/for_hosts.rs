//! The one place that writes what hosts read from a folder: a store's folder, and a mirror.
//!
//! A web server is somebody else, and who publishes may have a umask of his own. So each file gets mode 0644 and each
//! folder that is made 0755, at least; a folder that was there is its owner's business.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::{self, Files, Lock, Partial};
use crate::store::Part;

/// Makes `dirs`, keeps other writers out of the repository whose metadata lies in `metadata`, and sweeps what a cut run
/// left in `dirs`.
pub(crate) fn begin(files: &dyn Files, metadata: &Path, dirs: &[PathBuf]) -> Result<Lock> {
    for dir in dirs {
        files::ensure_open_dir(files, dir)
            .map_err(|source| Error::WriteFile { path: dir.clone(), source })?;
    }
    let lock = files.lock(metadata).map_err(|source| Error::Busy { path: metadata.to_owned(), source })?;
    for dir in dirs {
        files::sweep_partials(files, dir);
    }
    Ok(lock)
}

/// A file on its way.
pub(crate) fn partial<'a>(files: &'a dyn Files, file: &Path) -> io::Result<Partial<'a>> {
    Ok(Partial::of(files, file)?.for_everybody())
}

/// [`files::put_bytes`] for everybody.
pub(crate) fn put_bytes(files: &dyn Files, file: &Path, mut bytes: &[u8]) -> Result<()> {
    partial(files, file)
        .and_then(|partial| partial.put(file, &mut bytes, |_| true))
        .map(|_| ())
        .map_err(|source| Error::WriteFile { path: file.to_owned(), source })
}

/// The folders of the repository in `dir`, and the files in them, that others on this machine cannot read. What begins
/// with a dot is no part of it.
pub(crate) fn closed(files: &dyn Files, dir: &Path) -> Result<Vec<PathBuf>> {
    let mut closed = Vec::new();
    for part in Part::ALL.map(|part| dir.join(part.name())) {
        let names = files.names(&part).map_err(|source| Error::ReadFile { path: part.clone(), source })?;
        if names.is_empty() {
            continue;
        }
        let shown = names.iter().filter(|name| !name.starts_with('.')).map(|name| part.join(name));
        for path in [part.clone()].into_iter().chain(shown) {
            match files.is_closed(&path) {
                Ok(true) => closed.push(path),
                Ok(false) => {}
                // Gone meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(Error::ReadFile { path, source }),
            }
        }
    }
    Ok(closed)
}

/// What to do about that, and how much of it there is; `None` when there is none.
pub(crate) fn say_closed(closed: &[PathBuf], dir: &str) -> Option<String> {
    let first = closed.first()?.display();
    let more = match closed.len() {
        1 => String::new(),
        number => format!(" and {} more", number - 1),
    };
    Some(format!("others on this machine cannot read {first}{more}: chmod -R a+rX {dir}"))
}
