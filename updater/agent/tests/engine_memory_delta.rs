//! P9 with a delta, measured on the real program: a 1 GiB image out of the running slot, over the release before, over foreign bytes,
//! gone on with after a kill, and again when all is there.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of small disks fit every type")]

mod common;

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use common::Made;
use common::large::{self, BLOCK, GIB, MIB, Raw, Took, measure, piece};
use common::served::{NOW, Ran, Served};
use fixtures::disk::DiskSpec;
use partition_core::{Part, Slot};
use release::delta::{BaseBlocks, Between, BlockMap, DeltaWriter, Table};
use release::{Digest, Images, Version};
use rustix::process::Signal;
use updater_core::records::{FORMAT, Staged};

/// As the base, but every sixteenth piece has 64 KiB of its own, and the second half lies one piece further on.
fn changed(number: u64) -> Vec<u8> {
    let mut bytes = piece(if number < 512 { number } else { (number - 1).max(512) });
    if number % 16 == 3 {
        let own = &piece(number + 5000)[..32 << 10];
        bytes[100_000..100_000 + own.len()].copy_from_slice(own);
        bytes[700_000..700_000 + own.len()].copy_from_slice(own);
    }
    bytes
}

/// A partition of the disk file.
struct Place {
    disk: File,
    at: u64,
}

impl Place {
    fn of(served: &Served, slot: Slot, part: Part) -> Place {
        let disk = File::options().read(true).write(true).open(served.path("disk.img")).unwrap();
        Place { disk, at: served.layout().part(slot, part).unwrap().first_lba * 512 }
    }

    fn fill(&self, mut from: impl Read) {
        let (mut buffer, mut at) = (vec![0; 1 << 20], self.at);
        loop {
            let length = from.read(&mut buffer).unwrap();
            if length == 0 {
                return self.disk.sync_all().unwrap();
            }
            self.disk.write_all_at(&buffer[..length], at).unwrap();
            at += length as u64;
        }
    }
}

impl BaseBlocks for Place {
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read_exact_at(out, self.at + offset)
    }
}

/// A host with the base in both slots.
fn host() -> Served {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let spec = DiskSpec { boot: 2 * BLOCK, root: GIB, hash: 2 * BLOCK, ..DiskSpec::default() };
    Served::sparse(folder, &spec)
}

fn fill(served: &Served, slot: Slot, base: &Made) {
    Place::of(served, slot, Part::Root).fill(Raw::of(piece));
    for part in [Part::Boot, Part::Hash] {
        Place::of(served, slot, part).fill(base.images.part(part));
    }
}

/// The delta of the root image.
fn delta(served: &Served, base: &Made, made: &Made) -> (Table, Vec<u8>) {
    let blocks = Place::of(served, Slot::A, Part::Root);
    let map = BlockMap::of(&blocks, GIB).unwrap();
    let (old, new) = (&base.indexes.root, &made.indexes.root);
    let (new, base) = ((new, Digest::of(&new.encode())), (old, Digest::of(&old.encode())));
    let writer = DeltaWriter { level: 1, ..DeltaWriter::default() };
    let mut records = Vec::new();
    let raw = &mut Raw::of(changed);
    let written = writer.write(&Between { new, base, map: &map }, &blocks, (raw, &mut records), |_| {});
    let written = written.unwrap();
    assert_eq!((written.copied, written.patched), (1024 - 64, 64));
    (written.table.clone(), [written.table.encode(), records].concat())
}

/// The state folder of a host that has the base in slot B.
fn noted(served: &Served, base: &Made) {
    std::fs::create_dir_all(served.path("state/staged")).unwrap();
    let staged = Staged {
        format: FORMAT,
        version: base.release.version.clone(),
        variant: "test".to_owned(),
        arch: "x86_64".to_owned(),
        release: base.release.id,
        slot: Slot::B,
        at: NOW.parse().unwrap(),
        extra: serde_json::Map::new(),
    };
    std::fs::write(served.path("state/staged/staged.json"), serde_json::to_vec(&staged).unwrap()).unwrap();
    for (image, index) in base.indexes.iter() {
        std::fs::write(served.path(&format!("state/staged/{image}.idx")), index.encode()).unwrap();
    }
}

fn stage(served: &Served, what: &str) -> (Ran, Took) {
    let (ran, took) = measure(served.command(NOW, &["stage"]), |_, _| {});
    assert_eq!(ran.exit, 0, "{what}: {ran:#?}");
    println!("{what}: {} bytes fetched, {took:?}", ran.data("fetched_bytes"));
    assert!(took.peak <= 48 * MIB, "{what}: {took:?}");
    (ran, took)
}

#[test]
fn a_gibibyte_by_a_delta_takes_48_mib() {
    let served = host();
    let mut base = large::release(&served, Version::new(1, 0, 0), piece);
    // Nobody asks for them.
    base.frames.files = Images::default();
    fill(&served, Slot::A, &base);
    fill(&served, Slot::B, &base);
    let made = large::release(&served, Version::new(1, 1, 0), changed);
    let (table, file) = delta(&served, &base, &made);
    let length = file.len() as u64;
    let served =
        served.publish_with(Some(&base), &made, Images { boot: None, root: Some((table, file)), hash: None });

    // Over the release before, whose first half is right but for the patched pieces.
    noted(&served, &base);
    let (ran, _) = stage(&served, "over the release before");
    assert!(ran.data("fetched_bytes") <= length, "{ran:#?}");
    assert!(ran.data("written_bytes") <= 516 * MIB, "{ran:#?}");

    let (ran, took) = stage(&served, "again");
    assert_eq!((ran.data("fetched_bytes"), ran.data("written_bytes")), (0, 0));
    assert!(took.written < MIB, "{took:?}");

    // Over foreign bytes, killed once half is written, and gone on with.
    let foreign = Place::of(&served, Slot::B, Part::Root);
    for number in 0..1024 {
        foreign.disk.write_all_at(&[0; 512], foreign.at + number * MIB).unwrap();
    }
    std::fs::remove_dir_all(served.path("state")).unwrap();
    let (_, took) = measure(served.command(NOW, &["stage"]), |took, pid| {
        if took.written >= GIB / 2 {
            rustix::process::kill_process(pid, Signal::KILL).unwrap();
        }
    });
    assert!(took.written < GIB, "the run was over before it was killed");
    assert!(took.peak <= 48 * MIB, "{took:?}");
    let (ran, _) = stage(&served, "after a kill at half");
    assert!(ran.data("written_bytes") <= GIB * 52 / 100, "{ran:#?}");
    assert!(ran.data("fetched_bytes") <= length, "{ran:#?}");
}
