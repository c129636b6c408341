//! PRIVATE and DATA: file systems that keep what is written, or a tmpfs in their place.
//!
//! A host without them still runs: a damaged PRIVATE must not restart a machine for ever in both slots. What cannot be
//! used is never formatted: it may hold the only copy of something.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags, unmount};

use crate::console::{chain, say};
use crate::disk::Place;
use crate::mounts::Mount;
use crate::{Error, Result};

/// One of the two.
#[derive(Clone, Debug)]
pub(crate) struct Lasting<'a> {
    /// The partition's.
    name: &'static str,
    on: &'a Path,
    flags: MountFlags,
    /// Holds the reason where it is a tmpfs.
    told: PathBuf,
    mount: fn(&Mount<'_>) -> Result<()>,
}

impl<'a> Lasting<'a> {
    /// What updog remembers.
    pub(crate) fn private(on: &'a Path) -> Lasting<'a> {
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        Lasting {
            name: "PRIVATE",
            on,
            flags,
            told: Path::new(TOLD).join("private"),
            mount: |mount| mount.now(),
        }
    }

    /// What everything else remembers.
    pub(crate) fn data(on: &'a Path) -> Lasting<'a> {
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        Lasting { name: "DATA", on, flags, told: Path::new(TOLD).join("var"), mount: |mount| mount.now() }
    }

    /// Mounts the partition, or a tmpfs.
    pub(crate) fn mount(&self, place: &Place) -> Result<()> {
        let Lasting { on, flags, .. } = *self;
        let reason = match place {
            Place::NoEntry => "the disk has no such partition".to_owned(),
            Place::NoNode => "the kernel shows no device for the partition".to_owned(),
            Place::Node(node) => {
                let what = node.display().to_string();
                match (self.mount)(&Mount { what: &what, on, fstype: "ext4", flags, options: OPTIONS }) {
                    Ok(()) => return Ok(()),
                    Err(error) => chain(&error),
                }
            }
        };
        self.forget(&reason)
    }

    /// A folder in it, made if it is not there. One that cannot be made (read-only, full, something else in its place)
    /// costs all that is kept here, for this boot: half a memory would look like a whole one.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        if let Err(error) = make(self.on, name) {
            self.forget(&chain(&error))?;
            make(self.on, name)?;
        }
        Ok(self.on.join(name))
    }

    /// A tmpfs, loudly.
    fn forget(&self, reason: &str) -> Result<()> {
        let Lasting { name, on, flags, ref told, .. } = *self;
        // What is mounted there would stay out of reach of whoever unmounts at the end.
        let _ = unmount(on, UnmountFlags::DETACH);
        (self.mount)(&Mount { what: "tmpfs", on, fstype: "tmpfs", flags, options: "mode=0755" })?;
        say(&format!("{name} is a tmpfs for this boot, and what is written there will be lost: {reason}"));
        if let Some(folder) = told.parent() {
            fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
        }
        fs::write(told, format!("{reason}\n")).map_err(Error::file("write", told))
    }
}

/// Makes `name` in `on`, folder by folder. A link on the way leads to somewhere in the initramfs, or would once the root is
/// the root, so it is as good as a file in the way.
fn make(on: &Path, name: &str) -> Result<()> {
    let mut folder = on.to_owned();
    for part in Path::new(name) {
        folder.push(part);
        let failed = |source| Error::File { verb: "make", path: folder.clone(), source };
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        if !fs::symlink_metadata(&folder).map_err(failed)?.is_dir() {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
    }
    Ok(())
}

/// Not what the file system asks for: one that asks for a panic would restart both slots for ever.
const OPTIONS: &str = "errors=remount-ro";
const TOLD: &str = "/run/updog/volatile";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    /// A tmpfs hides all that was there; no partition mounts but `good`, which leaves what is there.
    fn pretend(mount: &Mount<'_>) -> Result<()> {
        match (mount.fstype, mount.what) {
            ("tmpfs", _) => {
                fs::remove_dir_all(mount.on).unwrap();
                fs::create_dir(mount.on).unwrap();
                Ok(())
            }
            (_, "good") => Ok(()),
            (_, what) => {
                let source = io::ErrorKind::InvalidData.into();
                Err(Error::Mount { what: what.to_owned(), on: mount.on.to_owned(), source })
            }
        }
    }

    fn lasting(folder: &TempDir, run: impl FnOnce(&Lasting<'_>)) -> Option<String> {
        let (on, told) = (folder.path().join("on"), folder.path().join("run/updog/volatile/private"));
        fs::create_dir_all(&on).unwrap();
        let private = Lasting { told: told.clone(), mount: pretend, ..Lasting::private(&on) };
        run(&private);
        fs::read_to_string(told).ok()
    }

    #[test]
    fn what_mounts_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let told = lasting(&folder, |private| {
            private.mount(&Place::Node("good".into())).unwrap();
            let state = private.folder("updog").unwrap();
            fs::write(state.join("file"), "text").unwrap();
            assert_eq!(private.folder("updog").unwrap(), state);
            assert!(state.join("file").exists());
        });
        assert_eq!(told, None);
    }

    #[test]
    fn what_does_not_mount_is_a_tmpfs_with_a_reason() {
        for (place, reason) in [
            (Place::NoEntry, "the disk has no such partition\n"),
            (Place::NoNode, "the kernel shows no device for the partition\n"),
            (Place::Node("bad".into()), "failed to mount bad on "),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let told = lasting(&folder, |private| {
                private.mount(&place).unwrap();
                assert!(private.folder("updog").unwrap().is_dir());
            });
            assert!(told.unwrap().starts_with(reason), "{place:?}");
        }
    }

    /// The bug: the machine restarted for ever, in both slots.
    #[test]
    fn a_folder_that_cannot_be_made_is_in_a_tmpfs() {
        type Obstacle = fn(&Path) -> io::Result<()>;
        let (file, dangling, elsewhere): (Obstacle, Obstacle, Obstacle) =
            (|path| fs::write(path, ""), |path| symlink("nowhere", path), |path| symlink("..", path));
        for (name, obstacle) in [
            ("lib/updog", file),
            ("lib/updog", dangling),
            ("lib/updog", elsewhere),
            ("lib", file),
            ("lib", elsewhere),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let told = lasting(&folder, |data| {
                data.mount(&Place::Node("good".into())).unwrap();
                fs::create_dir_all(data.on.join(name).parent().unwrap()).unwrap();
                obstacle(&data.on.join(name)).unwrap();
                let made = data.folder("lib/updog").unwrap();
                assert!(fs::symlink_metadata(made).unwrap().is_dir());
            });
            let told = told.unwrap();
            assert!(told.starts_with("failed to make ") && told.contains(&format!("/{name}: ")), "{told}");
            assert_eq!(told.lines().count(), 1);
        }
    }
}
