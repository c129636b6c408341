//! One file that others read at any time: whole, or the one before.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Writes it beside its place and renames it there, readable to all. Not made durable: the next run writes it anew.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
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

const MODE: u32 = 0o644;
