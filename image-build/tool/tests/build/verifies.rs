//! `verify` finds a flipped byte wherever it matters.

use std::fs::OpenOptions;
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
    let boot = std::fs::read(out.join("release/boot.img")).unwrap();
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
        ("BOOT-A boot.manifest", in_boot(b"cmdline=ro")),
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
    let sbom = std::fs::read_to_string(out.join("sbom.spdx.json")).unwrap();
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
