//! `verify` finds a flipped byte wherever it matters.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use partition_core::{Entry, Part, Slot, kind};
use partition_disk::{Access, Disk};
use serde_json::Value;

use crate::workshop::Workshop;

/// Exit code and the places of the problems.
fn verify(workshop: &Workshop, out: &Path) -> (i32, Vec<String>) {
    let output =
        Command::new(workshop.at("updog-image")).args(["verify", "--json"]).arg(out).output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let problems = said["data"]["problems"].as_array().unwrap();
    let places = problems.iter().map(|problem| problem["place"].as_str().unwrap().to_owned()).collect();
    (output.status.code().unwrap(), places)
}

fn flip(path: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[!byte[0]], at).unwrap();
}

#[test]
fn a_flipped_byte_is_found_in_every_partition() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    assert!(workshop.build(&out, &[]).status.success());
    assert_eq!(verify(&workshop, &out), (0, Vec::new()));

    let disk = out.join("disk.img");
    let opened = Disk::open(&disk, Access::Read).unwrap();
    let (table, layout) = (opened.table().unwrap(), opened.layout().unwrap());
    let esp = table.entries().find(|entry| entry.type_guid == kind::EFI_SYSTEM).unwrap();
    let start = |entry: &Entry| entry.first_lba * 512;
    let part = |slot, part| start(layout.part(slot, part).unwrap());
    let length = disk.metadata().unwrap().len();
    let boot = fs::read(out.join("release/boot.img")).unwrap();
    let in_boot = |text: &[u8]| {
        let at = boot.windows(text.len()).position(|window| window == text).unwrap();
        part(Slot::A, Part::Boot) + at as u64
    };
    let cases = [
        ("disk.img table", 512 + 16),
        ("disk.img table", 1024 + 56),
        ("disk.img table", length - 512 + 16),
        ("ESP", start(&esp) + 64),
        ("BOOT-A", part(Slot::A, Part::Boot) + 64),
        ("BOOT-A kernel", in_boot(b"kernel\0")),
        ("BOOT-A initrd", in_boot(&[0x28, 0xb5, 0x2f, 0xfd]) + 30),
        ("BOOT-A boot.manifest", in_boot(b"cmdline=panic=10")),
        ("BOOT-A boot.manifest", in_boot(b"\nsig=") + 40),
        ("ROOT-A", part(Slot::A, Part::Root) + 1024),
        ("ROOT-A and HASH-A", part(Slot::A, Part::Root) + 1024),
        ("HASH-A", part(Slot::A, Part::Hash) + 4096),
        ("ROOT-A and HASH-A", part(Slot::A, Part::Hash) + 4096),
        ("BOOT-B", part(Slot::B, Part::Boot)),
        ("ROOT-B", part(Slot::B, Part::Root) + 4096),
        ("HASH-B", part(Slot::B, Part::Hash) + 8192),
        ("PRIVATE", start(layout.private.as_ref().unwrap()) + 1024 + 16),
        ("DATA", start(layout.data.as_ref().unwrap()) + 1024 + 16),
    ];
    for (place, at) in cases {
        flip(&disk, at);
        let (exit, places) = verify(&workshop, &out);
        assert_eq!(exit, 12, "{place}");
        assert!(places.iter().any(|found| found == place), "{place} at {at}: {places:?}");
        // The digest of the whole finds it too, but says less.
        assert!(places.iter().any(|found| found == "disk.img"), "{place}");
        flip(&disk, at);
    }
    assert_eq!(verify(&workshop, &out), (0, Vec::new()));
}

#[test]
fn a_changed_file_beside_the_disk_is_found() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    assert!(workshop.build(&out, &[]).status.success());
    let sbom = fs::read_to_string(out.join("sbom.spdx.json")).unwrap();
    let digest = sbom.find("checksumValue\": \"").unwrap() as u64 + 16;
    for (name, at) in [
        ("release/boot.img", 64),
        ("release/root.img", 1024),
        ("release/hash.img", 4096),
        ("release/release.json", 20),
        ("sizes.txt", 0),
    ] {
        flip(&out.join(name), at);
        assert!(verify(&workshop, &out).1.iter().any(|found| found == name), "{name}");
        flip(&out.join(name), at);
    }
    let other = if sbom.as_bytes()[usize::try_from(digest).unwrap()] == b'0' { b"1" } else { b"0" };
    OpenOptions::new()
        .write(true)
        .open(out.join("sbom.spdx.json"))
        .unwrap()
        .write_all_at(other, digest)
        .unwrap();
    let places = verify(&workshop, &out).1;
    assert_eq!(places, ["sbom.spdx.json", "sbom.spdx.json"], "by build.json and by the release");
}

/// What an image carries beside what it should, and a `build.json` that does not say what is. Each change is undone before the
/// next, and is found by the check that is there for it, not by the disk's digest alone.
#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn each_tampering_has_its_finding() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    assert!(workshop.build(&out, &["--qcow2"]).status.success());
    let disk = out.join("disk.img");
    let opened = Disk::open(&disk, Access::Read).unwrap();
    let layout = opened.layout().unwrap();
    let length = disk.metadata().unwrap().len();
    let last = |part| (layout.part(Slot::A, part).unwrap().last_lba + 1) * 512 - 1;
    let beside = "disk.img beside the partitions";
    let bytes = [
        ("BOOT-A", last(Part::Boot)),
        ("ROOT-A", last(Part::Root)),
        ("HASH-A", last(Part::Hash)),
        ("BOOT-B", layout.part(Slot::B, Part::Boot).unwrap().first_lba * 512 + 7),
        (beside, 10),
        (beside, 470),
        (beside, 512 + 200),
        (beside, 512 * 100),
        (beside, length - 512 * 40),
        (beside, length - 1),
    ];
    for (place, at) in bytes {
        flip(&disk, at);
        let found = findings(&workshop, &out);
        let expected =
            format!("{place}: expected zeros where nothing is written, found others at byte {at} ");
        assert!(found.iter().any(|line| line.starts_with(&expected)), "{place} at {at}: {found:?}");
        flip(&disk, at);
    }

    let build = out.join("build.json");
    let good = fs::read_to_string(&build).unwrap();
    let fields = [
        (
            "\"variant\": \"test\"",
            "\"variant\": \"toast\"",
            "build.json: variant by release.json: expected test",
        ),
        (
            "\"arch\": \"x86_64\"",
            "\"arch\": \"aarch64\"",
            "build.json: arch by release.json: expected x86_64",
        ),
        (
            "\"version\": \"1.0.0\"",
            "\"version\": \"1.0.1\"",
            "build.json: version by release.json: expected 1.0.0",
        ),
        ("\"format\": 1", "\"format\": 2", "build.json: format: expected 1"),
        (
            "\"test_keys\": true",
            "\"test_keys\": false",
            "build.json: test_keys by signers and selector: expected true",
        ),
        ("\"sizes.txt\"", "\"sozes.txt\"", "build.json: it names sozes.txt, which no build makes"),
        ("\"sizes.txt\"", "\"sozes.txt\"", "build.json: expected it to name sizes.txt"),
        ("\"disk.qcow2\"", "\"disk.qcow3\"", "disk.qcow2: build.json does not name it"),
    ];
    for (from, to, expected) in fields {
        assert!(good.contains(from), "{from}");
        fs::write(&build, good.replace(from, to)).unwrap();
        let found = findings(&workshop, &out);
        assert!(found.iter().any(|line| line.starts_with(expected)), "{to}: {found:?}");
    }
    fs::write(&build, good).unwrap();

    fs::write(out.join("release/more.img"), "").unwrap();
    assert_eq!(findings(&workshop, &out), ["release/more.img: build.json does not name it"]);
    fs::remove_file(out.join("release/more.img")).unwrap();

    let states = [("PRIVATE", layout.private.as_ref()), ("DATA", layout.data.as_ref())];
    for ((name, entry), folder) in states.into_iter().zip(["more", "lost+found/more"]) {
        let entry = entry.unwrap();
        let good = taken(&disk, entry);
        let file = workshop.at("state");
        fs::write(&file, &good).unwrap();
        let made = Command::new("debugfs").args(["-w", "-R", &format!("mkdir {folder}")]).arg(&file).output();
        assert!(made.unwrap().status.success());
        put(&disk, entry, &fs::read(&file).unwrap());
        let found = findings(&workshop, &out);
        let expected = format!("{name}: expected an empty lost+found alone, found more");
        assert!(found.contains(&expected), "{found:?}");
        put(&disk, entry, &good);
    }
    assert_eq!(findings(&workshop, &out), [] as [&str; 0]);
}

/// A pipe in place of a file would be waited for.
#[test]
fn a_pipe_is_no_file() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    fs::create_dir(&out).unwrap();
    for name in ["build.json", "disk.img"] {
        assert!(Command::new("mkfifo").arg(out.join(name)).status().unwrap().success());
        assert_eq!(verify(&workshop, &out), (12, vec![name.to_owned()]));
        fs::remove_file(out.join(name)).unwrap();
    }
}

#[test]
fn a_test_key_is_said() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    assert!(workshop.build(&out, &[]).status.success());
    let output = Command::new(workshop.at("updog-image")).arg("verify").arg(&out).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.ends_with("are right; signed with a test key: not for use\n"), "{said}");
}

/// The problems as people read them.
fn findings(workshop: &Workshop, out: &Path) -> Vec<String> {
    let output =
        Command::new(workshop.at("updog-image")).args(["verify", "--json"]).arg(out).output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let problems = said["data"]["problems"].as_array().expect("verify came to no answer");
    let text = |problem: &Value, key: &str| problem[key].as_str().unwrap().to_owned();
    problems.iter().map(|it| format!("{}: {}", text(it, "place"), text(it, "problem"))).collect()
}

fn taken(disk: &Path, entry: &Entry) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(entry.sectors() * 512).unwrap()];
    fs::File::open(disk).unwrap().read_exact_at(&mut bytes, entry.first_lba * 512).unwrap();
    bytes
}

fn put(disk: &Path, entry: &Entry, bytes: &[u8]) {
    let file = OpenOptions::new().write(true).open(disk).unwrap();
    file.write_all_at(bytes, entry.first_lba * 512).unwrap();
}
