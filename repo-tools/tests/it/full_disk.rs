//! A disk that fills up: what fails leaves no partial file, and what a killed run left is gone after the next one.

use std::fs;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use release::delta::DeltaWriter;
use updater_core::Exit;
use updog_repo::add::add;
use updog_repo::copy::{Bundling, Mirroring, Selection, Start, Wanted, Writing, bundle, mirror};
use updog_repo::delta::{self, Adding, Bases};
use updog_repo::files::{Files, Lock, NewFile};
use updog_repo::publish::{Gap, publish};
use updog_repo::source::FolderSource;
use updog_repo::{Choice, Disk, Error, Folder, Staged};

use crate::cli::Desk;
use crate::common::{Yard, day, quick};

/// The disk of this machine, with room for so many bytes more. It says so when they are written, or as late as at the
/// sync.
#[derive(Debug, Clone)]
struct Full {
    room: Arc<AtomicU64>,
    late: bool,
}

struct Filling {
    file: Box<dyn NewFile>,
    disk: Full,
    full: bool,
}

impl Write for Filling {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len() as u64;
        let take = |room: u64| room.checked_sub(count);
        self.full |= self.disk.room.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_err();
        if self.full && !self.disk.late {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl NewFile for Filling {
    fn sync(&mut self) -> io::Result<()> {
        if self.full { Err(io::ErrorKind::StorageFull.into()) } else { self.file.sync() }
    }
}

impl Files for Full {
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
        Ok(Box::new(Filling { file: Disk.create(file)?, disk: self.clone(), full: false }))
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
        if self.room.load(Ordering::SeqCst) == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Disk.scratch(dir)
    }
    fn lock(&self, dir: &Path) -> io::Result<Lock> {
        Disk.lock(dir)
    }
}

fn partials(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(partials(&path));
        } else if path.extension().is_some_and(|end| end == "partial") {
            found.push(path);
        }
    }
    found
}

/// Runs `work` with more room each time until there is enough. Whatever fails is a full disk, and leaves no partial file.
fn fill<T>(dir: &Path, what: &str, work: impl Fn(&Full) -> Result<T, Error>) {
    let mut failed = 0;
    for late in [false, true] {
        let mut room = 0;
        loop {
            let done = work(&Full { room: Arc::new(AtomicU64::new(room)), late });
            assert_eq!(partials(dir), Vec::<PathBuf>::new(), "{what}, room for {room} bytes, late: {late}");
            match done {
                Ok(_) => break,
                Err(error) => {
                    assert_eq!(error.exit(), Exit::Disk, "{what}: {error:?}");
                    assert!(error.to_string().starts_with("failed to "), "{what}: {error}");
                    let hint = error.hint().unwrap_or_default();
                    assert!(hint.starts_with("make room on that disk"), "{what}: {error}: {hint}");
                    failed += 1;
                }
            }
            room += room / 3 + 60;
        }
    }
    assert!(failed > 5, "{what}: {failed}");
}

#[test]
fn a_full_disk_is_left_without_partial_files() {
    let (yard, key) = Yard::with_key();
    let now: DateTime<Utc> = day(1);
    let dir = yard.dir.path();
    let release = yard.release_folder("1.0.0", "1.0.0");
    let draft = yard.folder.draft().unwrap();
    fill(dir, "release add", |full| {
        yard.folder.save_draft(&draft).unwrap();
        fs::remove_dir_all(yard.folder.blobs_dir()).unwrap();
        fs::create_dir(yard.folder.blobs_dir()).unwrap();
        let folder = Folder::open(Arc::new(full.clone()), yard.folder.dir())?;
        let added = add(&folder, &release, &quick(), &mut |_, _, _| {});
        if added.is_err() {
            // Three frames and three indexes are there only when nothing but the draft could not be written.
            let made = Disk.names(&yard.folder.blobs_dir()).unwrap();
            assert!(made.is_empty() || made.len() == 6, "{made:?} are left over");
        }
        added
    });
    let signed = yard.sign(&[&key], now);
    fill(dir, "signing", |full| {
        let folder = Folder::open(Arc::new(full.clone()), yard.folder.dir())?;
        folder.save_papers(signed.papers())
    });
    signed.stage(&yard.folder, now).unwrap();
    let staged = Staged::open(&yard.folder, now).unwrap().unwrap();
    let public = yard.path("public");
    fill(dir, "publish", |full| {
        fs::remove_dir_all(&public).unwrap_or_default();
        publish(full, &staged, &public, Gap::Refuse)
    });
    let source = FolderSource::new(&Disk, &public);
    let copy = yard.path("copy");
    fill(dir, "mirror", |full| {
        fs::remove_dir_all(&copy).unwrap_or_default();
        let order = Mirroring {
            root: None,
            now,
            selection: Selection::Everything,
            gap: Gap::Refuse,
            workers: 2,
            writing: Writing::Really,
        };
        mirror(&source, full, &copy, &order, &|_, _| {})
    });
    let file = yard.path("bundle");
    fill(dir, "bundle", |full| {
        fs::remove_file(&file).unwrap_or_default();
        let order =
            Bundling { start: Start::First(None), now, wanted: Wanted::default(), writing: Writing::Really };
        bundle(&source, full, &file, order, &|_, _| {})
    });
}

#[test]
fn deltas_come_all_or_not_at_all() {
    let (yard, _) = Yard::with_key();
    yard.add_similar("1.0.0", 1);
    yard.add_similar("1.1.0", 2);
    let draft = yard.folder.draft().unwrap();
    let blobs = || Disk.names(&yard.folder.blobs_dir()).unwrap();
    let before = blobs();
    fill(yard.dir.path(), "delta add", |full| {
        yard.folder.save_draft(&draft).unwrap();
        for name in blobs().iter().filter(|name| name.ends_with("delta")) {
            fs::remove_file(yard.folder.blobs_dir().join(name)).unwrap();
        }
        let folder = Folder::open(Arc::new(full.clone()), yard.folder.dir())?;
        let writer = DeltaWriter { level: 1, threads: NonZeroUsize::MIN };
        let (choice, bases) = (Choice::default(), Bases::Last(1));
        let order = Adding { choice, bases, writer, raw: None, source: None };
        let added = delta::add(&folder, &order, &mut |_, _, _| {});
        if added.is_err() {
            // All three are there only when nothing but the draft could not be written.
            let made = blobs().len() - before.len();
            assert!(made == 0 || made == 3, "{made} delta(s) are left over");
            assert_eq!(yard.folder.draft().unwrap().manifest, draft.manifest);
        }
        added
    });
}

#[test]
fn what_a_killed_run_left_is_swept_by_the_next_one() {
    let desk = Desk::new();
    for line in
        ["init", "key new k --role all", "release add release --level 1", "sign --key k", "publish public"]
    {
        desk.done(&format!("--repo r {line}"));
    }
    let folders = [
        "r",
        "r/root",
        "r/draft",
        "r/blobs",
        "r/signing",
        "r/stage/metadata",
        "r/stage/targets",
        "public/metadata",
        "public/targets",
    ];
    for folder in folders {
        fs::write(desk.path().join(folder).join(".torn.partial"), "torn").unwrap();
    }
    desk.done("--repo r publish public --dry-run");
    assert_eq!(partials(desk.path()).len(), folders.len(), "a rehearsal removes nothing");
    desk.done("--repo r publish public");
    assert_eq!(partials(desk.path()), Vec::<PathBuf>::new());
}
