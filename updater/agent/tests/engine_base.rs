//! The running slot as a base that is not what its release says: built again, damaged, or wrong from somewhere on.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of small disks fit every type")]

mod common;

use common::served::{Ran, Served, holds, next};
use common::{Made, PIECE, delta, make_of};
use fixtures::crash::{Release, table_of};
use fixtures::disk::DiskSpec;
use fixtures::server::Faults;
use partition_core::{Flags, Slot, Slots};
use release::{Image, Images};

/// Pieces of the root images.
const PIECES: usize = 40;

fn noise(seed: u8, length: usize) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    (0..length).map(next).collect()
}

fn made(version: &str, root: Vec<u8>) -> Made {
    let images = Release { boot: noise(4, PIECE), root, hash: noise(2, 4096) };
    let mut made = make_of(0, images);
    made.release.version = version.parse().unwrap();
    made
}

/// 1.0.0, and 1.1.0 with a changed byte in every root piece.
fn pair() -> (Made, Made) {
    let root = noise(1, PIECES * PIECE);
    let mut new = root.clone();
    for piece in new.chunks_mut(PIECE) {
        piece[9000] ^= 1;
    }
    (made("1.0.0", root), made("1.1.0", new))
}

/// A host that says that it runs 1.0.0, with this in the root partition of slot A.
fn host(old: &Made, new: &Made, root: &[u8]) -> Served {
    let slots = Slots::new(Some(Flags::of(1, 7, true)), Some(Flags::default()));
    let length = (PIECES * PIECE) as u64;
    let spec = DiskSpec { boot: PIECE as u64, root: length, hash: 8192, slots, ..DiskSpec::default() };
    let mut bytes = spec.build();
    let layout = table_of(&bytes, 512).unwrap().layout().unwrap();
    let images = Release { root: root.to_vec(), ..old.images.clone() };
    images.place(&mut bytes, 512, &layout, Slot::A);
    Served::with_disk(&bytes).publish_after(Some(old), new)
}

/// As the state folder is where 1.0.0 was staged by updog.
fn keep_indexes(served: &Served, old: &Made) {
    std::fs::create_dir_all(served.path("state/staged")).unwrap();
    for image in Image::ALL {
        let path = served.path(&format!("state/staged/{image}.idx"));
        std::fs::write(path, old.indexes.get(image).encode()).unwrap();
    }
}

fn staged(served: &Served, new: &Made) -> Ran {
    served.server.clear();
    let ran = served.run(&["stage"]);
    assert_eq!(ran.exit, 0, "{ran:#?}");
    assert!(holds(&served.disk(), Slot::B, new), "slot B is not the release");
    assert_eq!(next(&served.disk()), Some(Slot::A));
    ran
}

/// How often it was said.
fn said(ran: &Ran, what: &str) -> usize {
    ran.progress.matches(what).count()
}

/// What a host must fetch when these records of the root image were had, or had in vain, and these of its frames.
fn bytes(old: &Made, new: &Made, records: std::ops::Range<usize>, frames: std::ops::Range<usize>) -> u64 {
    let of =
        |image| delta(old, new, image).0.rows().iter().map(|row| u64::from(row.length)).collect::<Vec<_>>();
    let small = of(Image::Boot).iter().sum::<u64>() + of(Image::Hash).iter().sum::<u64>();
    let root: u64 = of(Image::Root)[records].iter().sum();
    let frames = new.indexes.root.pieces()[frames].iter().map(|piece| u64::from(piece.frame_length));
    small + root + frames.sum::<u64>()
}

/// The release says that it is the base, and the image was built again.
#[test]
fn a_base_that_is_wholly_wrong_costs_eight_records_and_is_said_once() {
    let (old, new) = pair();
    let served = host(&old, &new, &noise(9, PIECES * PIECE));
    let ran = staged(&served, &new);
    // As docs/deltas.md shows it.
    let line = r#"slot A is not what the delta was made from (root: 8 of 8 pieces tried are wrong), full frames are taken for the rest; \"updog verify --slot A\" looks whether it is damaged"#;
    assert_eq!((said(&ran, line), said(&ran, "slot A as published")), (1, 0), "{}", ran.progress);
    assert_eq!(ran.data("fetched_bytes"), bytes(&old, &new, 0..8, 0..PIECES), "{ran:#?}");
    // The table and these records: what the network had under way would be fetched in vain too.
    let asked = |logged: &&fixtures::server::Logged| logged.target.contains("-root.from");
    assert_eq!(served.server.log().iter().filter(asked).count(), 2);
}

/// Where the index of the base was kept, it is looked at first: not even the table of the delta is fetched.
#[test]
fn a_base_that_can_be_seen_to_be_wrong_costs_no_byte() {
    let (old, new) = pair();
    let served = host(&old, &new, &noise(9, PIECES * PIECE));
    keep_indexes(&served, &old);
    let plan = served.run(&["plan"]);
    let images = &plan.answer["data"]["plan"]["images"];
    assert!(images["root"]["delta"].is_null() && images["hash"]["delta"].is_object(), "{images:#}");
    assert_eq!(said(&plan, "(root: 8 of 8 pieces tried are wrong)"), 1, "{}", plan.progress);
    let ran = staged(&served, &new);
    assert_eq!(said(&ran, "(root: 8 of 8 pieces tried are wrong)"), 1, "{}", ran.progress);
    assert!(served.server.log().iter().all(|logged| !logged.target.contains("-root.from")));
    assert_eq!(ran.data("fetched_bytes"), bytes(&old, &new, 0..0, 0..PIECES));
}

/// Indexes of another release say nothing about the base.
#[test]
fn other_indexes_are_not_taken_for_those_of_the_base() {
    let (old, new) = pair();
    let served = host(&old, &new, &old.images.root);
    keep_indexes(&served, &new);
    let ran = staged(&served, &new);
    assert_eq!((said(&ran, "slot A is not"), said(&ran, "slot A as published")), (0, 0), "{}", ran.progress);
    assert_eq!(ran.data("fetched_bytes"), bytes(&old, &new, 0..PIECES, 0..0));
}

/// A bit costs the piece that it is in, wherever it is, looked at first or not.
#[test]
fn a_flipped_bit_costs_one_frame() {
    let (old, new) = pair();
    for (piece, kept) in [(0, false), (0, true), (17, false), (PIECES - 1, true)] {
        let mut root = old.images.root.clone();
        root[piece * PIECE + 30_000] ^= 4;
        let served = host(&old, &new, &root);
        if kept {
            keep_indexes(&served, &old);
        }
        let ran = staged(&served, &new);
        // A patch refers to its neighbours, and makes use of the bit or not.
        let fallen = (ran.data("fetched_bytes") - bytes(&old, &new, 0..PIECES, 0..0)) / PIECE as u64;
        assert!((1..=3).contains(&fallen), "piece {piece}: {ran:#?}");
        assert_eq!(said(&ran, "slot A is not what the delta was made from"), 0, "{}", ran.progress);
        let note = format!("{fallen} piece(s) did not come out of slot A as published");
        assert_eq!(said(&ran, &note), 1, "{}", ran.progress);
        // The first piece is one that is looked at first.
        let seen = usize::from(kept && piece == 0);
        assert_eq!(said(&ran, "1 piece(s) of slot A are not as published"), seen, "{}", ran.progress);
    }
}

/// Half a disk: what came out of it is kept.
#[test]
fn a_base_that_is_wrong_from_somewhere_on_is_left_there() {
    let (old, new) = pair();
    let (half, whole) = (PIECES / 2 * PIECE, PIECES * PIECE);
    let root = [&old.images.root[..half], &noise(9, whole - half)[..]].concat();
    let served = host(&old, &new, &root);
    let ran = staged(&served, &new);
    let line = "slot A is not what the delta was made from (root: 8 of ";
    assert_eq!(said(&ran, line), 1, "{}", ran.progress);
    let fetched = ran.data("fetched_bytes");
    assert!(fetched <= bytes(&old, &new, 0..PIECES, PIECES / 2 - 1..PIECES), "{fetched}");
    assert!(fetched < new.indexes.root.frames_length(), "{fetched}");
    let again: Images<u64> = Images::from_fn(|_| staged(&served, &new).data("fetched_bytes"));
    assert_eq!(again, Images { boot: 0, root: 0, hash: 0 });
}

/// The pair, with a changed byte in boot too.
fn pair_with_boot() -> (Made, Made) {
    let (old, new) = pair();
    let mut images = new.images.clone();
    images.boot[5000] ^= 1;
    let mut new = make_of(0, images);
    new.release.version = "1.1.0".parse().unwrap();
    (old, new)
}

/// Where the records of an image begin in its delta.
fn records(old: &Made, new: &Made, image: Image, piece: usize) -> u64 {
    let (table, _) = delta(old, new, image);
    let before = table.rows()[..piece].iter().map(|row| u64::from(row.length));
    table.encode().len() as u64 + before.sum::<u64>()
}

/// The base is right, and so is every other record.
#[test]
fn a_record_that_is_a_lie_costs_its_frame() {
    let (old, new) = pair_with_boot();
    for (image, piece) in [(Image::Boot, 0), (Image::Root, 0), (Image::Root, 20)] {
        let served = host(&old, &new, &old.images.root);
        let only = Some(format!("-{image}.from"));
        let tamper = Some(records(&old, &new, image, piece) + 20);
        served.server.set(Faults { only, tamper, ..Faults::default() });
        let ran = staged(&served, &new);
        let frame = u64::from(new.indexes.get(image).pieces()[piece].frame_length);
        assert_eq!(ran.data("fetched_bytes"), bytes(&old, &new, 0..PIECES, 0..0) + frame, "{ran:#?}");
        let line =
            format!("full frames are taken instead of the delta for 1 record(s) of the {image} image: ");
        assert_eq!(said(&ran, &line), 1, "{}", ran.progress);
    }
}

#[test]
fn a_delta_of_lies_is_given_up_after_eight_records_and_the_others_are_not() {
    let (old, new) = pair_with_boot();
    let start = records(&old, &new, Image::Root, 0) as usize;
    let served = host(&old, &new, &old.images.root);
    let deltas = Images::from_fn(|image| {
        let (table, mut file) = delta(&old, &new, image);
        if image == Image::Root {
            file[start..].iter_mut().for_each(|byte| *byte ^= 1);
        }
        Some((table, file))
    });
    let served = served.publish_with(Some(&old), &new, deltas);
    let ran = staged(&served, &new);
    assert_eq!(ran.data("fetched_bytes"), bytes(&old, &new, 0..8, 0..PIECES), "{ran:#?}");
    let line =
        "full frames are taken instead of the delta for the rest of the root image, 8 records are wrong: ";
    assert_eq!((said(&ran, line), said(&ran, "of the boot image")), (1, 0), "{}", ran.progress);
}
