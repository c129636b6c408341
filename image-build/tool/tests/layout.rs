//! A disk that we make, as other programs and our own host code read it.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

use std::convert::Infallible;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use gptman::GPT;
use partition_core::{Condition, Flags, Guid, Part, Slot, Tries, kind};
use partition_disk::{Access, Disk, Edit};
use release::Digest;
use updog_image::{ByteCount, Error, Layout, Sizes, install};

fn layout(sector_size: u32) -> Layout {
    Layout {
        sector_size,
        sizes: Sizes {
            esp: ByteCount(64 << 10),
            boot: ByteCount(64 << 10),
            root: ByteCount(300 << 12),
            hash: ByteCount(32 << 10),
            private: ByteCount(64 << 10),
            data: ByteCount(128 << 10),
        },
        tries: Tries::default(),
        name: "test".to_owned(),
    }
}

/// A release folder with images of these lengths.
fn release_folder(at: &Path, lengths: [usize; 3]) {
    let mut images = serde_json::Map::new();
    for (part, length) in Part::ALL.into_iter().zip(lengths) {
        let bytes: Vec<u8> = (0..length).map(|n| u8::try_from((n / 4096 + length) % 251).unwrap()).collect();
        let file = format!("{part}.img");
        fs::write(at.join(&file), &bytes).unwrap();
        let sha256 = Digest::of(&bytes).to_string();
        images.insert(
            part.name().to_owned(),
            serde_json::json!({"file": file, "length": length, "sha256": sha256}),
        );
    }
    let text = serde_json::json!({
        "format": 1, "variant": "tiny", "arch": "x86_64", "version": "1.0.0", "created": "2026-01-01T00:00:00Z",
        "images": images, "root_hash": "00".repeat(32), "packages": [],
    });
    fs::write(at.join("release.json"), text.to_string()).unwrap();
}

fn sgdisk_is_content(disk: &Path) {
    let answer = Command::new("sgdisk").arg("-v").arg(disk).output();
    let answer = answer.expect("sgdisk is missing: run `cargo xtask setup`");
    let said = String::from_utf8_lossy(&answer.stdout);
    assert!(answer.status.success() && said.contains("No problems found"), "{said}");
}

#[test]
fn sgdisk_finds_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk.img");
    layout(512).create(&disk).unwrap();
    sgdisk_is_content(&disk);
}

#[test]
fn sgdisk_finds_no_fault_in_what_the_host_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.img");
    layout(512).create(&path).unwrap();
    let disk = Disk::open(&path, Access::Write).unwrap();
    let slots = disk.layout().unwrap().slots();
    let armed = slots.with(Slot::B, Flags::of(2, 3, false));
    disk.change(|_| Ok::<_, Infallible>(Edit { slots: armed, boot_ever_succeeded: true })).unwrap();
    sgdisk_is_content(&path);

    // The disk grows: the backup follows.
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(fs::metadata(&path).unwrap().len() + (5 << 20))
        .unwrap();
    let disk = Disk::open(&path, Access::Write).unwrap();
    assert_eq!(disk.rewrite().unwrap(), Condition::DiskGrown);
    sgdisk_is_content(&path);
    assert_eq!(disk.layout().unwrap().slots(), armed);
}

#[test]
fn gptman_and_our_own_reader_agree() {
    for sector_size in [512, 4096] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk.img");
        layout(sector_size).create(&path).unwrap();

        let theirs = GPT::read_from(&mut File::open(&path).unwrap(), u64::from(sector_size)).unwrap();
        let disk = Disk::open(&path, Access::Read).unwrap();
        assert_eq!(disk.sector_size(), sector_size);
        let table = disk.table().unwrap();
        assert_eq!(table.condition(), Condition::Good);
        for entry in table.entries() {
            let other = &theirs[u32::try_from(entry.index).unwrap() + 1];
            assert_eq!(other.partition_type_guid, entry.type_guid.to_bytes());
            assert_eq!(other.unique_partition_guid, entry.guid.to_bytes());
            assert_eq!((other.starting_lba, other.ending_lba), (entry.first_lba, entry.last_lba));
            assert_eq!(other.attribute_bits, entry.attributes);
            assert_eq!(other.partition_name.as_str(), entry.name);
        }
        let slots = disk.layout().unwrap().slots();
        assert_eq!(slots.get(Slot::A).unwrap().to_string(), "1/7/1");
        assert_eq!(slots.get(Slot::B).unwrap().to_string(), "0/0/0");
        let starts: Vec<(Guid, u64)> = table
            .entries()
            .map(|entry| (entry.type_guid, entry.first_lba * u64::from(sector_size)))
            .collect();
        assert_eq!(starts[0], (kind::EFI_SYSTEM, 1 << 20), "firmware's partition comes first");
        assert_eq!(starts[1], (kind::BOOT, 2 << 20), "then slot A");
        assert!(starts.iter().all(|(_, start)| start.is_multiple_of(1 << 20)), "{starts:?}");
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two, other) = (folder.path().join("1"), folder.path().join("2"), folder.path().join("3"));
    layout(512).create(&one).unwrap();
    layout(512).create(&two).unwrap();
    Layout { name: "other".to_owned(), ..layout(512) }.create(&other).unwrap();
    assert!(fs::read(&one).unwrap() == fs::read(&two).unwrap());
    assert!(fs::read(&one).unwrap() != fs::read(&other).unwrap());
}

#[test]
fn a_release_lands_in_slot_a() {
    for sector_size in [512, 4096] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk.img");
        layout(sector_size).create(&path).unwrap();
        release_folder(folder.path(), [64 << 10, 290 << 12, 4096]);
        let disk = Disk::open(&path, Access::Write).unwrap();
        let installed = install(&disk, folder.path()).unwrap();
        assert_eq!(installed.release, "tiny-x86_64-1.0.0");

        let (bytes, layout) = (fs::read(&path).unwrap(), disk.layout().unwrap());
        for part in Part::ALL {
            let image = fs::read(folder.path().join(format!("{part}.img"))).unwrap();
            let at = |slot: Slot| {
                usize::try_from(layout.part(slot, part).unwrap().first_lba * u64::from(sector_size)).unwrap()
            };
            assert!(bytes[at(Slot::A)..at(Slot::A) + image.len()] == image);
            assert!(bytes[at(Slot::B)..at(Slot::B) + image.len()].iter().all(|byte| *byte == 0));
        }
    }
}

#[test]
fn wrong_images_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.img");
    layout(512).create(&path).unwrap();
    let disk = Disk::open(&path, Access::Write).unwrap();
    let fails = || install(&disk, folder.path()).unwrap_err();

    assert!(matches!(fails(), Error::Read { .. }), "no release.json");
    release_folder(folder.path(), [64 << 10, 301 << 12, 4096]);
    assert!(matches!(fails(), Error::TooLarge { part: Part::Root, .. }));
    release_folder(folder.path(), [64 << 10, 4096, 4096]);
    fs::write(folder.path().join("root.img"), [7; 4096]).unwrap();
    assert!(matches!(fails(), Error::ImageDiffers { .. }), "digest");
    fs::write(folder.path().join("root.img"), [7; 4095]).unwrap();
    assert!(matches!(fails(), Error::ImageDiffers { .. }), "length");
    fs::write(folder.path().join("release.json"), "{").unwrap();
    assert!(matches!(fails(), Error::ParseRelease { .. }));
}

#[test]
fn a_layout_that_makes_no_disk_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.img");
    let sizes = layout(512).sizes;
    let with = |sizes| Layout { sizes, ..layout(512) };
    let wrong = [
        Layout { sector_size: 1024, ..layout(512) },
        with(Sizes { root: ByteCount(0), ..sizes }),
        with(Sizes { root: ByteCount(4097), ..sizes }),
        with(Sizes { data: ByteCount(u64::MAX - 4095), ..sizes }),
    ];
    for layout in wrong {
        assert!(matches!(layout.create(&path), Err(Error::LayOut { .. })));
        assert!(!path.exists());
    }
    fs::write(&path, "precious").unwrap();
    assert!(matches!(layout(512).create(&path), Err(Error::Write { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"precious");
}
