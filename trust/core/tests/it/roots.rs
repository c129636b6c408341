//! The root chain (spec 5.3).

use fixtures::tuf::{Repository, sign};
use trust_core::{Error, Limits, Role, newest_root};

use crate::host::{Host, start, version_of, world};

#[test]
fn roots_are_followed_one_by_one_and_each_is_kept() {
    let (mut repository, mut host) = world();
    for key in 10..15 {
        let old = repository.keys["root"].clone();
        repository.keys.insert("root", vec![key]);
        repository.new_root(&old);
    }
    repository.publish();
    assert_eq!(host.refresh(&repository, start()).unwrap().root.version, 6);
    assert_eq!(version_of(&host.store[&Role::Root]), 6);
    host.asked.clear();
    host.refresh(&repository, start()).unwrap();
    assert_eq!(host.asked[0], "7.root.json", "it starts from the newest");
}

#[test]
fn a_root_needs_the_keys_before_and_its_own() {
    for (case, signers) in
        [("not by the old", vec![10]), ("not by its own", vec![1]), ("by strangers", vec![98, 99])]
    {
        let (mut repository, mut host) = world();
        repository.keys.insert("root", vec![10]);
        repository.new_root_by(&signers);
        let error = host.refresh(&repository, start()).unwrap_err();
        assert!(matches!(error, Error::Signatures { role: Role::Root, .. }), "{case}: {error}");
        assert!(host.store.is_empty(), "{case}");
    }
}

#[test]
fn a_root_that_skips_a_version_or_repeats_one_is_refused() {
    for found in [1, 3] {
        let (mut repository, mut host) = world();
        let body = repository.root_body(found);
        repository.metadata.insert("2.root.json".into(), sign(&body, &[1]));
        let error = host.refresh(&repository, start()).unwrap_err();
        assert!(matches!(error, Error::WrongVersion { role: Role::Root, expected: 2, .. }), "{error}");
    }
}

#[test]
fn a_root_without_one_of_the_four_roles_is_refused() {
    for missing in ["root", "timestamp", "snapshot", "targets"] {
        let (mut repository, mut host) = world();
        let mut body = repository.root_body(2);
        body["roles"].as_object_mut().unwrap().remove(missing);
        repository.metadata.insert("2.root.json".into(), sign(&body, &[1]));
        let error = host.refresh(&repository, start()).unwrap_err();
        assert!(matches!(&error, Error::MissingRole { missing: m } if m.name() == missing), "{error}");
    }
}

#[test]
fn an_endless_chain_ends() {
    let (mut repository, mut host) = world();
    host.limits = Limits { root_updates: 8, ..Limits::default() };
    for _ in 0..9 {
        repository.new_root(&[]);
    }
    let error = host.refresh(&repository, start()).unwrap_err();
    assert!(matches!(error, Error::RootChain { limit: 8 }), "{error}");
    // What was followed counts, so a long but finite chain is through after some runs.
    assert_eq!(host.refresh(&repository, start()).unwrap().root.version, 10);
}

#[test]
fn a_rotation_in_two_commits_never_stops_a_host() {
    for role in ["timestamp", "snapshot", "targets"] {
        let (mut repository, mut host) = world();
        let mut early = Host::shipped_with(repository.root(1));
        early.refresh(&repository, start()).unwrap();
        // 1: all three signed by old and new keys under the old root.
        let old = repository.keys[role].clone();
        let name = *repository.keys.keys().find(|name| **name == role).unwrap();
        repository.keys.insert(name, [old, vec![50]].concat());
        repository.publish();
        early.refresh(&repository, start()).unwrap();
        // 2: the root that trusts the new key alone; nothing else is signed again.
        repository.keys.insert(name, vec![50]);
        repository.new_root(&[]);
        assert_eq!(early.refresh(&repository, start()).unwrap().root.version, 2, "{role}");
        assert_eq!(host.refresh(&repository, start()).unwrap().root.version, 2, "{role}");
        repository.publish();
        assert!(early.refresh(&repository, start()).is_ok() && host.refresh(&repository, start()).is_ok());
    }
}

#[test]
fn the_newest_root_counts_whoever_brings_it() {
    let (mut repository, _) = world();
    repository.new_root(&[]);
    let (old, new) = (repository.root(1), repository.root(2));
    let garbage = b"{\"signed\":".to_vec();
    for (case, stored, shipped, expected) in [
        ("first boot", None, &old, Some(1)),
        ("an image older than the store", Some(&new), &old, Some(2)),
        ("an image newer than the store", Some(&old), &new, Some(2)),
        ("the same", Some(&new), &new, Some(2)),
        ("garbage in the store", Some(&garbage), &old, Some(1)),
        ("garbage in the image", Some(&new), &garbage, Some(2)),
        ("garbage in both", Some(&garbage), &garbage, None),
        ("nothing at all", None, &garbage, None),
    ] {
        let found = newest_root(stored.map(Vec::as_slice), shipped);
        assert_eq!(found.ok().map(|(bytes, _)| version_of(bytes)), expected, "{case}");
    }
}

#[test]
fn a_root_rollback_through_a_hidden_file_is_refused() {
    // The mirror hides 2.root.json and signs with the key that it took away.
    let (mut repository, mut host) = world();
    let mut attacker: Repository = repository.clone();
    repository.keys.insert("timestamp", vec![60]);
    repository.new_root(&[]);
    repository.publish();
    host.refresh(&repository, start()).unwrap();
    attacker.publish();
    attacker.publish();
    let error = host.refresh(&attacker, start()).unwrap_err();
    assert!(matches!(error, Error::Signatures { role: Role::Timestamp, .. }), "{error}");
}
