//! The store's power is cut at every operation: each file is as it was or as it was to be, in the order of the changes.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use fixtures::crash_fs::{CrashFile, CrashFs, Lie};
use trust_client::{Files, NewFile, Role, Store};
use trust_core::Change;

const FOLDER: &str = "/state/trust";

#[derive(Debug)]
struct OnCrashFs(CrashFs);

struct Writing(CrashFile);

impl Files for OnCrashFs {
    fn is_dir(&self, dir: &Path) -> bool {
        let names = dir.parent().and_then(|parent| self.0.names(parent).ok());
        names.is_some_and(|names| names.iter().any(|name| Some(name.as_ref()) == dir.file_name()))
    }
    fn make_dirs(&self, dir: &Path) -> io::Result<()> {
        self.0.make_dir(dir)
    }
    fn length(&self, file: &Path) -> Option<u64> {
        self.0.length(file).ok()?
    }
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        self.0.read(file)
    }
    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>> {
        Ok(Box::new(Writing(self.0.create(file)?)))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, file: &Path) -> io::Result<()> {
        self.0.remove(file)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.sync_dir(dir)
    }
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl NewFile for Writing {
    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }
}

fn open(fs: &CrashFs) -> Store {
    Store::over(Arc::new(OnCrashFs(fs.clone())), FOLDER).expect("the store opens")
}

/// What the store answers for each role.
type Kept = BTreeMap<String, Option<Vec<u8>>>;

const ROLES: [Role; 4] = [Role::Root, Role::Timestamp, Role::Snapshot, Role::Targets];

fn kept(fs: &CrashFs) -> Kept {
    let store = open(fs);
    ROLES.iter().map(|role| (role.to_string(), store.read(role))).collect()
}

fn keep(role: Role, bytes: &str) -> Change {
    Change::Keep { role, bytes: bytes.into() }
}

/// A run that finds two new roots, forgets what the old keys signed, and then all the rest.
fn changes() -> Vec<Change> {
    vec![
        keep(Role::Root, "root 2"),
        Change::Forget { role: Role::Timestamp },
        Change::Forget { role: Role::Snapshot },
        keep(Role::Root, "root 3, longer"),
        keep(Role::Timestamp, "timestamp 2"),
        keep(Role::Snapshot, "snapshot 2"),
        keep(Role::Targets, "targets 2"),
    ]
}

/// A store that holds a first run, and then the states that the second must go through.
fn base() -> (CrashFs, Vec<Kept>) {
    let fs = CrashFs::new();
    fs.make_dir(Path::new("/state")).expect("the folder is new");
    let store = open(&fs);
    for role in ROLES {
        store.apply(&[keep(role, "1")]).expect("the power is on");
    }
    let fs = fs.fork();
    let whole = fs.fork();
    let store = open(&whole);
    let mut states = vec![kept(&whole)];
    for change in changes() {
        store.apply(&[change]).expect("the power is on");
        states.push(kept(&whole));
    }
    (fs, states)
}

/// Cuts everywhere; returns how many states were seen and how many of them were none of those between the change that
/// was cut and the one before it.
fn sweep(lie: Lie) -> (usize, usize) {
    let (base, states) = base();
    let (mut seen, mut wrong) = (0, 0);
    for cut in 0.. {
        let fs = base.fork();
        fs.lie(lie);
        fs.cut_at(cut);
        let store = open(&fs);
        let done =
            changes().into_iter().take_while(|change| store.apply(std::slice::from_ref(change)).is_ok());
        let done = done.count();
        for view in fs.views() {
            seen += 1;
            let found = kept(&view.fs);
            if Some(&found) != states.get(done) && Some(&found) != states.get(done + 1) {
                wrong += 1;
                continue;
            }
            // The same changes once more lead to the same end, whatever lies about under a partial name.
            let again = open(&view.fs);
            again.apply(&changes()).expect("the power is on");
            assert_eq!(Some(&kept(&view.fs)), states.last(), "{}", view.how);
        }
        if done == changes().len() {
            break;
        }
    }
    (seen, wrong)
}

#[test]
fn a_cut_leaves_each_file_old_or_new_in_order() {
    let (seen, wrong) = sweep(Lie::None);
    assert!(seen > 100, "{seen} states");
    assert_eq!(wrong, 0, "of {seen} states");
}

#[test]
fn a_store_that_leaves_out_a_flush_is_found() {
    assert!(sweep(Lie::FileSync).1 > 0);
    assert!(sweep(Lie::DirSync).1 > 0);
}
