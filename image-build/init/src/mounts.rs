//! File systems around the root.

use std::ffi::CString;
use std::fs;
use std::path::Path;

use rustix::mount::{MountFlags, mount, mount_bind, mount_move};

use crate::{Error, Result};

/// One mount.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mount<'a> {
    /// Device, or the kind again.
    pub what: &'a str,
    /// Where; made if it is not there.
    pub on: &'a Path,
    /// Kind of file system.
    pub fstype: &'a str,
    /// Flags.
    pub flags: MountFlags,
    /// Options of the file system.
    pub options: &'a str,
}

impl Mount<'_> {
    /// Mounts it.
    pub(crate) fn now(&self) -> Result<()> {
        let Mount { what, on, fstype, flags, options } = *self;
        let failed = |source| Error::Mount { what: what.to_owned(), on: on.to_owned(), source };
        // On a read-only root the folder is there or the mount says so.
        let _ = fs::create_dir_all(on);
        let options = CString::new(options).map_err(|error| failed(error.into()))?;
        mount(what, on, fstype, flags, options.as_c_str()).map_err(|errno| failed(errno.into()))
    }
}

/// The kernel's own, which every step needs.
pub(crate) fn kernel() -> Result<()> {
    let plain = MountFlags::NOSUID | MountFlags::NOEXEC;
    for (fstype, on, flags, options) in [
        ("devtmpfs", "/dev", MountFlags::NOSUID, "mode=0755"),
        ("proc", "/proc", plain | MountFlags::NODEV, ""),
        ("sysfs", "/sys", plain | MountFlags::NODEV, ""),
        ("tmpfs", "/run", MountFlags::NOSUID | MountFlags::NODEV, "mode=0755"),
    ] {
        Mount { what: fstype, on: Path::new(on), fstype, flags, options }.now()?;
    }
    Ok(())
}

/// Shows a folder in place of a second one; both are there.
pub(crate) fn bind(from: &Path, to: &Path) -> Result<()> {
    let failed = |source| Error::Mount { what: from.display().to_string(), on: to.to_owned(), source };
    mount_bind(from, to).map_err(|errno| failed(errno.into()))
}

/// Moves a mount, with all that is mounted in it.
pub(crate) fn shift(from: &Path, to: &Path) -> Result<()> {
    let failed = |source| Error::Mount { what: from.display().to_string(), on: to.to_owned(), source };
    mount_move(from, to).map_err(|errno| failed(errno.into()))
}
