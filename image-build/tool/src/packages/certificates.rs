//! The bundle of CA certificates, which ca-certificates leaves to a script.

use std::fs;
use std::path::{Path, PathBuf};

use super::place::FACTORY;
use super::{Error, Owners};

/// Joins the certificates below `usr/share/ca-certificates`, in the order of their paths, into the file that TLS
/// libraries look for. Without that folder there is nothing to do.
pub(super) fn bundle(tree: &Path, owners: &mut Owners) -> Result<(), Error> {
    let mut files = Vec::new();
    collect(&tree.join("usr/share/ca-certificates"), &mut files)?;
    if files.is_empty() {
        return Ok(());
    }
    files.sort();
    let mut text = Vec::new();
    for path in files {
        let one = fs::read(&path).map_err(|source| Error::Read { path, source })?;
        text.extend_from_slice(one.trim_ascii_end());
        text.push(b'\n');
    }
    let name = format!("{FACTORY}/ssl/certs/ca-certificates.crt");
    let path = tree.join(&name);
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
    written.map_err(|source| Error::Write { path, source })?;
    owners.add(name, "ca-certificates");
    Ok(())
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
