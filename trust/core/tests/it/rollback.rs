//! Nothing trusted goes back (spec 5.4.3, 5.5.5, 5.6.4).

use fixtures::tuf::Repository;
use trust_core::{Class, Error, Role};

use crate::host::{days, signs, start, world};

/// The repository as it was, with one role's newer version forced onto the older state.
fn older_with_newer_timestamp(old: &Repository, timestamps: u64) -> Repository {
    let mut repository = old.clone();
    repository.versions.insert("timestamp".into(), timestamps);
    repository.new_timestamp();
    repository
}

#[test]
fn a_replayed_timestamp_is_refused_and_the_newer_one_stays() {
    let (mut repository, mut host) = world();
    let old = repository.clone();
    repository.publish();
    let trusted = host.refresh(&repository, start()).unwrap();
    let error = host.refresh(&old, start()).unwrap_err();
    assert!(matches!(&error, Error::Rollback { role: Role::Timestamp, trusted: 3, found: 2 }), "{error}");
    assert_eq!(error.classify(), Class::Untrusted);
    assert_eq!(host.refresh(&repository, start()).unwrap(), trusted);
}

#[test]
fn an_older_snapshot_under_a_newer_timestamp_is_refused() {
    let (mut repository, mut host) = world();
    let old = repository.clone();
    repository.publish();
    host.refresh(&repository, start()).unwrap();
    let before = host.store.clone();
    let error = host.refresh(&older_with_newer_timestamp(&old, 9), start()).unwrap_err();
    assert!(matches!(&error, Error::Rollback { role: Role::Snapshot, trusted: 3, found: 2 }), "{error}");
    assert_eq!(host.store, before, "nothing of it is kept");
}

#[test]
fn every_entry_of_the_snapshot_is_checked() {
    for digests in [true, false] {
        let (mut repository, mut host) = world();
        repository.list_digests = digests;
        repository.roles.insert("extra".into(), fixtures::tuf::Signs { keys: vec![9], ..Default::default() });
        repository.publish();
        repository.publish();
        host.refresh(&repository, start()).unwrap();

        for role in ["targets", "extra"] {
            let mut back = repository.clone();
            back.versions.insert(role.into(), 1);
            back.new_snapshot();
            back.new_timestamp();
            let error = host.clone().refresh(&back, start()).unwrap_err();
            assert!(matches!(&error, Error::Rollback { role: r, .. } if r.name() == role), "{role}: {error}");
        }
        let mut gone = repository.clone();
        gone.roles.remove("extra");
        gone.new_snapshot();
        gone.new_timestamp();
        let error = host.refresh(&gone, start()).unwrap_err();
        assert!(matches!(&error, Error::Delisted { role, .. } if role == "extra"), "{error}");
        // The timestamp was good and counts; the snapshot stayed.
        assert_eq!(host.versions()[&Role::Snapshot], 4);
    }
}

#[test]
fn of_two_timestamps_with_one_version_the_first_stays() {
    let (repository, mut host) = world();
    let first = host.refresh(&repository, start()).unwrap();
    let kept = host.store.clone();
    let mut other = repository.clone();
    other.new_snapshot();
    other.versions.insert("timestamp".into(), first.timestamp.version - 1);
    other.new_timestamp();
    assert_ne!(other.metadata["timestamp.json"], repository.metadata["timestamp.json"]);
    host.asked.clear();
    assert_eq!(host.refresh(&other, start()).unwrap(), first);
    assert_eq!(host.asked, ["2.root.json", "timestamp.json"], "nothing else is asked for");
    assert_eq!(host.store, kept);
}

#[test]
fn files_of_two_releases_do_not_mix() {
    // Mix and match: each file is rightly signed, but not by one snapshot.
    for digests in [true, false] {
        let (mut repository, mut host) = world();
        repository.list_digests = digests;
        repository.publish();
        let old = repository.clone();
        signs(&mut repository, "targets", &["other.img"]);
        repository.publish();
        for (role, path, older) in [
            ("snapshot", "4.snapshot.json", "3.snapshot.json"),
            ("targets", "4.targets.json", "3.targets.json"),
        ] {
            let mut mixed = repository.clone();
            mixed.metadata.insert(path.into(), old.metadata[older].clone());
            let error = host.refresh(&mixed, start()).unwrap_err();
            let right = match &error {
                Error::WrongVersion { role: r, expected: 4, found: 3 } => !digests && r.name() == role,
                Error::WrongLength { .. } | Error::WrongDigest { .. } => digests,
                _ => false,
            };
            assert!(right, "{role}: {error}");
        }
        assert!(host.refresh(&repository, start() + days(1)).is_ok());
    }
}

#[test]
fn a_repository_recovers_from_a_fast_forward_by_new_keys() {
    // An attacker with an online key pushed the version to the end; new keys bring it back (spec 5.3.11).
    for role in ["timestamp", "snapshot"] {
        let (mut repository, mut host) = world();
        let mut attacked = repository.clone();
        attacked.versions.insert(role.into(), u64::MAX - 1);
        if role == "snapshot" {
            attacked.new_snapshot();
        }
        attacked.new_timestamp();
        host.refresh(&attacked, start()).unwrap();
        repository.publish();
        repository.publish();
        let error = host.refresh(&repository, start()).unwrap_err();
        assert!(matches!(error, Error::Rollback { .. }), "without new keys there is no way back: {error}");

        repository.keys.insert(if role == "timestamp" { "timestamp" } else { "snapshot" }, vec![77]);
        repository.new_root(&[]);
        repository.publish();
        let trusted = host.refresh(&repository, start()).unwrap();
        assert_eq!(trusted.timestamp.version, repository.versions["timestamp"], "{role}");
        assert_eq!(trusted.snapshot.version, repository.versions["snapshot"], "{role}");
    }
}

#[test]
fn an_added_key_is_no_reason_to_forget() {
    let (mut repository, mut host) = world();
    let old = repository.clone();
    repository.publish();
    host.refresh(&repository, start()).unwrap();
    let mut back = old;
    back.keys.insert("timestamp", vec![2, 22]);
    back.new_root(&[]);
    let error = host.refresh(&back, start()).unwrap_err();
    assert!(matches!(error, Error::Rollback { .. }), "{error}");
}
