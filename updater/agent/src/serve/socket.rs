//! The socket: one daemon at a time, and only for those who may talk to it.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::unistd::Group;
use rustix::fs::Mode;
use tokio::net::UnixListener;

use crate::config::{Readers, Serve};
use crate::state::file;
use crate::{Error, Result};

/// Removes the socket when it goes, and lets another daemon in.
#[derive(Debug)]
pub(super) struct Held {
    path: PathBuf,
    _lock: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Listens. What a daemon that was killed has left is cleared away; one that lives is named.
pub(super) fn listen(config: &Serve, note: &mut dyn FnMut(String)) -> Result<(UnixListener, Held)> {
    let path = &config.socket;
    let failed = |source| Error::Socket { path: path.clone(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let lock = lock(path)?;
    match fs::symlink_metadata(path) {
        Ok(found) if std::os::unix::fs::FileTypeExt::is_socket(&found.file_type()) => {
            fs::remove_file(path).map_err(failed)?;
        }
        Ok(_) => return Err(failed(io::Error::other("something else lies there"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    // Until its rights are set below nobody but its owner can connect.
    let umask = rustix::process::umask(Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(path);
    rustix::process::umask(umask);
    let listener = listener.map_err(failed)?;
    let held = Held { path: path.clone(), _lock: lock };
    let mode = match config.read {
        Readers::All => 0o666,
        Readers::Group => 0o660,
    };
    if let Ok(Some(group)) = Group::from_name(&config.group)
        && let Err(error) = chown(path, None, Some(group.gid.as_raw()))
    {
        note(format!("{} stays with its group: {error}", path.display()));
    }
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)?;
    Ok((listener, held))
}

fn lock(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let failed = |source| Error::Socket { path: PathBuf::from(&name), source };
    let file = file::lockable(Path::new(&name)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(Error::Served { path: path.to_owned() }),
        Err(fs::TryLockError::Error(error)) => Err(failed(error)),
    }
}
