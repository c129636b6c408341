//! The trust store: bytes as received, whole or not at all.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::Command;

use fixtures::clock::time;
use trust_client::{Class, Error, Role, Store, Transport};

use crate::host::{World, hasty, run};

fn transport() -> Transport {
    Transport::new(hasty()).expect("settings are good")
}

#[test]
fn bytes_are_kept_as_received() {
    let world = World::new();
    run(world.refresh(&transport())).unwrap();
    for (role, path) in [
        (Role::Timestamp, "timestamp.json"),
        (Role::Snapshot, "2.snapshot.json"),
        (Role::Targets, "2.targets.json"),
    ] {
        assert_eq!(world.store().read(&role).as_ref(), world.repository.metadata.get(path), "{role}");
    }
    let mut names: Vec<_> =
        fs::read_dir(world.store_path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(
        names,
        ["snapshot.json", "targets.json", "timestamp.json"],
        "no root while the shipped one is newest"
    );
}

#[test]
fn a_run_that_finds_nothing_new_writes_nothing() {
    let world = World::new();
    run(world.refresh(&transport())).unwrap();
    let inode = |name: &str| fs::metadata(world.store_path().join(name)).unwrap().ino();
    let names = ["timestamp.json", "snapshot.json", "targets.json"];
    let before = names.map(inode);
    run(world.refresh(&transport())).unwrap();
    assert_eq!(names.map(inode), before);
}

#[test]
fn a_full_or_unwritable_folder_is_one_error_and_nothing_is_trusted() {
    // The device is full exactly when this role is written.
    for role in ["timestamp", "snapshot", "targets"] {
        let world = World::new();
        fs::create_dir(world.store_path()).unwrap();
        symlink("/dev/full", world.store_path().join(format!("{role}.json.partial"))).unwrap();
        let error = run(world.refresh(&transport())).unwrap_err();
        let Error::Keep { path, source } = &error else { panic!("{error}") };
        assert_eq!(path.file_name().unwrap().to_str(), Some(&*format!("{role}.json")));
        assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
        assert_eq!(error.classify(), Class::Broken);
        assert!(
            !path.exists() && !path.with_extension("json.partial").exists(),
            "nothing half-written stays"
        );
        // With room again the next run goes on.
        assert!(run(world.refresh(&transport())).is_ok());
    }
    // A pipe that nobody reads is not waited for.
    let world = World::new();
    fs::create_dir(world.store_path()).unwrap();
    let pipe = world.store_path().join("timestamp.json.partial");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let error = run(world.refresh(&transport())).unwrap_err();
    assert!(matches!(error, Error::Keep { .. }) && error.classify() == Class::Broken, "{error}");
    let world = World::new();
    fs::write(world.folder.path().join("file"), "").unwrap();
    let error = Store::open(world.folder.path().join("file/trust")).unwrap_err();
    assert!(matches!(error, Error::OpenStore { .. }), "{error}");
}

#[test]
fn garbage_and_leftovers_are_passed_over() {
    let world = World::new();
    run(world.refresh(&transport())).unwrap();
    for name in ["root.json", "timestamp.json", "snapshot.json", "targets.json"] {
        for garbage in [&b""[..], b"\xff\xfe", b"{\"signed\":{}}"] {
            fs::write(world.store_path().join(name), garbage).unwrap();
            fs::write(world.store_path().join(name).with_extension("json.partial"), garbage).unwrap();
            let trusted = run(world.refresh(&transport())).unwrap();
            assert_eq!(trusted.roles().unwrap().timestamp.version, 2, "{name}");
            assert!(name == "root.json" || fs::read(world.store_path().join(name)).unwrap() != garbage);
        }
    }
    // A folder in the place of a file is garbage too, until something must be kept there.
    fs::remove_file(world.store_path().join("root.json")).unwrap();
    fs::create_dir(world.store_path().join("root.json")).unwrap();
    assert!(run(world.refresh(&transport())).is_ok());
}

#[test]
fn the_newest_root_counts_over_an_older_image() {
    let mut world = World::new();
    world.repository.new_root(&[]);
    world.repository.publish();
    world.repository.write(world.folder.path()).unwrap();
    run(world.refresh(&transport())).unwrap();
    assert_eq!(world.store().read(&Role::Root), Some(world.repository.root(2)));
    assert_eq!(world.store().recall(&world.repository.root(1)).unwrap().root, world.repository.root(2));
    world.server.clear();
    run(world.refresh(&transport())).unwrap();
    assert!(world.server.log()[0].target.ends_with("/3.root.json"));
}

#[test]
fn the_time_of_signing_is_found_in_the_store() {
    let mut world = World::new();
    let root = world.repository.root(1);
    assert_eq!(world.store().signed_at(&root), None);
    world.repository.signed_at = Some(time("2026-11-25T09:00:00Z"));
    world.repository.publish();
    world.repository.write(world.folder.path()).unwrap();
    run(world.refresh(&transport())).unwrap();
    assert_eq!(world.store().signed_at(&root), Some(time("2026-11-25T09:00:00Z")));
    let path = world.store_path().join("timestamp.json");
    let text = fs::read_to_string(&path).unwrap().replace("2026-11-25T09", "2026-12-25T09");
    fs::write(path, text).unwrap();
    assert_eq!(world.store().signed_at(&root), None, "a changed file says nothing");
}
