//! The bundle of CA certificates, which ca-certificates leaves to a script.

use std::fs;
use std::path::{Path, PathBuf};

use super::Error;

/// The certificates below `usr/share/ca-certificates`, joined in the order of their paths; `None` without any.
pub(super) fn joined(tree: &Path) -> Result<Option<Vec<u8>>, Error> {
    let mut files = Vec::new();
    collect(&tree.join("usr/share/ca-certificates"), &mut files)?;
    files.sort();
    let mut text = Vec::new();
    for path in files {
        let one = fs::read(&path).map_err(|source| Error::Read { path, source })?;
        text.extend_from_slice(one.trim_ascii_end());
        text.push(b'\n');
    }
    Ok((!text.is_empty()).then_some(text))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry.map_err(|source| Error::Read { path: folder.to_owned(), source })?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|name| name == "crt") {
            files.push(path);
        }
    }
    Ok(())
}
