//! A publish whose power is cut at every operation: hosts read the old state or the new one, never anything else, and
//! the same command completes it to the same bytes. Two careless writers must fail the same sweep.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use fixtures::crash_fs::{CrashFs, Lie, View};
use trust_core::{Class, Trusted};
use updog_repo::publish::{Gap, publish};
use updog_repo::{Error, Role, Staged, files};

use crate::common::{OnCrashFs, Yard, day, load, read};

/// What a sweep found.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    pub(crate) states: usize,
    pub(crate) old: usize,
    pub(crate) new: usize,
    pub(crate) broken: Vec<String>,
}

/// One publish to be cut.
pub(crate) struct Case<'a> {
    pub(crate) staged: &'a Staged,
    pub(crate) base: CrashFs,
    /// The root that the reader was shipped with.
    pub(crate) root: Vec<u8>,
    pub(crate) now: DateTime<Utc>,
    /// Whether hosts could read something before.
    pub(crate) was_live: bool,
}

impl Case<'_> {
    /// Cuts at every operation and looks at everything a machine may find.
    pub(crate) fn sweep(&self, lie: Lie) -> Swept {
        let (whole, reference) = self.uncut(lie);
        let after = self.look(&reference).unwrap();
        let before = self.look(&self.base.fork().tree()).ok();
        assert_eq!(before.is_some(), self.was_live);
        let mut swept = Swept::default();
        for cut in 0..=whole {
            let fs = self.base.fork();
            fs.lie(lie);
            fs.cut_at(cut);
            assert_eq!(self.publish(&fs).is_ok(), cut == whole);
            for view in fs.views() {
                swept.states += 1;
                match self.judge(&view, before, after, &reference) {
                    Ok(true) => swept.new += 1,
                    Ok(false) => swept.old += 1,
                    Err(why) => swept.broken.push(format!("cut {cut}, {}: {why}", view.how)),
                }
            }
        }
        let (states, broken) = (swept.states, swept.broken.len());
        println!("{whole} operations, {states} states after a cut, {broken} of them wrong ({lie:?})");
        swept
    }

    fn uncut(&self, lie: Lie) -> (usize, BTreeMap<PathBuf, Vec<u8>>) {
        let fs = self.base.fork();
        fs.lie(lie);
        self.publish(&fs).unwrap();
        (fs.ops(), fs.tree())
    }

    fn publish(&self, fs: &CrashFs) -> Result<(), Error> {
        publish(&OnCrashFs(fs.clone()), self.staged, Path::new("/pub"), Gap::Refuse).map(|_| ())
    }

    /// `true`: the reader finds the new state; `false`: the old one. Then the same command must complete it.
    fn judge(
        &self,
        view: &View,
        before: Option<Trusted>,
        after: Trusted,
        reference: &BTreeMap<PathBuf, Vec<u8>>,
    ) -> Result<bool, String> {
        let found = read(&OnCrashFs(view.fs.clone()), Path::new("/pub"), &self.root, self.now);
        let new = match (found, before) {
            (Ok(found), _) if same(found, after) => true,
            (Ok(found), Some(before)) if same(found, before) => false,
            (Ok(found), _) => return Err(format!("neither old nor new: {found:?}")),
            // Before the first commit there is nothing to read, and the reader is told to come back.
            (Err(Error::HostCheck { source }), None) if source.classify() == Class::Transient => false,
            (Err(error), _) => return Err(format!("{error}: {error:?}")),
        };
        self.publish(&view.fs).map_err(|error| format!("rerun: {error}: {error:?}"))?;
        if view.fs.tree() != *reference {
            return Err("the rerun ends in other bytes".into());
        }
        Ok(new)
    }

    fn look(&self, tree: &BTreeMap<PathBuf, Vec<u8>>) -> Result<Trusted, Error> {
        let fs = CrashFs::new();
        for (path, bytes) in tree {
            for dir in path
                .ancestors()
                .skip(1)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .filter(|dir| *dir != Path::new("/"))
            {
                let _ = fs.make_dir(dir);
            }
            std::io::Write::write_all(&mut fs.create(path).unwrap(), bytes).unwrap();
        }
        read(&OnCrashFs(fs), Path::new("/pub"), &self.root, self.now)
    }
}

/// The root does not count: the second commit of a rotation changes nothing else.
fn same(a: Trusted, b: Trusted) -> bool {
    (a.timestamp, a.snapshot, a.targets) == (b.timestamp, b.snapshot, b.targets)
}

/// A repository with 1.0.0 published and 1.1.0 staged.
fn second_release() -> (Yard, Staged, PathBuf, Vec<u8>) {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    let published = yard.publish(&[&key], day(1), &dir);
    let root = published.metadata.roots[0].bytes().to_vec();
    yard.add("1.1.0");
    let staged = yard.sign(&[&key], day(2)).stage(&yard.folder, day(2)).unwrap();
    (yard, staged, dir, root)
}

#[test]
fn a_publish_cut_anywhere_leaves_old_or_new_and_a_rerun_completes_it() {
    let (_yard, staged, dir, root) = second_release();
    let case = Case { staged: &staged, base: load(&dir), root, now: day(2), was_live: true };
    let swept = case.sweep(Lie::None);
    assert!(swept.broken.is_empty(), "{} of {}: {}", swept.broken.len(), swept.states, swept.broken[0]);
    assert!(swept.states > 300 && swept.old > 0 && swept.new > 0, "{swept:?}");
}

#[test]
fn a_first_publish_cut_anywhere_shows_nothing_or_all() {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let staged = yard.sign(&[&key], day(1)).stage(&yard.folder, day(1)).unwrap();
    let root = staged.metadata().roots[0].bytes().to_vec();
    let case = Case { staged: &staged, base: CrashFs::new(), root, now: day(1), was_live: false };
    let swept = case.sweep(Lie::None);
    assert!(swept.broken.is_empty(), "{} of {}: {}", swept.broken.len(), swept.states, swept.broken[0]);
    assert!(swept.states > 300 && swept.old > 0 && swept.new > 0, "{swept:?}");
}

#[test]
fn a_rotation_cut_anywhere_is_read_by_a_host_that_saw_only_root_1() {
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
    let case = Case { staged: &staged, base: load(&dir), root, now: day(2), was_live: true };
    let swept = case.sweep(Lie::None);
    assert!(swept.broken.is_empty(), "{} of {}: {}", swept.broken.len(), swept.states, swept.broken[0]);
    assert!(swept.old > 0 && swept.new > 0, "{swept:?}");
}

#[test]
fn a_writer_that_does_not_flush_fails_the_sweep() {
    let (_yard, staged, dir, root) = second_release();
    for lie in [Lie::FileSync, Lie::DirSync] {
        let case =
            Case { staged: &staged, base: load(&dir), root: root.clone(), now: day(2), was_live: true };
        assert!(!case.sweep(lie).broken.is_empty(), "{lie:?}");
    }
}

#[test]
fn a_writer_that_shows_the_timestamp_first_fails_the_look() {
    let (_yard, staged, dir, root) = second_release();
    let base = load(&dir);
    let online = staged.metadata().online.as_ref().unwrap();
    files::put_bytes(
        &OnCrashFs(base.clone()),
        Path::new("/pub/metadata/timestamp.json"),
        online.timestamp.bytes(),
    )
    .unwrap();
    let found = read(&OnCrashFs(base), Path::new("/pub"), &root, day(2));
    assert!(found.is_err());
}

#[test]
fn an_older_stage_never_overwrites_a_newer_publish() {
    let (yard, staged, dir, _) = second_release();
    let tree = load(&dir);
    // Somebody else publishes 1.2.0 from a copy of the working folder while the stage waits.
    let key = updog_repo::keys::Signer::from_file(&yard.path("keys/all")).unwrap();
    publish(&OnCrashFs(tree.clone()), &staged, Path::new("/pub"), Gap::Refuse).unwrap();
    let older = staged;
    yard.add("1.2.0");
    let newer = yard.sign(&[&key], day(3));
    // The stage is one folder, so the older one is kept as it was read.
    let older_metadata = older.metadata().clone();
    let newer = newer.stage(&yard.folder, day(3)).unwrap();
    publish(&OnCrashFs(tree.clone()), &newer, Path::new("/pub"), Gap::Refuse).unwrap();
    let before = tree.tree();
    let refused = publish(&OnCrashFs(tree.clone()), &older, Path::new("/pub"), Gap::Refuse);
    assert!(matches!(refused, Err(Error::Older { role: Role::Timestamp, .. })), "{refused:?}");
    assert_eq!(tree.tree(), before);
    assert_ne!(older_metadata.versions(), newer.metadata().versions());
}
