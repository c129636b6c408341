//! A damaged file is named, wherever it lies, with a next step that fits where it lies.

use std::fs;

use crate::cli::Desk;

/// What a merge leaves when nobody has resolved it.
fn damage(desk: &Desk, name: &str) -> Vec<u8> {
    let path = desk.path().join(name);
    let kept = fs::read(&path).unwrap();
    fs::write(&path, [b"<<<<<<< HEAD\n", kept.as_slice()].concat()).unwrap();
    kept
}

#[test]
fn a_damaged_file_is_named_with_a_hint_that_fits_it() {
    let desk = Desk::new();
    for line in [
        "--repo repo init",
        "--repo repo key new k --role all",
        "--repo repo release add release --level 1",
        "--repo repo sign --key k",
        "--repo repo publish public",
    ] {
        desk.done(line);
    }
    for (name, line) in [
        ("repo/stage/metadata/1.root.json", "--repo repo publish public --staged"),
        ("public/metadata/timestamp.json", "--repo repo publish public"),
        ("public/metadata/timestamp.json", "refresh public --key k"),
        ("public/metadata/1.root.json", "mirror public copy"),
    ] {
        let kept = damage(&desk, name);
        let said = desk.json(line);
        let file = name.split_once("metadata/").unwrap().1;
        assert!(said["message"].as_str().unwrap().contains(file), "{line}: {said}");
        fs::write(desk.path().join(name), kept).unwrap();
    }
    desk.done("--repo repo root new");
    let local = [
        "signing/targets",
        "signing/snapshot",
        "signing/timestamp",
        "root/1.root",
        "root/next",
        "draft/manifest",
    ];
    for name in local.map(|name| format!("repo/{name}.json")) {
        let kept = damage(&desk, &name);
        let said = desk.json("--repo repo sign --key k --renew timestamp");
        assert!(said["message"].as_str().unwrap().contains(&name), "{said}");
        assert!(said["data"]["hint"].as_str().unwrap().contains("version control"), "{said}");
        let doctor = desk.json("--repo repo doctor")["data"].to_string();
        assert!(doctor.contains(&name) && doctor.contains("version control"), "{name}: {doctor}");
        fs::write(desk.path().join(&name), kept).unwrap();
    }
}
