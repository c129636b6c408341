//! Logs of right and wrong builds, made by the encoder; and what the parser does with any bytes.

use std::path::PathBuf;

use fixtures::CrashDisk;
use fixtures::crash::{DiskOp, Release, table_of};
use fixtures::disk::DiskSpec;
use partition_core::{Part, Slot, Standing, Tries, verbs};
use partition_disk::{Aligned, Edit};
use proptest::prelude::*;

use super::check::{Report, check, leads_to, save};
use super::encode::{Logged, encode, logged};
use super::plan::Wanted;
use super::run::Run;
use super::write_log::{Action, Extent, WriteLog};

/// An update over a slot that may be started, as a right build does it. Positions of operations come from
/// [`Update::ops`].
struct Update {
    before: Vec<u8>,
    ops: Vec<DiskOp>,
    after: Vec<u8>,
    releases: [Release; 3],
}

/// BOOT, ROOT and HASH; ROOT is written in four pieces.
const SIZES: [usize; 3] = [8 << 10, 32 << 10, 4 << 10];
const PIECE: usize = 8 << 10;

impl Update {
    /// Release 1 runs in A, 2 stays in B from a rollback, 3 is written over it.
    fn new() -> Update {
        let [boot, root, hash] = SIZES;
        let releases = [1, 2, 3].map(|name| Release::filled(name, boot, root, hash));
        let slots = partition_core::Slots::new(
            Some(partition_core::Flags::of(1, 7, true)),
            Some(partition_core::Flags::of(1, 7, true)),
        );
        let [boot, root, hash] = SIZES.map(|size| size as u64);
        let mut before = DiskSpec { boot, root, hash, slots, ..DiskSpec::default() }.build();
        let layout = table_of(&before, 512).unwrap().layout().unwrap();
        releases[0].place(&mut before, 512, &layout, Slot::A);
        releases[1].place(&mut before, 512, &layout, Slot::B);
        let crash = CrashDisk::new(before.clone(), 512);
        let disk = crash.disk();
        disk.change(|layout| {
            verbs::retire(&layout.slots(), Slot::A, Standing::ConfirmedThisBoot).map(Edit::slots)
        })
        .unwrap();
        for part in Part::ALL {
            let image = disk.image(Slot::B, part).unwrap();
            for (n, piece) in releases[2].part(part).chunks(PIECE).enumerate() {
                let mut bytes = Aligned::zeroed(piece.len());
                bytes.copy_from_slice(piece);
                image.write_at((n * PIECE) as u64, &bytes).unwrap();
            }
        }
        disk.image(Slot::B, Part::Hash).unwrap().flush().unwrap();
        let standing = Standing::ConfirmedThisBoot;
        disk.change(|layout| {
            verbs::arm(&layout.slots(), Slot::A, standing, Tries::default()).map(Edit::slots)
        })
        .unwrap();
        disk.change(|layout| verbs::confirm(&layout.slots(), Slot::B, Tries::default()).map(Edit::slots))
            .unwrap();
        Update { before, ops: crash.log().ops, after: crash.live(), releases }
    }

    /// The run as files, with these operations in its log.
    fn load(&self, folder: &tempfile::TempDir, entries: &[Logged]) -> Run {
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("before.img"), &self.before).unwrap();
        std::fs::write(at("after.img"), &self.after).unwrap();
        std::fs::write(at("writes.log"), encode(512, entries)).unwrap();
        let releases = self.releases.iter().enumerate().map(|(n, release)| {
            let folder = at(&format!("{n}.0.0"));
            std::fs::create_dir_all(&folder).unwrap();
            write_release(&folder, n, release);
            folder
        });
        let releases: Vec<PathBuf> = releases.collect();
        Run::load(&at("before.img"), &at("writes.log"), &releases).unwrap()
    }

    fn check(&self, entries: &[Logged]) -> Report {
        let folder = tempfile::tempdir().unwrap();
        check(&self.load(&folder, entries), WANTED).unwrap()
    }
}

const WANTED: Wanted = Wanted { points: 1_000, drawn: 5, seed: 7 };

fn write_release(folder: &std::path::Path, n: usize, release: &Release) {
    let image = |part: Part| {
        std::fs::write(folder.join(format!("{part}.img")), release.part(part)).unwrap();
        let length = release.part(part).len();
        serde_json::json!({"file": format!("{part}.img"), "length": length, "sha256": "00".repeat(32)})
    };
    let json = serde_json::json!({
        "format": 1, "variant": "small", "arch": "x86_64", "version": format!("{n}.0.0"),
        "created": "2026-01-01T00:00:00Z", "root_hash": "00".repeat(32),
        "images": {"boot": image(Part::Boot), "root": image(Part::Root), "hash": image(Part::Hash)},
    });
    std::fs::write(folder.join("release.json"), json.to_string()).unwrap();
}

#[test]
fn a_right_build_holds_at_every_cut() {
    let update = Update::new();
    let report = update.check(&logged(&update.ops, 512));
    assert_eq!((report.unbootable, &report.examples), (0, &vec![]));
    let flushes = update.ops.iter().filter(|op| **op == DiskOp::Flush).count();
    assert_eq!(report.flushes, flushes);
    assert!(report.points >= WANTED.points, "{report:?}");
    assert!(report.states > report.points && report.judged > 5, "{report:?}");
    assert_eq!(report.releases, (Some("0.0.0".to_owned()), Some("2.0.0".to_owned())));
    let flags: Vec<String> = report.flags.iter().map(|slots| super::shown(slots, Slot::B)).collect();
    assert_eq!(flags, ["1/7/1", "0/0/0", "2/3/0", "2/7/1"]);
    assert_eq!(report.boots, 8, "A after seven failing boots of B");
}

#[test]
fn each_flush_that_matters_is_missed_when_it_is_left_out() {
    let update = Update::new();
    let ops = &update.ops;
    let flushes: Vec<usize> = (0..ops.len()).filter(|&n| ops[n] == DiskOp::Flush).collect();
    let found = |left_out: &[usize]| {
        let left_out: Vec<usize> = left_out.iter().map(|&n| flushes[n]).collect();
        let kept = (0..ops.len()).filter(|n| !left_out.contains(n)).map(|n| ops[n].clone());
        update.check(&logged(&kept.collect::<Vec<_>>(), 512)).unbootable > 0
    };
    // retire: before it, between the copies, behind it; the images; arm and confirm: three each.
    assert_eq!(flushes.len(), 10);
    let alone: Vec<usize> = (0..10).filter(|&n| found(&[n])).collect();
    assert_eq!(alone, [1, 2, 5, 8], "between the copies, and after retire before the images");
    // A change begins with a flush, so it makes good for one that is missing at the end of what was before; and images are
    // durable with the first copy of arm's table, which does not count while the second is whole.
    assert!(found(&[6, 7]));
    assert!(found(&(0..10).collect::<Vec<_>>()));
}

#[test]
fn arming_before_the_images_are_flushed_is_found() {
    let update = Update::new();
    let written = |op: &DiskOp| matches!(op, DiskOp::Write { bytes, .. } if bytes.len() == PIECE);
    let (images, others): (Vec<_>, Vec<_>) = update.ops.iter().cloned().partition(written);
    assert_eq!(images.len(), 5);
    let mut ops = others;
    ops.extend(images);
    ops.push(DiskOp::Flush);
    let report = update.check(&logged(&ops, 512));
    assert!(report.unbootable > 0);
    assert!(report.examples[0].contains("slot B may be started and is not whole"), "{:?}", report.examples);
}

#[test]
fn a_lost_write_and_a_discard_are_found() {
    let update = Update::new();
    let mut ops = logged(&update.ops, 512);
    let written = |entry: &Logged| matches!(entry, Logged::Write { bytes, .. } if bytes.len() == PIECE);
    let lost = ops.iter().position(written).unwrap();
    let Logged::Write { first, .. } = ops.remove(lost) else { panic!("no write") };
    assert!(update.check(&ops).unbootable > 0);
    ops.insert(lost, Logged::Discard { first, count: 16 });
    assert!(update.check(&ops).unbootable > 0);
}

#[test]
fn writes_elsewhere_disturb_nothing() {
    let update = Update::new();
    let table = table_of(&update.before, 512).unwrap();
    let private = table.layout().unwrap().private.unwrap();
    let mut entries = Vec::new();
    for (n, entry) in logged(&update.ops, 512).into_iter().enumerate() {
        let bytes = vec![u8::try_from(n % 251).unwrap(); 512];
        entries.push(Logged::Write { first: private.first_lba, bytes, flush: false, fua: n % 3 == 0 });
        entries.push(entry);
    }
    entries.push(Logged::Mark(b"end".to_vec()));
    let report = update.check(&entries);
    assert_eq!((report.unbootable, &report.examples), (0, &vec![]));
}

#[test]
fn a_write_that_forces_itself_stays_though_older_ones_may_not() {
    // Sector 0 of the ROOT image of B, twice, the second forced: the first cannot come back over it.
    let update = Update::new();
    let layout = table_of(&update.before, 512).unwrap().layout().unwrap();
    let first = layout.part(Slot::B, Part::Root).unwrap().first_lba;
    let own = update.releases[1].root[..512].to_vec();
    let write = |bytes: Vec<u8>, fua| Logged::Write { first, bytes, flush: false, fua };
    let entries = [write(vec![1; 512], false), write(own, true), Logged::Flush];
    let report = update.check(&entries);
    // The first alone is the one broken state; after the second B is whole for good.
    assert_eq!((report.states, report.unbootable), (2, 1));
}

#[test]
fn drawn_states_are_saved_and_the_end_is_the_disk_that_was_left() {
    let update = Update::new();
    let folder = tempfile::tempdir().unwrap();
    let entries = logged(&update.ops, 512);
    let run = update.load(&folder, &entries);
    let report = check(&run, WANTED).unwrap();
    assert_eq!(report.drawn.len(), 5);
    assert_eq!(check(&run, WANTED).unwrap().drawn, report.drawn, "the seed names the sample");
    for path in save(&run, &report.drawn, folder.path()).unwrap() {
        let bytes = std::fs::read(path).unwrap();
        fixtures::crash::selector_finds_whole_images(&bytes, 512, &update.releases).unwrap();
    }
    leads_to(&run, &folder.path().join("after.img")).unwrap();
    let run = update.load(&folder, &entries[..entries.len() - 2]);
    assert!(leads_to(&run, &folder.path().join("after.img")).is_err());
}

#[test]
fn a_log_that_qemu_wrote() {
    let golden = crate::process::root().join("fixtures/golden/write-log/qemu-7.2.log");
    let log = WriteLog::load(&golden, 1 << 20).unwrap();
    let extent = |first, count| Extent { first, count };
    let actions: Vec<Action> = log.entries().iter().map(|entry| entry.action.clone()).collect();
    assert_eq!(
        actions,
        [
            Action::Write { sectors: extent(8, 2), data: 1024 },
            Action::Nothing,
            Action::Write { sectors: extent(16, 4), data: 3072 },
            Action::Discard { sectors: extent(8, 1) },
            Action::Nothing,
        ]
    );
    assert_eq!(log.entries().iter().filter(|entry| entry.flush).count(), 2);
    assert!(log.sectors(extent(8, 2), 1024).all(|(_, bytes)| bytes == [0xa5; 512]));
    assert!(log.sectors(extent(16, 4), 3072).all(|(_, bytes)| bytes == [0; 512]));
}

fn entry() -> impl Strategy<Value = Logged> {
    let write = (0..60u64, 1..4usize, any::<[bool; 2]>(), any::<u8>()).prop_map(
        |(first, count, [flush, fua], byte)| Logged::Write {
            first,
            bytes: vec![byte; count * 512],
            flush,
            fua,
        },
    );
    prop_oneof![
        write,
        Just(Logged::Flush),
        (0..60u64, 1..4u64).prop_map(|(first, count)| Logged::Discard { first, count }),
        proptest::collection::vec(any::<u8>(), 0..480).prop_map(Logged::Mark),
    ]
}

/// Bytes of the disk of the properties below.
const DISK: u64 = 64 * 512;

proptest! {
    #[test]
    fn what_is_encoded_is_parsed(entries in proptest::collection::vec(entry(), 0..12)) {
        let log = WriteLog::parse(encode(512, &entries), DISK).unwrap();
        prop_assert_eq!(log.entries().len(), entries.len());
        for (found, wanted) in log.entries().iter().zip(&entries) {
            match (&found.action, wanted) {
                (Action::Nothing, Logged::Flush) => prop_assert!(found.flush),
                (Action::Mark, Logged::Mark(_)) => {}
                (Action::Discard { sectors }, Logged::Discard { first, count }) => {
                    prop_assert_eq!((sectors.first, sectors.count as u64), (*first, *count));
                }
                (Action::Write { sectors, data }, Logged::Write { first, bytes, flush, fua }) => {
                    prop_assert_eq!((found.flush, found.fua, sectors.first), (*flush, *fua, *first));
                    let written: Vec<u8> =
                        log.sectors(*sectors, *data).flat_map(|(_, bytes)| bytes.to_vec()).collect();
                    prop_assert_eq!(&written, bytes);
                }
                (found, wanted) => prop_assert!(false, "{:?} became {:?}", wanted, found),
            }
        }
    }

    #[test]
    fn any_bytes_are_a_log_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        let _ = WriteLog::parse(bytes, DISK);
    }

    #[test]
    fn a_damaged_log_names_nothing_outside_of_it(
        entries in proptest::collection::vec(entry(), 1..6),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encode(512, &entries);
        for (at, byte) in changes {
            // The fields of the headers are where it hurts.
            let at = at.index(bytes.len());
            let at = at - at % 512 + at % 32;
            bytes[at] = byte;
        }
        let length = bytes.len();
        bytes.truncate(length - cut.index(length) % 600);
        if let Ok(log) = WriteLog::parse(bytes.clone(), DISK) {
            for entry in log.entries() {
                if let Action::Write { sectors, data } = &entry.action {
                    prop_assert!(data + sectors.count * 512 <= bytes.len());
                    prop_assert!((sectors.first + sectors.count as u64) * 512 <= DISK);
                    prop_assert_eq!(log.sectors(*sectors, *data).count(), sectors.count);
                }
            }
        }
    }

    #[test]
    fn a_shorter_log_is_refused(entries in proptest::collection::vec(entry(), 1..6), missing in 1..600usize) {
        let mut bytes = encode(512, &entries);
        bytes.truncate(bytes.len() - missing);
        prop_assert!(WriteLog::parse(bytes, DISK).is_err());
    }
}
