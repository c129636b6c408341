//! `timestamp.json` is gone, or leads to nothing: no host that has seen a version is shown a lower one.

use std::fs;
use std::path::PathBuf;

use chrono::TimeDelta;
use trust_core::Expiry;
use updog_repo::keys::Signer;
use updog_repo::publish::{Gap, Order, Others, Published, Trust, publish_to};
use updog_repo::refresh::{Terms, refresh};
use updog_repo::store::FolderStore;
use updog_repo::{Disk, Error, Metadata, Role, Staged};

use crate::common::{Yard, again, day, order, read_again, wait};

const ORDER: Order = Order { gap: Gap::Refuse, trust: Trust::Live, others: Others::Keep };

/// 1.0.0 and 1.1.0 published, the second with a clock that was two years ahead of the days that follow.
struct Scene {
    yard: Yard,
    key: Signer,
    dir: PathBuf,
    /// What hosts have seen.
    seen: Metadata,
    /// The stage of 1.0.0, in a folder that knows nothing of the second.
    old: Staged,
}

fn scene() -> Scene {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    yard.publish(&[&key], day(1), &dir);
    let state = fs::read(yard.path("repo/updog-repo.json")).unwrap();
    let signing = yard.path("signing");
    let copy = |from: PathBuf, to: PathBuf| {
        fs::remove_dir_all(&to).unwrap_or_default();
        assert!(std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
    };
    copy(yard.path("repo/signing"), signing.clone());
    yard.add("1.1.0");
    let seen = yard.publish(&[&key], day(2), &dir).metadata;
    // As if it was cut after the commit: announced, and no version of it remembered.
    let read = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    let mut cut = read(&fs::read(yard.path("repo/updog-repo.json")).unwrap());
    cut["published"] = read(&state)["published"].clone();
    fs::write(yard.path("repo/updog-repo.json"), cut.to_string()).unwrap();
    copy(signing, yard.path("repo/signing"));
    let old = yard.folder.signed().unwrap().stage(&yard.folder, day(1)).unwrap();
    Scene { yard, key, dir, seen, old }
}

impl Scene {
    fn metadata(&self, name: &str) -> PathBuf {
        self.dir.join("metadata").join(name)
    }

    fn put(&self, staged: &Staged, trust: Trust) -> Result<Published, Error> {
        publish_to(&FolderStore::new(&Disk, &self.dir), staged, Order { trust, ..ORDER }, &|_| {})
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.dir.join("metadata"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn renewed(&self, days: i64) -> Staged {
        let order = updog_repo::Order { renew: Some(Role::Targets), ..order(day(days)) };
        self.yard.try_sign(&[&self.key], order).unwrap();
        self.yard.folder.signed().unwrap().stage(&self.yard.folder, day(days)).unwrap()
    }
}

#[test]
fn names_of_versioned_files_hold_versions_up() {
    let scene = scene();
    let versions = scene.seen.versions();
    let snapshot = scene.metadata(&format!("{}.snapshot.json", versions.snapshot));
    let damages: [(&str, &dyn Fn()); 3] = [
        ("no timestamp", &|| fs::remove_file(scene.metadata("timestamp.json")).unwrap()),
        ("a damaged snapshot", &|| fs::write(&snapshot, "broken").unwrap()),
        ("a damaged timestamp", &|| fs::write(scene.metadata("timestamp.json"), "broken").unwrap()),
    ];
    let kept: Vec<(PathBuf, Vec<u8>)> = scene
        .names()
        .iter()
        .map(|name| (scene.metadata(name), fs::read(scene.metadata(name)).unwrap()))
        .collect();
    for (what, damage) in damages {
        damage();
        let before = scene.names();
        for trust in [Trust::Live, Trust::Roots] {
            let refused = scene.put(&scene.old, trust);
            let known = matches!(&refused, Err(Error::Older { live, .. })
                if [versions.snapshot, versions.targets, versions.timestamp].contains(live));
            let unread = trust == Trust::Live
                && refused.as_ref().is_err_and(|error| error.exit() == updater_core::Exit::Untrusted);
            assert!(known || unread, "{what}, {trust:?}: {refused:?}");
            assert_eq!(scene.names(), before, "{what}");
        }
        for (path, bytes) in &kept {
            fs::write(path, bytes).unwrap();
        }
    }
    // What is signed above them is shown, and hosts that have seen the second release go on.
    fs::remove_file(scene.metadata("timestamp.json")).unwrap();
    let renewed = scene.renewed(3);
    scene.put(&renewed, Trust::Roots).unwrap();
    let now = read_again(&scene.dir, &scene.seen, day(3)).unwrap();
    assert!(now.targets.version > versions.targets);
}

#[test]
fn a_timestamp_that_a_refresh_may_have_overtaken_is_signed_again() {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    yard.publish(&[&key], day(1), &dir);
    let terms = Terms { now: day(3), term: TimeDelta::days(7), expired: Expiry::Enforce };
    wait(refresh(&Disk, &dir, &[again(&key)], terms)).unwrap();
    let seen = Metadata::read(&Disk, &dir.join("metadata")).unwrap();
    fs::remove_file(dir.join("metadata/timestamp.json")).unwrap();
    let put = |staged: &Staged| publish_to(&FolderStore::new(&Disk, &dir), staged, ORDER, &|_| {});
    // The stage of day 1, as it was published.
    let staged = Staged::open(&yard.folder, day(4)).unwrap().unwrap();
    let refused = put(&staged).unwrap_err();
    assert!(matches!(refused, Error::TimestampLost { .. }), "{refused}");
    assert!(refused.hint().unwrap().contains("--renew timestamp"));
    assert!(!dir.join("metadata/timestamp.json").exists());
    let order = updog_repo::Order { renew: Some(Role::Timestamp), ..order(day(4)) };
    yard.try_sign(&[&key], order).unwrap();
    put(&yard.folder.signed().unwrap().stage(&yard.folder, day(4)).unwrap()).unwrap();
    read_again(&dir, &seen, day(4)).unwrap();
}

#[test]
fn a_first_publish_that_was_cut_is_completed_whenever() {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    let staged = yard.sign(&[&key], day(1)).stage(&yard.folder, day(1)).unwrap();
    publish_to(&FolderStore::new(&Disk, &dir), &staged, ORDER, &|_| {}).unwrap();
    // Cut right before the commit.
    fs::remove_file(dir.join("metadata/timestamp.json")).unwrap();
    let staged = Staged::open(&yard.folder, day(3)).unwrap().unwrap();
    publish_to(&FolderStore::new(&Disk, &dir), &staged, ORDER, &|_| {}).unwrap();
}
