//! A rotation and another publisher in a store without locks: timestamp.json is swapped, the root is another file. In
//! whatever order the two come, hosts are served, or somebody is told that they are not and how to mend it.

use std::process::Command;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use trust_core::Expiry;
use updater_core::Exit;
use updog_repo::keys::Signer;
use updog_repo::refresh::{Terms, refresh_at};
use updog_repo::source::StoreSource;
use updog_repo::store::{Memory, Part, Store};
use updog_repo::{Disk, Error, Folder, Role, Staged};

use crate::common::{Yard, again, day, order, wait};
use crate::cut_store::{CutStore, Loss, see};
use crate::stores::{Crowded, put, put_over_others, remember};

const ONLINE: [Role; 3] = [Role::Targets, Role::Snapshot, Role::Timestamp];

/// 1.0.0 published with an old key, the rotation to a new one staged, and another copy of the working folder that
/// knows nothing of it.
struct Scene {
    yard: Yard,
    rival: Yard,
    old: Signer,
    new: Signer,
    rotation: Staged,
    /// The rotation has committed its timestamp and not yet shown root 2.
    between: Memory,
    root: Vec<u8>,
}

fn scene() -> Scene {
    let (yard, old) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    let root = yard.publish(&[&old], day(1), &dir).metadata.roots[0].bytes().to_vec();
    let between = remember(&dir);
    let other = tempfile::tempdir().unwrap();
    let copy = other.path().join("repo");
    assert!(Command::new("cp").arg("-a").arg(yard.folder.dir()).arg(&copy).status().unwrap().success());
    let rival = Yard { dir: other, folder: Folder::open(Arc::new(Disk), &copy).unwrap() };
    let new = yard.key("new");
    yard.edit_root(|next| {
        next.remove_key(old.id(), &ONLINE).unwrap();
        next.add_key(&new.public(), &ONLINE).unwrap();
    });
    let rotation = yard.sign(&[&old, &new], day(2)).stage(&yard.folder, day(2)).unwrap();
    let whole = between.fork();
    let count = CutStore::new(&whole, None);
    put(&count, &rotation).unwrap();
    let last = *count.writes().last().unwrap();
    assert!(put(&CutStore::new(&between, Some((last, Loss::All))), &rotation).is_err());
    let names: Vec<String> = between.tree().into_keys().map(|(_, name)| name).collect();
    assert!(!names.contains(&"2.root.json".to_owned()));
    assert_eq!(see(&StoreSource(&between), &root, day(3)).unwrap().timestamp, {
        see(&StoreSource(&whole), &root, day(3)).unwrap().timestamp
    });
    Scene { yard, rival, old, new, rotation, between, root }
}

type Act<'a> = &'a (dyn Fn(&dyn Store) -> Result<(), Error> + Sync);

/// Runs one with the other in the middle of it, at every operation. How often hosts were left with nothing to read.
fn race(scene: &Scene, one: Act<'_>, other: Act<'_>) -> usize {
    let mut broken = 0;
    for at in 0.. {
        let store = scene.between.fork();
        let did = Mutex::new(None);
        let work = || *did.lock().unwrap() = Some(other(&store));
        let crowded = Crowded { inner: &store, at, ops: Mutex::new(0), work: &work };
        let result = one(&crowded);
        let Some(did) = did.into_inner().unwrap() else { return broken };
        if see(&StoreSource(&store), &scene.root, day(3)).is_ok() {
            continue;
        }
        broken += 1;
        let told = [&result, &did].into_iter().filter_map(|result| result.as_ref().err());
        let told = told.filter(|error| matches!(error, Error::Overtaken { root: 2, .. }));
        let told: Vec<&Error> = told.collect();
        assert!(!told.is_empty(), "at {at}: hosts are refused, and the runs said {result:?}, {did:?}");
        for error in told {
            assert_eq!(error.exit(), Exit::Untrusted);
            assert!(error.hint().is_some_and(|hint| hint.contains("has root 2")), "{error}");
        }
        mend(scene, &store, at);
    }
    broken
}

/// What the hint says.
fn mend(scene: &Scene, store: &Memory, at: usize) {
    let order = updog_repo::Order { renew: Some(Role::Targets), ..order(day(4)) };
    scene.yard.try_sign(&[&scene.old, &scene.new], order).unwrap();
    let staged = scene.yard.folder.signed().unwrap().stage(&scene.yard.folder, day(4)).unwrap();
    match put(store, &staged) {
        // The release that overtook the rotation is not lost unseen.
        Err(Error::Undoes { undone, .. }) => {
            assert!(undone.iter().any(|one| one.contains("1.2.0")), "{undone:?}");
            put_over_others(store, &staged).unwrap_or_else(|error| panic!("at {at}: {error}"));
        }
        other => {
            other.unwrap_or_else(|error| panic!("at {at}: {error}"));
        }
    }
    assert_eq!(see(&StoreSource(store), &scene.root, day(4)).unwrap().root.version, 2);
}

#[test]
fn a_refresh_with_the_old_key_during_a_rotation_is_refused_or_somebody_is_told() {
    let scene = scene();
    let rotate = |store: &dyn Store| put(store, &scene.rotation).map(|_| ());
    let refresh = |store: &dyn Store| {
        let terms = Terms { now: day(3), term: TimeDelta::days(7), expired: Expiry::Enforce };
        wait(refresh_at(store, &[again(&scene.old)], terms)).map(|_| ())
    };
    // Between the look for roots and the swap; between the look at the timestamp and the root.
    assert_eq!(race(&scene, &refresh, &rotate), 1, "the one window that a store without locks leaves");
    assert_eq!(race(&scene, &rotate, &refresh), 1, "the one window that a store without locks leaves");
}

#[test]
fn a_release_by_the_old_key_during_a_rotation_is_refused_or_somebody_is_told() {
    let scene = scene();
    scene.rival.add("1.2.0");
    let theirs = scene.rival.sign(&[&scene.old], day(3)).stage(&scene.rival.folder, day(3)).unwrap();
    let rotate = |store: &dyn Store| put(store, &scene.rotation).map(|_| ());
    let release = |store: &dyn Store| put(store, &theirs).map(|_| ());
    assert_eq!(race(&scene, &release, &rotate), 1, "the one window that a store without locks leaves");
    assert_eq!(race(&scene, &rotate, &release), 1, "the one window that a store without locks leaves");
}

/// Nobody wrote meanwhile: a root that is there before the swap is seen, and nothing is written.
#[test]
fn a_root_that_appears_before_the_swap_stops_a_refresh() {
    let scene = scene();
    let store = scene.between.fork();
    let before = store.read(Part::Metadata, "timestamp.json", 1 << 20).unwrap().unwrap();
    let work = || put(&store, &scene.rotation).map(|_| ()).unwrap();
    // After everything was read and followed: the last look.
    let terms = Terms { now: day(3), term: TimeDelta::days(7), expired: Expiry::Enforce };
    let counting = scene.between.fork();
    let count = CutStore::new(&counting, None);
    wait(refresh_at(&count, &[again(&scene.old)], terms)).unwrap();
    let swap = count.writes()[0];
    let crowded = Crowded { inner: &store, at: swap - 1, ops: Mutex::new(0), work: &work };
    let refused = wait(refresh_at(&crowded, &[again(&scene.old)], terms));
    assert!(matches!(refused, Err(Error::RootAppeared { root: 2, .. })), "{refused:?}");
    assert_eq!(store.read(Part::Metadata, "timestamp.json", 1 << 20).unwrap().unwrap(), before);
    assert_eq!(see(&StoreSource(&store), &scene.root, day(3)).unwrap().root.version, 2);
}
