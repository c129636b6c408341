//! The program with deltas: the same slot, fewer bytes, whatever the running slot or the server does.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of small disks fit every type")]

mod common;

use common::served::{Ran, Served, holds, next};
use common::{Made, PIECE, disk, make_of};
use fixtures::crash;
use fixtures::server::{Faults, Length, Ranges};
use partition_core::Slot;
use release::Image;

fn noise(seed: u8, length: usize) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    (0..length).map(next).collect()
}

/// 1.0.0, and 1.1.0 in which everything moved by a block and a byte of the second root piece changed; boot is all new.
fn pair() -> (Made, Made) {
    let (root, hash) = (noise(1, 2 * PIECE + 4096), noise(2, 4096));
    let mut moved = [&noise(3, 4096)[..], &root[..2 * PIECE]].concat();
    moved[PIECE + 9000] ^= 1;
    let mut old = make_of(0, crash::Release { boot: noise(4, PIECE), root, hash: hash.clone() });
    let mut new = make_of(1, crash::Release { boot: noise(5, PIECE), root: moved, hash });
    old.release.version = "1.0.0".parse().unwrap();
    new.release.version = "1.1.0".parse().unwrap();
    (old, new)
}

fn served(old: &Made, new: &Made) -> Served {
    Served::with_disk(&disk(old, None).live()).publish_after(Some(old), new)
}

/// What was asked of the server, by the ends of names.
fn asked(served: &Served, end: &str) -> usize {
    served.server.log().iter().filter(|logged| logged.target.contains(end)).count()
}

fn staged(served: &Served, new: &Made) -> Ran {
    served.server.clear();
    let ran = served.run(&["stage"]);
    assert_eq!(ran.exit, 0, "{ran:#?}");
    assert!(holds(&served.disk(), Slot::B, new), "slot B is not the release");
    assert_eq!(next(&served.disk()), Some(Slot::A));
    ran
}

#[test]
fn what_runs_is_copied_and_patched_and_only_the_rest_is_fetched_whole() {
    let (old, new) = pair();
    let served = served(&old, &new);
    let plan = served.run(&["plan"]);
    let root = &plan.answer["data"]["plan"]["images"]["root"]["delta"];
    assert_eq!(
        (root["copied"].as_u64(), root["patched"].as_u64(), root["full"].as_u64()),
        (Some(1), Some(2), Some(0))
    );
    let boot = &plan.answer["data"]["plan"]["images"]["boot"]["delta"];
    assert_eq!((boot["full"].as_u64(), boot["records_length"].as_u64()), (Some(1), Some(0)));
    let lines = plan.answer["message"].as_str().unwrap();
    let of = |field: &str| root[field].as_u64().unwrap();
    let (table, _) = common::delta(&old, &new, Image::Root);
    assert_eq!(of("table_length"), table.encode().len() as u64);
    assert_eq!(of("copied_length") + of("patched_length"), of("records_length"));
    assert!(of("patched_length") > of("copied_length"), "{root:#}");
    let line = format!(
        "root: 135168 bytes in 1 pieces copied ({} bytes) and 2 patched ({} bytes) from slot A, 0 frames of 0 bytes, \
         a table of {} bytes",
        of("copied_length"),
        of("patched_length"),
        of("table_length")
    );
    assert!(lines.lines().any(|said| said == line), "{lines}");

    let ran = staged(&served, &new);
    // Boot whole; of root a new block and a byte; hash is copied.
    let fetched = ran.data("fetched_bytes");
    assert!((PIECE as u64..PIECE as u64 + 6000).contains(&fetched), "{fetched}");
    assert_eq!(ran.data("written_bytes"), 3 * PIECE as u64 + 8192);
    assert_eq!((asked(&served, "-root.img.zst"), asked(&served, "-hash.img.zst")), (0, 0));
    assert!(holds(&served.disk(), Slot::A, &old));
    // Again: nothing but metadata.
    let again = staged(&served, &new);
    assert_eq!((again.data("fetched_bytes"), again.data("written_bytes")), (0, 0));
    assert_eq!(asked(&served, "/targets/"), 0, "{:#?}", served.server.log());
    assert!(asked(&served, "/metadata/timestamp.json") > 0);
    let plan = served.run(&["plan"]);
    let held = &plan.answer["data"]["plan"]["images"]["root"]["held"];
    assert_eq!((held["pieces"].as_u64(), held["left_length"].as_u64()), (Some(3), Some(0)), "{plan:#?}");
    let lines = plan.answer["message"].as_str().unwrap();
    let line = "; slot B is recorded to hold 3 of 3 pieces, which leaves 0 bytes to fetch";
    assert!(lines.contains(line), "{lines}");
}

/// What is kept is taken only where it is what is signed, and what is missing then comes whole.
#[test]
fn a_staged_slot_that_rotted_and_an_index_that_did_are_mended() {
    let (old, new) = pair();
    let served = served(&old, &new);
    staged(&served, &new);
    let index = served.path("state/staged/root.idx");
    let mut bytes = std::fs::read(&index).unwrap();
    bytes[70] ^= 1;
    std::fs::write(&index, bytes).unwrap();
    let mut bytes = served.disk();
    let layout = crash::table_of(&bytes, 512).unwrap().layout().unwrap();
    bytes[layout.b.unwrap().root.first_lba as usize * 512 + 7] ^= 1;
    std::fs::write(served.path("disk.img"), &bytes).unwrap();
    let ran = staged(&served, &new);
    assert_eq!(ran.data("written_bytes"), 4096, "{ran:#?}");
    let each = ["-boot.idx", "-root.idx", "-hash.idx", ".delta"].map(|end| asked(&served, end));
    assert_eq!(each, [0, 1, 0, 0], "{:#?}", served.server.log());
    assert_eq!(std::fs::read(&index).unwrap(), new.indexes.root.encode());
}

#[test]
fn a_flipped_bit_in_the_running_slot_costs_its_pieces_their_records_and_is_said() {
    let (old, new) = pair();
    let served = served(&old, &new);
    let mut bytes = served.disk();
    let layout = crash::table_of(&bytes, 512).unwrap().layout().unwrap();
    bytes[layout.a.root.first_lba as usize * 512 + 3 * 4096 + 7] ^= 1;
    std::fs::write(served.path("disk.img"), &bytes).unwrap();
    let ran = staged(&served, &new);
    assert!(ran.progress.contains("did not come out of slot A as published"), "{}", ran.progress);
    assert!(asked(&served, "-root.img.zst") > 0);
    assert!(ran.data("fetched_bytes") < 3 * PIECE as u64);
}

/// A mirror can cost bytes, and nothing else.
#[test]
fn a_delta_that_is_missing_or_a_lie_leads_to_full_frames() {
    let only = |faults: Faults| Faults { only: Some(".delta".to_owned()), ..faults };
    let faults = [
        Faults { status: Some(404), ..Faults::default() },
        Faults { status: Some(403), ..Faults::default() },
        Faults { tamper: Some(100), ..Faults::default() },
        Faults { length: Length::Shorter(1), ..Faults::default() },
        Faults { cut: Some(50), ..Faults::default() },
    ];
    for faults in faults {
        let (old, new) = pair();
        let served = served(&old, &new);
        served.server.set(only(faults.clone()));
        let ran = staged(&served, &new);
        assert!(ran.progress.contains("left out, full frames are taken"), "{faults:?}: {}", ran.progress);
        assert!(ran.data("fetched_bytes") > 3 * PIECE as u64, "{faults:?}");
    }
}

/// The table is right, a record is not.
#[test]
fn a_record_that_is_a_lie_leads_to_full_frames() {
    let (old, new) = pair();
    let served = served(&old, &new);
    let table = 88 + 48 * 3;
    served.server.set(Faults {
        only: Some("-root.from".to_owned()),
        tamper: Some(table + 20),
        ..Faults::default()
    });
    let ran = staged(&served, &new);
    assert!(ran.progress.contains("full frames are taken instead of the delta"), "{}", ran.progress);
    assert!(asked(&served, "-root.img.zst") > 0);
}

/// The table is right, and each download of records breaks off: it would again in every later run.
#[test]
fn records_that_do_not_come_lead_to_full_frames() {
    let (old, new) = pair();
    let served = served(&old, &new);
    let table = 88 + 48 * 3;
    served.server.set(Faults {
        only: Some("-root.from".to_owned()),
        cut: Some(table + 20),
        ..Faults::default()
    });
    let ran = staged(&served, &new);
    assert!(ran.progress.contains("full frames are taken instead of the delta"), "{}", ran.progress);
    assert!(asked(&served, "-root.img.zst") > 0);
    assert_eq!(
        asked(&served, "-hash.img.zst"),
        0,
        "what breaks off for one image says nothing about the next"
    );
}

#[test]
fn a_server_without_ranges_gives_deltas_too() {
    let (old, new) = pair();
    let served = served(&old, &new);
    served.server.set(Faults { ranges: Ranges::Ignored, ..Faults::default() });
    let ran = staged(&served, &new);
    assert_eq!(asked(&served, "-root.img.zst"), 0, "{ran:#?}");
}

#[test]
fn a_delta_from_another_release_is_not_asked_for() {
    let (old, new) = pair();
    let mut other =
        make_of(7, crash::Release { boot: noise(7, PIECE), root: noise(8, 4096), hash: noise(9, 4096) });
    other.release.version = "0.9.0".parse().unwrap();
    let served = Served::with_disk(&disk(&old, None).live()).publish_after(Some(&other), &new);
    staged(&served, &new);
    assert_eq!(asked(&served, ".delta"), 0);
}

/// Killed while it writes, again and again: the next run goes on, and ends the same.
#[test]
fn a_run_that_is_cut_off_is_gone_on_with() {
    let (old, new) = pair();
    let served = served(&old, &new);
    served.server.set(Faults {
        only: Some("-boot.img.zst".to_owned()),
        cut: Some(1000),
        ..Faults::default()
    });
    let ran = served.run(&["stage"]);
    assert_eq!(ran.exit, 20, "{ran:#?}");
    assert_eq!(next(&served.disk()), Some(Slot::A));
    served.server.set(Faults::default());
    let plan = served.run(&["plan"]);
    let held = |image: &str| {
        let held = &plan.answer["data"]["plan"]["images"][image]["held"];
        (held["pieces"].as_u64().unwrap(), held["left_length"].as_u64().unwrap())
    };
    assert_eq!((held("boot"), held("root")), ((0, new.indexes.boot.frames_length()), (3, 0)), "{plan:#?}");
    let ran = staged(&served, &new);
    // Root and hash were there already.
    assert_eq!(ran.data("written_bytes"), PIECE as u64, "{ran:#?}");
}

/// Zeros are known by their digest: written over what is there, and never asked for, with a delta or without.
#[test]
fn pieces_of_zeros_are_written_without_being_fetched() {
    let (old, new) = pair();
    let mut root = new.images.root.clone();
    root[PIECE..].fill(0); // a whole piece, and the short one at the end
    let images = crash::Release { boot: vec![0; PIECE], root, hash: new.images.hash.clone() };
    let mut zeros = make_of(1, images);
    zeros.release.version = "1.1.0".parse().unwrap();
    let foreign = make_of(9, crash::Release::filled(9, PIECE, 2 * PIECE + 4096, 4096));
    let slot = || disk(&old, Some((&foreign, partition_core::Flags::default()))).live();
    for (served, pieces) in [
        (Served::with_disk(&slot()).publish(&zeros), "135168 bytes in 1 frames of "),
        (
            Served::with_disk(&slot()).publish_after(Some(&old), &zeros),
            "135168 bytes in 0 pieces copied (0 bytes) and 1 patched (",
        ),
    ] {
        let plan = served.run(&["plan"]);
        let of =
            |image: &str, field: &str| plan.answer["data"]["plan"]["images"][image][field].as_u64().unwrap();
        assert_eq!((of("boot", "zeros"), of("root", "zeros"), of("hash", "zeros")), (1, 2, 0));
        assert_eq!(of("boot", "fetch_length"), 0);
        let lines = plan.answer["message"].as_str().unwrap();
        assert!(lines.contains(pieces) && lines.contains(", 2 pieces of zeros"), "{lines}");
        let ran = staged(&served, &zeros);
        assert_eq!(ran.data("written_bytes"), 3 * PIECE as u64 + 8192);
        let fetched = of("root", "fetch_length") + of("hash", "fetch_length");
        assert_eq!(ran.data("fetched_bytes"), fetched, "as planned");
        // Again: nothing.
        let again = staged(&served, &zeros);
        assert_eq!((again.data("fetched_bytes"), again.data("written_bytes")), (0, 0));
    }
}

/// A server that is gone leaves the slot in the boot order, also when some of it could have been zeroed.
#[test]
fn zeros_are_written_after_something_came_in() {
    let (old, new) = pair();
    let images =
        crash::Release { boot: vec![0; PIECE], root: new.images.root.clone(), hash: new.images.hash.clone() };
    let mut zeros = make_of(1, images);
    zeros.release.version = "1.1.0".parse().unwrap();
    let served = Served::with_disk(&disk(&old, None).live()).publish(&zeros);
    let before = served.disk();
    served.server.set(Faults { only: Some(".img.zst".to_owned()), status: Some(404), ..Faults::default() });
    let ran = served.run(&["stage"]);
    assert_ne!(ran.exit, 0, "{ran:#?}");
    assert!(served.disk() == before, "the disk was written");
}

/// A slot that holds the release before keeps the blocks that are right where they lie.
#[test]
fn over_an_earlier_release_only_the_blocks_that_differ_are_written() {
    let (old, _) = pair();
    let mut root = old.images.root.clone();
    root[PIECE + 100] ^= 1;
    let hash = old.images.hash.clone();
    let images = crash::Release { boot: old.images.boot.clone(), root, hash };
    let (mut first, mut second) = (make_of(1, old.images.clone()), make_of(2, images));
    first.release.version = "1.1.0".parse().unwrap();
    second.release.version = "1.2.0".parse().unwrap();
    let served = Served::with_disk(&disk(&old, None).live()).publish(&first);
    assert_eq!(staged(&served, &first).data("written_bytes"), 3 * PIECE as u64 + 8192);
    let served = served.publish(&second);
    assert_eq!(staged(&served, &second).data("written_bytes"), 4096);
}

/// A bundle of several releases lists the deltas between them, and carries none of them.
#[test]
fn deltas_that_a_bundle_does_not_hold_are_not_looked_for() {
    let (old, new) = pair();
    for held in [true, false] {
        let served = served(&old, &new);
        for (path, _) in common::served::files(&served.path("repo/targets")) {
            let name = path.to_str().unwrap();
            if held && name.ends_with("1.1.0-root.img.zst") {
                // A folder that holds them is read like a mirror: nobody reads this.
                std::fs::write(&path, "").unwrap();
            } else if !held && path.extension().is_some_and(|end| end == "delta") {
                std::fs::remove_file(&path).unwrap();
            }
        }
        let bundle = served.path("repo");
        let ran = served.run(&["stage", "--bundle", bundle.to_str().unwrap()]);
        assert_eq!(ran.exit, 0, "{ran:#?}");
        assert!(!ran.progress.contains("\"note\""), "{}", ran.progress);
        assert!(holds(&served.disk(), Slot::B, &new));
    }
}
