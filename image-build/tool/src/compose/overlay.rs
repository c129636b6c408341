//! `--overlay`: a builder's tree over the root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::tree::{Tree, read};
use crate::Error;

/// Lays all files, links and folders below `from` over the root. Of a file's mode only "may be executed" counts: the rest is the
/// umask of whoever made it.
pub(super) fn lay(tree: &Tree, from: &Path) -> Result<(), Error> {
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let at = from.join(&folder);
        let unread = |source| Error::Read { path: at.clone(), source };
        for entry in fs::read_dir(&at).map_err(unread)? {
            let entry = entry.map_err(unread)?;
            let kind = entry.file_type().map_err(unread)?;
            let Ok(name) = entry.file_name().into_string() else {
                let problem = "its name is not UTF-8".to_owned();
                return Err(Error::Overlay { path: entry.path(), problem });
            };
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if kind.is_dir() {
                tree.folder(&path)?;
                folders.push(path);
            } else if kind.is_symlink() {
                let target = fs::read_link(entry.path()).map_err(unread)?;
                tree.link(&path, &target.to_string_lossy())?;
            } else if kind.is_file() {
                let mode = entry.metadata().map_err(unread)?.permissions().mode();
                let mode = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
                tree.file(&path, mode, &read(&entry.path())?)?;
            } else {
                let problem = "expected a file, a folder or a link".to_owned();
                return Err(Error::Overlay { path: entry.path(), problem });
            }
        }
    }
    Ok(())
}
