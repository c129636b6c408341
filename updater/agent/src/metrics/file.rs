//! One file that others read at any time: whole, or the one before.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Writes it beside its place and renames it there, readable to all. Not made durable: the next run writes it anew.
///
/// What lies there and is no regular file, as a pipe or `/dev/null`, is left as it is.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let path = &place(path)?;
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
    // The collector takes *.prom.
    let partial = path.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
    // What a killed run of the same number has left. The folder may be another user's: nothing there is followed.
    let _ = fs::remove_file(&partial);
    let written =
        OpenOptions::new().write(true).create_new(true).mode(MODE).open(&partial).and_then(|mut file| {
            // Whatever the umask.
            file.set_permissions(Permissions::from_mode(MODE))?;
            file.write_all(text.as_bytes())?;
            fs::rename(&partial, path)
        });
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written
}

/// Where the links lead that this user or root has made. The folder may be another user's, whose links could lead anywhere.
fn place(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(error),
        };
        if found.is_file() {
            return Ok(path);
        }
        if !found.is_symlink() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "what lies there is no regular file"));
        }
        if !is_followed(found.uid(), rustix::process::geteuid().as_raw()) {
            let detail = format!("the link there belongs to user {}", found.uid());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, detail));
        }
        let target = fs::read_link(&path)?;
        path = path.parent().unwrap_or(Path::new("/")).join(target);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        format!("more than {LINKS} links follow each other there"),
    ))
}

/// Whether the links of `owner` are followed by `own`.
const fn is_followed(owner: u32, own: u32) -> bool {
    owner == own || owner == ROOT
}

const MODE: u32 = 0o644;
const ROOT: u32 = 0;
/// As the kernel follows at most.
const LINKS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_others_are_not_followed() {
        assert!(is_followed(0, 0) && is_followed(0, 1000) && is_followed(1000, 1000));
        assert!(!is_followed(1000, 0) && !is_followed(1001, 1000));
    }
}
