//! A publish to a store without locks: cut at every operation, two at once, from scratch, and dry.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use trust_core::{Class, Trusted};
use updog_repo::publish::{Gap, Order, Others, Published, Trust, preview, publish_to};
use updog_repo::source::StoreSource;
use updog_repo::store::{Entry, Found, Hold, Memory, New, Outgoing, Part, Reading, Sent, Store, Swap, Tag};
use updog_repo::{Error, Role, Staged};

use crate::common::{Yard, day};
use crate::cut_store::{CutStore, Loss, Slow, see};

pub(crate) const ORDER: Order = Order { gap: Gap::Refuse, trust: Trust::Live, others: Others::Keep };

pub(crate) fn put(store: &dyn Store, staged: &Staged) -> Result<Published, Error> {
    publish_to(store, staged, ORDER, &|_| {})
}

/// As one who has been told what it takes away.
pub(crate) fn put_over_others(store: &dyn Store, staged: &Staged) -> Result<Published, Error> {
    publish_to(store, staged, Order { others: Others::Undo, ..ORDER }, &|_| {})
}

/// The files of a folder, in memory.
pub(crate) fn remember(dir: &Path) -> Memory {
    let memory = Memory::new();
    for part in [Part::Metadata, Part::Targets] {
        for entry in std::fs::read_dir(dir.join(part.name())).unwrap() {
            let path = entry.unwrap().path();
            memory.plant(part, path.file_name().unwrap().to_str().unwrap(), &std::fs::read(&path).unwrap());
        }
    }
    memory
}

/// The root does not count: the second commit of a rotation changes nothing else.
pub(crate) fn same(a: Trusted, b: Trusted) -> bool {
    (a.timestamp, a.snapshot, a.targets) == (b.timestamp, b.snapshot, b.targets)
}

struct Case<'a> {
    staged: &'a Staged,
    base: Memory,
    root: Vec<u8>,
    now: DateTime<Utc>,
}

impl Case<'_> {
    fn sweep(&self) {
        let whole = self.base.fork();
        let counting = CutStore::new(&whole, None);
        put(&counting, self.staged).unwrap();
        let before = see(&StoreSource(&self.base), &self.root, self.now).ok();
        let after = see(&StoreSource(&whole), &self.root, self.now).unwrap();
        let (mut old, mut new) = (0, 0);
        for at in 0..counting.ops() {
            for loss in [Loss::All, Loss::Answer] {
                let store = self.base.fork();
                assert!(put(&CutStore::new(&store, Some((at, loss))), self.staged).is_err());
                let found = match see(&StoreSource(&store), &self.root, self.now) {
                    Ok(found) => Some(found),
                    // Before the first commit there is nothing to read, and the reader is told to come back.
                    Err(Error::HostCheck { source })
                        if before.is_none() && source.classify() == Class::Transient =>
                    {
                        None
                    }
                    Err(error) => panic!("cut {at}, {loss:?}: {error}: {error:?}"),
                };
                match (found, before) {
                    (Some(found), _) if same(found, after) => new += 1,
                    (Some(found), Some(before)) if same(found, before) => old += 1,
                    (None, None) => old += 1,
                    (found, _) => panic!("cut {at}, {loss:?}: neither old nor new: {found:?}"),
                }
                // The same command completes it to the same bytes, and a host that was half-way through finds its files.
                let cut = store.fork();
                put(&store, self.staged).unwrap_or_else(|error| panic!("cut {at}, {loss:?}, rerun: {error}"));
                assert_eq!(store.tree(), whole.tree(), "cut {at}, {loss:?}");
                if found.is_some() {
                    see(&Slow { first: &cut, then: &store }, &self.root, self.now).unwrap();
                }
            }
        }
        println!("{} operations, {old} old, {new} new", counting.ops());
        assert!(old > 0 && new > 0);
    }
}

/// 1.0.0 published, 1.1.0 staged.
pub(crate) fn second_release() -> (Yard, Staged, Memory, Vec<u8>) {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    let published = yard.publish(&[&key], day(1), &dir);
    let root = published.metadata.roots[0].bytes().to_vec();
    yard.add("1.1.0");
    let staged = yard.sign(&[&key], day(2)).stage(&yard.folder, day(2)).unwrap();
    let memory = remember(&dir);
    (yard, staged, memory, root)
}

/// 1.0.0 published with old keys, the rotation to new ones staged.
pub(crate) fn rotation() -> (Yard, Staged, Memory, Vec<u8>) {
    let (yard, old) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    let root = yard.publish(&[&old], day(1), &dir).metadata.roots[0].bytes().to_vec();
    let new = yard.key("new");
    let online = [Role::Targets, Role::Snapshot, Role::Timestamp];
    yard.edit_root(|next| {
        next.remove_key(old.id(), &online).unwrap();
        next.add_key(&new.public(), &online).unwrap();
    });
    let staged = yard.sign(&[&old, &new], day(2)).stage(&yard.folder, day(2)).unwrap();
    let memory = remember(&dir);
    (yard, staged, memory, root)
}

#[test]
fn a_publish_to_a_store_cut_anywhere_leaves_old_or_new_and_a_rerun_completes_it() {
    let (_yard, staged, base, root) = second_release();
    Case { staged: &staged, base, root, now: day(2) }.sweep();
}

#[test]
fn a_first_publish_to_a_store_cut_anywhere_shows_nothing_or_all() {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let staged = yard.sign(&[&key], day(1)).stage(&yard.folder, day(1)).unwrap();
    let root = staged.metadata().roots[0].bytes().to_vec();
    Case { staged: &staged, base: Memory::new(), root, now: day(1) }.sweep();
}

#[test]
fn a_rotation_in_a_store_cut_anywhere_is_read_by_a_host_that_saw_only_root_1() {
    let (_yard, staged, base, root) = rotation();
    Case { staged: &staged, base, root, now: day(2) }.sweep();
}

/// At operation `at` of its user, somebody else does `work`.
pub(crate) struct Crowded<'a> {
    pub(crate) inner: &'a dyn Store,
    pub(crate) at: usize,
    pub(crate) ops: Mutex<usize>,
    pub(crate) work: &'a (dyn Fn() + Sync),
}

impl std::fmt::Debug for Crowded<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Crowded")
    }
}

impl Crowded<'_> {
    fn step(&self) -> &dyn Store {
        let mut ops = self.ops.lock().unwrap();
        if *ops == self.at {
            (self.work)();
        }
        *ops += 1;
        self.inner
    }
}

impl Store for Crowded<'_> {
    fn place(&self) -> String {
        self.inner.place()
    }
    fn begin(&self, parts: &[Part]) -> Result<Hold, Error> {
        self.inner.begin(parts)
    }
    fn at_once(&self) -> usize {
        1
    }
    fn reading(&self) -> Reading {
        self.inner.reading()
    }
    fn list(&self, part: Part) -> Result<Vec<Entry>, Error> {
        self.step().list(part)
    }
    fn read(&self, part: Part, name: &str, max: u64) -> Result<Option<Found>, Error> {
        self.step().read(part, name, max)
    }
    fn stream(
        &self,
        part: Part,
        name: &str,
        length: u64,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<updog_repo::source::Streamed, Error> {
        self.step().stream(part, name, length, sink)
    }
    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<New, Error> {
        self.step().put_new(name, bytes)
    }
    fn swap(&self, name: &str, bytes: &[u8], before: Option<&Tag>) -> Result<Swap, Error> {
        self.step().swap(name, bytes, before)
    }
    fn upload(&self, blob: &mut Outgoing<'_>) -> Result<Sent, Error> {
        self.step().upload(blob)
    }
    fn remove(&self, part: Part, name: &str) -> Result<(), Error> {
        self.step().remove(part, name)
    }
}

/// Two copies of one working folder from which 1.0.0 was published: here 1.1.0 is signed on day 2, there 1.2.0 on
/// another day.
pub(crate) struct Copies {
    pub(crate) _yards: [Yard; 2],
    pub(crate) ours: Staged,
    pub(crate) theirs: Staged,
    pub(crate) base: Memory,
    pub(crate) root: Vec<u8>,
}

pub(crate) fn copies(days: i64) -> Copies {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    let root = yard.publish(&[&key], day(1), &dir).metadata.roots[0].bytes().to_vec();
    let base = remember(&dir);
    let other = tempfile::tempdir().unwrap();
    let copy = other.path().join("repo");
    assert!(Command::new("cp").arg("-a").arg(yard.folder.dir()).arg(&copy).status().unwrap().success());
    let folder = updog_repo::Folder::open(std::sync::Arc::new(updog_repo::Disk), &copy).unwrap();
    let rival = Yard { dir: other, folder };
    yard.add("1.1.0");
    let ours = yard.sign(&[&key], day(2)).stage(&yard.folder, day(2)).unwrap();
    rival.add("1.2.0");
    let theirs = rival.sign(&[&key], day(days)).stage(&rival.folder, day(days)).unwrap();
    Copies { _yards: [yard, rival], ours, theirs, base, root }
}

/// Whenever the rival comes, one of the two is shown whole; whoever was not first is told why.
#[test]
fn of_two_publishers_one_wins_and_the_other_is_told() {
    for (days, newer) in [(3, true), (1, false)] {
        let Copies { _yards, ours, theirs: rival, base, root } = copies(days);
        let counting = base.fork();
        let count = CutStore::new(&counting, None);
        put(&count, &ours).unwrap();
        let (mut first, mut second) = (0, 0);
        for at in 0..count.ops() {
            let store = base.fork();
            let theirs = Mutex::new(None);
            let work = || *theirs.lock().unwrap() = Some(put(&store, &rival).map(|_| ()));
            let crowded = Crowded { inner: &store, at, ops: Mutex::new(0), work: &work };
            let result = put(&crowded, &ours);
            let theirs = theirs.into_inner().unwrap().unwrap();
            let shown = see(&StoreSource(&store), &root, day(3)).unwrap().timestamp.version;
            let version = |staged: &Staged| staged.metadata().versions().timestamp;
            match (&result, &theirs) {
                // Each has a release that the other does not know: whoever comes second would take the first one's away.
                (Ok(_), Ok(())) => panic!("at {at}: a release was taken away"),
                (Ok(_), Err(error)) => {
                    assert!(matches!(error, Error::Undoes { .. }), "at {at}: {error}");
                    assert_eq!(shown, version(&ours), "at {at}");
                    second += 1;
                }
                (Err(error), Ok(())) => {
                    let why =
                        matches!(error, Error::Undoes { .. } | Error::Older { .. } | Error::Raced { .. });
                    assert!(why && error.hint().is_some(), "at {at}: {error}");
                    assert_eq!(shown, version(&rival), "at {at}");
                    first += 1;
                    let again = put(&store, &ours);
                    assert!(matches!(again, Err(Error::Undoes { .. })), "at {at}: {again:?}");
                    // Told to go on, it starts from what is there; when it is older, it stays out all the same.
                    let again = put_over_others(&store, &ours);
                    assert_eq!(again.is_ok(), !newer, "at {at}: {again:?}");
                }
                (Err(ours), Err(theirs)) => panic!("at {at}: nobody won: {ours}; {theirs}"),
            }
        }
        println!("rival first {first}, refused {second}");
        assert!(first > 0 && second > 0);
    }
}

/// Two copies sign in the same second: one version, two documents. Neither ever takes the place of the other.
#[test]
fn documents_of_one_version_are_never_written_over() {
    let Copies { _yards, ours, theirs: rival, base, root } = copies(2);
    assert_eq!(ours.metadata().versions(), rival.metadata().versions());
    put(&base, &rival).unwrap();
    let tree = base.tree();
    let refused = put_over_others(&base, &ours);
    assert!(matches!(refused, Err(Error::SameVersion { .. })), "{refused:?}");
    assert_eq!(
        base.tree().get(&(Part::Metadata, "timestamp.json".into())),
        tree.get(&(Part::Metadata, "timestamp.json".into()))
    );
    see(&StoreSource(&base), &root, day(2)).unwrap();
    // The rival died right before its commit: its documents may be committed at any moment.
    let (_other, ours, base, _) = second_release();
    let name = format!("{}.targets.json", ours.metadata().versions().targets);
    base.plant(Part::Metadata, &name, b"{}");
    let refused = put(&base, &ours);
    assert!(matches!(refused, Err(Error::SameVersion { role: Role::Targets, .. })), "{refused:?}");
    assert!(refused.unwrap_err().hint().unwrap().contains("--renew targets"));
}

#[test]
fn a_dry_run_says_what_a_publish_does_and_does_nothing() {
    let (_yard, staged, base, _) = second_release();
    let tree = base.tree();
    let preview = preview(&base, &staged, ORDER).unwrap();
    assert_eq!(base.tree(), tree);
    let seen: Vec<String> = preview.differences.unwrap().iter().map(ToString::to_string).collect();
    let expected = [
        "added: tiny x86_64 1.1.0, open to all hosts at once",
        "max_version of tiny x86_64: 1.1.0 (before: 1.0.0)",
    ];
    assert_eq!(seen, expected);
    let published = put(&base, &staged).unwrap();
    assert_eq!(published.new_blobs, preview.blobs.len());
    let written: u64 = base
        .tree()
        .iter()
        .filter(|(key, _)| key.0 == Part::Targets && !tree.contains_key(*key))
        .map(|(_, bytes)| u64::try_from(bytes.len()).unwrap())
        .sum();
    assert_eq!(written, preview.bytes);
    let again = updog_repo::publish::preview(&base, &staged, ORDER).unwrap();
    assert!(again.plan.is_done() && again.blobs.is_empty() && again.differences == Some(Vec::new()));
}

#[test]
fn from_scratch_mends_everything_but_never_a_root() {
    let (_yard, staged, base, root) = second_release();
    put(&base, &staged).unwrap();
    let good = base.tree();
    let scratch = Order { trust: Trust::Roots, ..ORDER };
    for (part, name) in good.keys().filter(|(_, name)| !name.ends_with("root.json")) {
        let store = base.fork();
        store.plant(*part, name, b"broken");
        assert!(see(&StoreSource(&store), &root, day(2)).is_err() || !is_live(&staged, name), "{name}");
        publish_to(&store, &staged, scratch, &|_| {}).unwrap_or_else(|error| panic!("{name}: {error}"));
        see(&StoreSource(&store), &root, day(2)).unwrap();
    }
    // A root that is not ours is not replaced, and one that is gone is shown again.
    let store = base.fork();
    let (_other, other, _, _) = second_release();
    let refused = publish_to(&store, &other, scratch, &|_| {});
    assert!(matches!(refused, Err(Error::OtherRepository { version: 1 })), "{refused:?}");
    assert_eq!(store.tree(), good);
    store.remove(Part::Metadata, "1.root.json").unwrap();
    store.remove(Part::Metadata, "timestamp.json").unwrap();
    publish_to(&store, &staged, scratch, &|_| {}).unwrap();
    assert_eq!(store.tree(), good);
}

fn is_live(staged: &Staged, name: &str) -> bool {
    let online = staged.metadata().online.as_ref().unwrap();
    let versions = staged.metadata().versions();
    name == "timestamp.json"
        || name == format!("{}.targets.json", versions.targets)
        || name == format!("{}.snapshot.json", versions.snapshot)
        || online.blobs().iter().any(|(blob, _)| blob == name)
}

#[test]
fn from_scratch_lets_no_version_fall() {
    let (yard, staged, base, _) = second_release();
    put(&base, &staged).unwrap();
    let key = updog_repo::keys::Signer::from_file(&yard.path("keys/all")).unwrap();
    yard.add("1.3.0");
    let older = staged;
    let older_version = older.metadata().versions().timestamp;
    let newer = yard.sign(&[&key], day(4)).stage(&yard.folder, day(4)).unwrap();
    put(&base, &newer).unwrap();
    let tree = base.tree();
    let refused = publish_to(&base, &older, Order { trust: Trust::Roots, ..ORDER }, &|_| {});
    assert!(matches!(refused, Err(Error::Older { staged, .. }) if staged == older_version), "{refused:?}");
    assert_eq!(base.tree(), tree);
}

/// A prune by somebody else between the listing and the commit: the commit does not happen.
#[test]
fn a_blob_that_is_taken_away_during_a_publish_stops_it_before_hosts_see_it() {
    let (_yard, staged, base, root) = second_release();
    let kept = staged.metadata().online.as_ref().unwrap().blobs();
    let victim = kept.iter().find(|(name, _)| name.ends_with("1.0.0-root.img.zst")).unwrap().0.clone();
    let store = base.fork();
    let work = || store.remove(Part::Targets, &victim).unwrap();
    // After the listing of targets, among the uploads.
    let crowded = Crowded { inner: &store, at: 8, ops: Mutex::new(0), work: &work };
    let refused = put(&crowded, &staged);
    assert!(matches!(&refused, Err(Error::Vanished { name, .. }) if *name == victim), "{refused:?}");
    put(&store, &staged).unwrap();
    see(&StoreSource(&store), &root, day(2)).unwrap();
}
