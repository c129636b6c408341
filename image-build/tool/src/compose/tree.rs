//! Writing into the root's folder.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use crate::Error;

/// The root's folder. Modes are what is said here, whatever the umask.
#[derive(Clone, Debug)]
pub struct Tree {
    folder: PathBuf,
}

impl Tree {
    /// The tree in this folder.
    pub fn at(folder: &Path) -> Tree {
        Tree { folder: folder.to_owned() }
    }

    /// Where a path of the root lies on this machine, as it is written: links on the way are not looked at. `/etc` of a running
    /// host is filled from `/usr/share/factory/etc`, so what is meant for the one goes to the other.
    pub fn place(&self, path: &str) -> PathBuf {
        self.folder.join(within(path))
    }

    /// Makes a folder and those above it.
    pub fn folder(&self, path: &str) -> Result<(), Error> {
        self.walk(&within(path)).map(drop)
    }

    /// Writes a file in place of what is there.
    pub fn file(&self, path: &str, mode: u32, content: &[u8]) -> Result<(), Error> {
        let at = self.clear(path)?;
        let write = |source| Error::Write { path: at.clone(), source };
        fs::write(&at, content).map_err(write)?;
        fs::set_permissions(&at, Permissions::from_mode(mode)).map_err(write)
    }

    /// Makes a symbolic link in place of what is there.
    pub fn link(&self, path: &str, target: &str) -> Result<(), Error> {
        let at = self.clear(path)?;
        symlink(target, &at).map_err(|source| Error::Write { path: at, source })
    }

    /// Makes room for a file or link: the folders above it are there, and nothing of its name is.
    fn clear(&self, path: &str) -> Result<PathBuf, Error> {
        let path = within(path);
        // Without a name of its own, as `..`, it is the folder that it leads to.
        let Some(name) = path.file_name() else { return Err(in_the_way(&path, "a folder")) };
        let at = self.walk(path.parent().unwrap_or(Path::new("")))?.join(name);
        if at.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            return Err(in_the_way(&path, "a folder"));
        }
        match fs::remove_file(&at) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(Error::Write { path: at, source }),
            _ => Ok(at),
        }
    }

    /// Where a folder of the root lies, made where it is not there. Links and `..` lead as they will on the host, where the root
    /// is `/`, and so never out of the tree.
    fn walk(&self, path: &Path) -> Result<PathBuf, Error> {
        let mut left: Vec<OsString> = parts(path);
        let mut done = PathBuf::new();
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part == ".." {
                done.pop();
                continue;
            }
            let (here, at) = (done.join(&part), self.folder.join(&done).join(&part));
            let write = |source| Error::Write { path: at.clone(), source };
            match at.symlink_metadata() {
                Ok(found) if found.is_dir() => done = here,
                Ok(found) if found.is_symlink() && links < LINKS => {
                    links += 1;
                    let target = fs::read_link(&at).map_err(write)?;
                    if target.is_absolute() {
                        done = PathBuf::new();
                    }
                    left.extend(parts(&target));
                }
                Ok(found) if found.is_symlink() => return Err(in_the_way(&here, "a link in a circle")),
                Ok(_) => return Err(in_the_way(&here, "a file")),
                Err(source) if source.kind() == ErrorKind::NotFound => {
                    fs::create_dir(&at).map_err(write)?;
                    fs::set_permissions(&at, Permissions::from_mode(0o755)).map_err(write)?;
                    done = here;
                }
                Err(source) => return Err(write(source)),
            }
        }
        Ok(self.folder.join(done))
    }
}

/// A path of the root from its top, `/etc` where its factory copy lies.
fn within(path: &str) -> PathBuf {
    let path = path.trim_start_matches('/');
    match path.strip_prefix("etc/") {
        Some(rest) => Path::new("usr/share/factory/etc").join(rest.trim_start_matches('/')),
        None => PathBuf::from(path),
    }
}

/// Its names and `..`, the last one first.
fn parts(path: &Path) -> Vec<OsString> {
    let named = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    });
    named.collect()
}

fn in_the_way(path: &Path, found: &'static str) -> Error {
    Error::InTheWay { path: path.display().to_string(), found }
}

/// As many as the kernel follows.
const LINKS: u32 = 40;

/// A whole file of the builder's.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bug: a build wrote over files of the machine that it ran on.
    #[test]
    fn nothing_is_written_out_of_the_tree() {
        let machine = tempfile::tempdir().unwrap();
        let outside = machine.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("passwd"), "mine").unwrap();
        let folder = machine.path().join("tree");
        fs::create_dir(&folder).unwrap();
        let tree = Tree::at(&folder);
        let target = outside.to_str().unwrap();
        tree.link("opt/x", target).unwrap();
        tree.link("opt/y", "../../../outside").unwrap();
        for path in ["opt/x/passwd", "opt/y/passwd", "../outside/passwd", "etc/../../../../../outside/passwd"]
        {
            tree.file(path, 0o644, b"image").unwrap();
            assert_eq!(fs::read_to_string(outside.join("passwd")).unwrap(), "mine", "{path}");
        }
        // Where the host will find it.
        let inside = folder.join(target.trim_start_matches('/')).join("passwd");
        assert_eq!(fs::read_to_string(inside).unwrap(), "image");
        assert_eq!(fs::read_to_string(folder.join("outside/passwd")).unwrap(), "image");
        tree.link("round", "round").unwrap();
        let said = tree.file("round/x", 0o644, b"").unwrap_err().to_string();
        assert!(said.contains("/round: a link in a circle"), "{said}");
        for path in ["..", "a/..", "/"] {
            assert!(matches!(tree.file(path, 0o644, b""), Err(Error::InTheWay { .. })), "{path}");
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    }

    #[test]
    fn links_within_the_root_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::at(folder.path());
        tree.folder("usr/bin").unwrap();
        tree.link("bin", "usr/bin").unwrap();
        tree.file("bin/x", 0o755, b"x").unwrap();
        assert!(folder.path().join("usr/bin/x").is_file());
        tree.link("lib", "/usr/lib").unwrap();
        tree.file("lib/y", 0o644, b"y").unwrap();
        assert!(folder.path().join("usr/lib/y").is_file());
    }
}
