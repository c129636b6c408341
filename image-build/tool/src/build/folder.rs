//! `--out`: nothing half-written ever has a final name, and nothing is removed that no build made.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::Error;
use crate::image::BuildJson;

/// The folder to write to, held by this build. All work is done in a folder within it, on the same file system; what is left of
/// it, by an error or by a kill, is removed.
#[derive(Debug)]
pub(super) struct Folder {
    out: PathBuf,
    partial: PathBuf,
    made: bool,
    /// Final names are there without a `build.json`: `.partial` is kept, since it alone says that they are ours.
    torn: bool,
    lock: File,
}

impl Folder {
    /// Takes the folder; `names` are those that [`finish`](Folder::finish) may replace. Refused when one of them is there and
    /// neither a `build.json` names it nor a build was cut off here.
    pub(super) fn open(out: &Path, names: &[&str]) -> Result<Folder, Error> {
        let write = |source| Error::Write { path: out.to_owned(), source };
        let made = !out.exists();
        if !made && !out.is_dir() {
            return Err(Error::NoFolder { out: out.to_owned() });
        }
        fs::create_dir_all(out).map_err(write)?;
        let lock = File::open(out).map_err(write)?;
        if let Err(error) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            return Err(match error {
                rustix::io::Errno::WOULDBLOCK => Error::Locked { path: out.to_owned() },
                other => write(other.into()),
            });
        }
        // Absolute, since known programs run in other folders.
        let out = fs::canonicalize(out).map_err(write)?;
        let cut_off = out.join(PARTIAL).join(MARK).is_file();
        let torn = look(&out, names, cut_off)?;
        let folder = Folder { partial: out.join(PARTIAL), out, made, torn, lock };
        let write = |source| Error::Write { path: folder.partial.clone(), source };
        if !folder.partial.is_dir() {
            fs::create_dir(&folder.partial).map_err(write)?;
        }
        fs::write(folder.partial.join(MARK), MARK_TEXT).map_err(write)?;
        empty(&folder.partial)?;
        Ok(folder)
    }

    /// Where the work is done.
    pub(super) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Gives these files and folders their final names, in this order. What had a name before is removed first; a cut in between
    /// leaves fewer files, never half of one.
    pub(super) fn finish(&mut self, names: &[&str], gone: &[&str]) -> Result<(), Error> {
        // A name that outlives a power cut must not outlive its bytes.
        names.iter().try_for_each(|name| durable(&self.partial.join(name)))?;
        self.torn = true;
        // build.json vouches for the others: it goes first and comes last.
        for name in names.iter().rev().chain(gone) {
            remove(&self.out.join(name))?;
        }
        for name in names {
            let to = self.out.join(name);
            if *name == "build.json" {
                self.lock.sync_all().map_err(|source| Error::Write { path: self.out.clone(), source })?;
            }
            fs::rename(self.partial.join(name), &to).map_err(|source| Error::Write { path: to, source })?;
        }
        self.torn = false;
        self.lock.sync_all().map_err(|source| Error::Write { path: self.out.clone(), source })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Best effort: the next build removes what is left here.
        let _ = if self.torn { empty(&self.partial) } else { remove(&self.partial) };
        if self.made {
            // Only when nothing was finished, for then it is empty.
            let _ = fs::remove_dir(&self.out);
        }
    }
}

/// Whether final names are ours only because a build was cut off; refused when one is not ours at all.
fn look(out: &Path, names: &[&str], cut_off: bool) -> Result<bool, Error> {
    let foreign = |name: &str| Error::Foreign { out: out.to_owned(), name: name.to_owned() };
    let build: Option<BuildJson> =
        fs::read(out.join("build.json")).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let within = |name: &str| {
        let names = entries(&out.join(name)).into_iter();
        names.map(move |inside| format!("{name}/{inside}")).collect::<Vec<_>>()
    };
    let mut torn = false;
    for name in names {
        if out.join(name).symlink_metadata().is_err() {
            continue;
        }
        let ours = match &build {
            Some(_) if *name == "build.json" => true,
            Some(build) if *name == "release" => {
                let stray = within(name).into_iter().find(|path| !build.files.contains_key(path));
                stray.map_or(Ok(true), |path| Err(foreign(&path)))?
            }
            Some(build) => build.files.contains_key(*name),
            None => false,
        };
        if !ours && !cut_off {
            return Err(foreign(name));
        }
        torn |= build.is_none();
    }
    // An empty one is what a cut right after it was made leaves.
    if !cut_off && out.join(PARTIAL).symlink_metadata().is_ok() && !is_empty_folder(&out.join(PARTIAL)) {
        return Err(foreign(PARTIAL));
    }
    Ok(torn)
}

fn is_empty_folder(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Removes all in a folder of work but the file that says whose it is.
fn empty(partial: &Path) -> Result<(), Error> {
    let names = entries(partial);
    names.iter().filter(|name| *name != MARK).try_for_each(|name| remove(&partial.join(name)))
}

/// Syncs a file, or a folder with its files.
fn durable(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        entries(path).iter().try_for_each(|name| durable(&path.join(name)))?;
    }
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn remove(path: &Path) -> Result<(), Error> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            Err(Error::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

const PARTIAL: &str = ".partial";
const MARK: &str = ".updog-image";
const MARK_TEXT: &str = "the work of a build; the next one removes it\n";

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 2] = ["disk.img", "build.json"];

    #[test]
    fn what_no_build_made_stays() {
        let out = tempfile::tempdir().unwrap();
        for name in NAMES {
            fs::write(out.path().join(name), "mine").unwrap();
            assert!(matches!(Folder::open(out.path(), &NAMES), Err(Error::Foreign { .. })), "{name}");
            assert_eq!(fs::read_to_string(out.path().join(name)).unwrap(), "mine");
            fs::remove_file(out.path().join(name)).unwrap();
        }
        fs::create_dir_all(out.path().join(".partial/mine")).unwrap();
        assert!(matches!(Folder::open(out.path(), &NAMES), Err(Error::Foreign { .. })));
        assert!(out.path().join(".partial/mine").exists());
    }

    /// As a kill between two renames leaves it, and a second build that fails there.
    #[test]
    fn a_build_that_was_cut_off_is_known_as_ours_until_one_is_finished() {
        let out = tempfile::tempdir().unwrap();
        let partial = out.path().join(PARTIAL);
        fs::create_dir(&partial).unwrap();
        fs::write(partial.join(MARK), "").unwrap();
        fs::write(partial.join("tree"), "half").unwrap();
        fs::write(out.path().join("disk.img"), "ours").unwrap();
        for _ in 0..2 {
            let failed = Folder::open(out.path(), &NAMES).unwrap();
            assert_eq!(entries(failed.partial()), [MARK]);
        }
        let mut folder = Folder::open(out.path(), &NAMES).unwrap();
        for name in NAMES {
            fs::write(folder.partial().join(name), "new").unwrap();
        }
        folder.finish(&NAMES, &[]).unwrap();
        drop(folder);
        assert!(!partial.exists());
        assert_eq!(fs::read_to_string(out.path().join("disk.img")).unwrap(), "new");
    }
}
