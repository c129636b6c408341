//! The room on the disk that a delta takes while it is made.

use std::fs;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use release::delta::DeltaWriter;
use updog_repo::delta::{self, Adding, Bases};
use updog_repo::files::{Files, Lock, NewFile};
use updog_repo::{Choice, Disk, Folder};

use crate::common::Yard;

/// The disk of this machine. Remembers how many files without names there are when a delta gets one.
#[derive(Debug, Clone, Default)]
struct Watching(Arc<Mutex<Vec<usize>>>);

/// Files without names in this folder that this process holds.
fn unnamed(dir: &Path) -> usize {
    let open = fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
    open.filter(|path: &PathBuf| path.starts_with(dir) && path.to_string_lossy().ends_with(" (deleted)"))
        .count()
}

impl Files for Watching {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        Disk.make_dir(dir)
    }
    fn open(&self, file: &Path) -> io::Result<Box<dyn Read + Send>> {
        Disk.open(file)
    }
    fn length(&self, file: &Path) -> io::Result<Option<u64>> {
        Disk.length(file)
    }
    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        Disk.names(dir)
    }
    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>> {
        if file.to_string_lossy().contains(".delta") {
            self.0.lock().unwrap().push(unnamed(file.parent().unwrap()));
        }
        Disk.create(file)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        Disk.sync_dir(dir)
    }
    fn remove(&self, file: &Path) -> io::Result<()> {
        Disk.remove(file)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.link(from, to)
    }
    fn scratch(&self, dir: &Path) -> io::Result<fs::File> {
        Disk.scratch(dir)
    }
    fn lock(&self, dir: &Path) -> io::Result<Lock> {
        Disk.lock(dir)
    }
}

#[test]
fn the_base_is_gone_before_the_delta_is_there_twice() {
    let (yard, _) = Yard::with_key();
    yard.add_similar("1.0.0", 1);
    yard.add_similar("1.1.0", 2);
    let disk = Watching::default();
    let folder = Folder::open(Arc::new(disk.clone()), &yard.folder.dir().canonicalize().unwrap()).unwrap();
    let writer = DeltaWriter { level: 1, threads: NonZeroUsize::MIN };
    let order = Adding { choice: Choice::default(), bases: Bases::Last(1), writer, raw: None, source: None };
    delta::add(&folder, &order, &mut |_, _, _| {}).unwrap();
    // The new image and the records: one raw image and two deltas are less than two raw images and one delta.
    assert_eq!(*disk.0.lock().unwrap(), [2, 2, 2]);
}
