//! Ten thousand targets: no step takes more than in proportion. Nothing here is held against a clock on the wall; what is
//! compared are operations, bytes, and the work of one thread for 1,000 and for 10,000 targets.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use release::names::Names;
use release::{Images, Version};
use trust_core::Expiry;
use updog_repo::add::add;
use updog_repo::against::{live_manifest, signed_manifest};
use updog_repo::doctor::{Observed, examine};
use updog_repo::files::{Files, Lock, NewFile};
use updog_repo::keys::Signer;
use updog_repo::prune::{Action, prune};
use updog_repo::publish::{Gap, publish};
use updog_repo::refresh::{Terms, refresh};
use updog_repo::schedule::lines;
use updog_repo::source::FolderSource;
use updog_repo::store::FolderStore;
use updog_repo::validate::{Depth, Validation, orphans, validate};
use updog_repo::{Choice, Disk, Folder, Intent, Signing, Staged};

use crate::common::{Yard, again, day, order, quick, wait};

/// A file system that counts.
#[derive(Debug, Clone, Default)]
struct Counting(Arc<[AtomicU64; 2]>);

impl Counting {
    fn one(&self) {
        self.0[0].fetch_add(1, Ordering::Relaxed);
    }

    /// Operations, and bytes read.
    fn taken(&self) -> [u64; 2] {
        [0, 1].map(|at| self.0[at].swap(0, Ordering::Relaxed))
    }
}

struct Counted(Box<dyn Read + Send>, Counting);

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1.0[1].fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Files for Counting {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.one();
        Disk.make_dir(dir)
    }
    fn open(&self, file: &Path) -> io::Result<Box<dyn Read + Send>> {
        self.one();
        Ok(Box::new(Counted(Disk.open(file)?, self.clone())))
    }
    fn length(&self, file: &Path) -> io::Result<Option<u64>> {
        self.one();
        Disk.length(file)
    }
    fn modified(&self, file: &Path) -> io::Result<Option<DateTime<Utc>>> {
        self.one();
        Disk.modified(file)
    }
    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.one();
        Disk.names(dir)
    }
    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>> {
        self.one();
        Disk.create(file)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.one();
        Disk.rename(from, to)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.one();
        Disk.sync_dir(dir)
    }
    fn remove(&self, file: &Path) -> io::Result<()> {
        self.one();
        Disk.remove(file)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.one();
        Disk.link(from, to)
    }
    fn lock(&self, dir: &Path) -> io::Result<Lock> {
        Disk.lock(dir)
    }
}

/// A working folder whose draft has so many releases, of six targets each, and one more to be added.
fn stocked(releases: u64) -> (Yard, Signer) {
    let (yard, key) = Yard::with_key();
    yard.add("0.0.0");
    let mut draft = yard.folder.draft().unwrap();
    let first = draft.manifest.updates[0].clone();
    let blobs = yard.folder.blobs_dir();
    let mut targets = draft.targets.clone();
    for patch in 1..releases {
        let version = Version::new(0, 0, patch);
        let names = Names::new(&first.variant, &first.arch, &version).unwrap();
        let mut update = first.clone();
        let mut same = |old: &str, new: String| {
            let blob = draft.targets[old];
            fs::hard_link(blobs.join(blob.file_name(old)), blobs.join(blob.file_name(&new))).unwrap();
            targets.insert(new, blob);
        };
        let ours = first.updog.as_ref().unwrap();
        for (image, old) in first.images.iter() {
            same(old, names.frames(image));
            same(ours.index.get(image), names.index(image));
        }
        update.version = version;
        update.images = Images::from_fn(|image| names.frames(image));
        update.updog.as_mut().unwrap().index = Images::from_fn(|image| names.index(image));
        draft.manifest.updates.push(update);
    }
    let newest = draft.manifest.updates.last().unwrap().version.clone();
    for update in &mut draft.manifest.updates {
        update.max_version = newest.clone();
    }
    draft.targets = targets;
    yard.folder.save_draft(&draft).unwrap();
    (yard, key)
}

/// What a step took: operations, bytes read, the work of this thread.
#[derive(Debug, Clone, Copy)]
struct Cost {
    operations: u64,
    bytes: u64,
    work: Duration,
}

fn cost(files: &Counting, step: impl FnOnce()) -> Cost {
    // Nanoseconds on a processor, by the kernel's book about this thread.
    let work = || {
        let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
    };
    files.taken();
    let before = work();
    step();
    let work = work().saturating_sub(before);
    let [operations, bytes] = files.taken();
    Cost { operations, bytes, work }
}

/// All verbs that go over a repository, in the order of a day: one release more, shown to hosts, then looked after.
fn steps(releases: u64) -> Vec<(&'static str, Cost)> {
    let (yard, key) = stocked(releases);
    let files = Counting::default();
    let folder = Folder::open(Arc::new(files.clone()), yard.folder.dir()).unwrap();
    let mut steps = Vec::new();
    let staged = staged(&yard, &folder, &files, &key, &mut steps);
    let updates = staged.view().manifest.as_ref().unwrap().updates.len();
    assert_eq!(u64::try_from(updates).unwrap(), releases + 1);
    steps.push((
        "release list",
        cost(&files, || {
            let draft = folder.draft().unwrap();
            let closes =
                draft.manifest.updates.iter().filter(|update| update.rollout().closes_at().is_none());
            assert_eq!(closes.count(), updates);
        }),
    ));
    steps.push((
        "release show",
        cost(&files, || {
            let draft = folder.draft().unwrap();
            let choice = Choice { version: Some(Version::new(1, 0, 0)), ..Choice::default() };
            let update = &draft.manifest.updates[draft.choose(&choice).unwrap()];
            assert_eq!(lines(&update.rollout()).len(), 1);
        }),
    ));
    let public = yard.path("public");
    steps.push((
        "publish",
        cost(&files, || {
            let published = publish(&files, &staged, &public, Gap::Refuse).unwrap();
            assert!(u64::try_from(published.new_blobs).unwrap() > 6 * releases);
        }),
    ));
    steps.push((
        "release diff",
        cost(&files, || {
            let draft = folder.draft().unwrap();
            let source = FolderSource::new(&files, &public);
            let live = live_manifest(&folder, &source, day(0)).unwrap();
            for before in [signed_manifest(&folder).unwrap(), live] {
                assert!(draft.manifest.differences(&before.unwrap()).is_empty());
            }
        }),
    ));
    tended(&folder, &files, &key, &public, &mut steps);
    steps
}

/// `release add`, `sign` and `stage` of one release more.
fn staged(
    yard: &Yard,
    folder: &Folder,
    files: &Counting,
    key: &Signer,
    steps: &mut Vec<(&'static str, Cost)>,
) -> Staged {
    let dir = yard.release_folder("1.0.0", "1.0.0");
    steps.push((
        "release add",
        cost(files, || {
            add(folder, &dir, &quick(), &mut |_, _, _| {}).unwrap();
        }),
    ));
    let (mut signed, mut staged) = (None, None);
    steps.push((
        "sign",
        cost(files, || {
            let (papers, draft) = (folder.papers().unwrap(), folder.draft().unwrap());
            let unsigned = draft.close(folder, papers, order(day(0))).unwrap();
            let Signing::Complete(all) = wait(unsigned.sign(&[again(key)])).unwrap() else {
                panic!("unsigned")
            };
            folder.save_papers(all.papers()).unwrap();
            signed = Some(*all);
        }),
    ));
    steps.push((
        "stage",
        cost(files, || staged = Some(signed.take().unwrap().stage(folder, day(0)).unwrap())),
    ));
    staged.unwrap()
}

/// `refresh`, `validate`, `prune` and `doctor` of what is published.
fn tended(
    folder: &Folder,
    files: &Counting,
    key: &Signer,
    public: &Path,
    steps: &mut Vec<(&'static str, Cost)>,
) {
    let terms = Terms { now: day(1), term: TimeDelta::days(7), expired: Expiry::Enforce };
    steps.push((
        "refresh",
        cost(files, || {
            wait(refresh(files, public, &[again(key)], terms)).unwrap();
        }),
    ));
    steps.push((
        "validate",
        cost(files, || {
            // One worker, which is another thread: its operations and bytes count, its work does not.
            let order = Validation { root: None, now: day(1), depth: Depth::Targets, workers: 1 };
            let mut report = validate(&FolderSource::new(files, public), &order, &|_, _| {}).unwrap();
            orphans(&FolderStore::new(files, public), &mut report).unwrap();
            assert!(report.problems.is_empty(), "{:?}", report.problems);
        }),
    ));
    steps.push((
        "prune",
        cost(files, || {
            let plan = prune(&FolderStore::new(files, public), day(1), Action::Show).unwrap();
            assert!(plan.blobs.is_empty());
        }),
    ));
    steps.push((
        "doctor",
        cost(files, || {
            let intent = Intent::default();
            examine(&Observed::look(folder, &intent, &[]), &intent, day(1));
        }),
    ));
}

/// Ten times as many targets: about ten times as much, where a quadratic step would take a hundred times.
#[test]
fn ten_times_the_targets_take_no_more_than_in_proportion() {
    let (few, many) = (steps(167), steps(1_667));
    assert_eq!(many.len(), 11);
    for ((step, few), (_, many)) in few.into_iter().zip(many) {
        println!("{step}: {few:?}, {many:?}");
        assert!(many.operations <= 11 * few.operations, "{step}: {few:?}, {many:?}");
        assert!(many.bytes <= 11 * few.bytes, "{step}: {few:?}, {many:?}");
        // Of this thread alone, which the kernel may count in ticks. Far enough from ten for caches and a busy machine, and from a hundred for a square.
        assert!(many.work < 40 * few.work.max(TICK), "{step}: {few:?}, {many:?}");
        if ["release add", "release list", "release show", "release diff", "refresh"].contains(&step) {
            assert_eq!(many.operations, few.operations, "{step} looks at no other release's files");
        }
        if ["release add", "sign", "stage"].contains(&step) {
            let row = format!("| `{step}` | {} · {} · ", grouped(few.operations), grouped(many.operations));
            let page = include_str!("../../../docs/rollouts.md");
            assert!(page.contains(&row), "docs/rollouts.md lacks {row}");
        }
    }
}

/// `3,060`
fn grouped(number: u64) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
}

/// What is shorter than this may be counted as nothing.
const TICK: Duration = Duration::from_millis(5);
