//! The one place that writes what hosts read from a folder: a store's folder, and a mirror.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::{self, Files, Lock};

/// Makes `dirs`, keeps other writers out of the repository whose metadata lies in `metadata`, and sweeps what a cut run
/// left in `dirs`.
pub(crate) fn begin(files: &dyn Files, metadata: &Path, dirs: &[PathBuf]) -> Result<Lock> {
    for dir in dirs {
        files::ensure_dir(files, dir).map_err(|source| Error::WriteFile { path: dir.clone(), source })?;
    }
    let lock = files.lock(metadata).map_err(|source| Error::Busy { path: metadata.to_owned(), source })?;
    for dir in dirs {
        files::sweep_partials(files, dir);
    }
    Ok(lock)
}
