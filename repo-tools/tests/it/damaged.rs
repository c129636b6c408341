//! A damaged file is named, wherever it lies, with a next step that fits where it lies.

use std::fs;

use crate::cli::Desk;

/// What a merge leaves when nobody has resolved it.
fn damage(desk: &Desk, name: &str) -> Option<Vec<u8>> {
    let path = desk.path().join(name);
    let kept = fs::read(&path).ok();
    fs::write(&path, [b"<<<<<<< HEAD\n", kept.as_deref().unwrap_or_default()].concat()).unwrap();
    kept
}

fn restore(desk: &Desk, name: &str, kept: Option<Vec<u8>>) {
    let path = desk.path().join(name);
    kept.map_or_else(|| fs::remove_file(&path), |kept| fs::write(&path, kept)).unwrap();
}

#[test]
fn a_damaged_file_is_named_with_a_hint_that_fits_it() {
    let desk = Desk::published();
    desk.done("mirror public copy");
    for (name, line) in [
        ("repo/stage/metadata/1.root.json", "--repo repo publish public --staged"),
        ("public/metadata/timestamp.json", "--repo repo publish public"),
        ("public/metadata/timestamp.json", "refresh public --key k"),
        ("public/metadata/1.root.json", "mirror public other"),
        ("public/metadata/1.root.json", "report public --out page"),
        ("public/metadata/1.root.json", "expirations public"),
        ("public/metadata/7.snapshot.json", "prune public"),
        ("public/metadata/7.targets.json", "prune public"),
        ("public/metadata/7.targets.json", "prune public --dry-run"),
        ("copy/metadata/1.root.json", "report public --out page --root copy/metadata/1.root.json"),
        ("copy/metadata/1.root.json", "expirations public --root copy/metadata/1.root.json"),
        ("copy/metadata/1.root.json", "validate public --root copy/metadata/1.root.json"),
        ("copy/metadata/1.root.json", "mirror public other --root copy/metadata/1.root.json"),
        ("copy/metadata/1.root.json", "bundle public a.bundle --from copy/metadata/1.root.json"),
        ("copy/metadata/1.root.json", "--repo new adopt public --root copy/metadata/1.root.json"),
    ] {
        let kept = damage(&desk, name);
        let said = desk.json(line);
        let file = name.strip_prefix("public/").unwrap_or(name);
        assert!(said["message"].as_str().unwrap().contains(file), "{line}: {said}");
        restore(&desk, name, kept);
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
        restore(&desk, &name, kept);
    }
}
