//! The program against servers that fail and lie: one clear error with the right code, and nothing that boots is changed.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of small disks fit every type")]

mod common;

use common::served::{Served, holds, next};
use common::{Made, PIECE, make, make_of};
use fixtures::crash;
use fixtures::server::{Faults, Length, Ranges};
use partition_core::Slot;

/// A release whose frames do not compress, so that faults at byte offsets hit.
fn noisy(name: u8) -> Made {
    let mut state = u64::from(name) + 1;
    let mut noise = |length: usize| -> Vec<u8> {
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u8
        };
        (0..length).map(next).collect()
    };
    make_of(name, crash::Release { boot: noise(PIECE), root: noise(2 * PIECE + 4096), hash: noise(4096) })
}

fn only(part: &str) -> Faults {
    Faults { only: Some(part.to_owned()), ..Faults::default() }
}

#[test]
fn an_honest_server_leads_to_an_armed_slot() {
    let (one, two) = (make(1), noisy(2));
    let served = Served::new(&one, None, &two);
    let ran = served.run(&["check"]);
    assert_eq!(ran.exit, 0, "{ran:#?}");
    let ran = served.run(&["plan"]);
    assert_eq!(ran.exit, 0, "{ran:#?}");
    let ran = served.run(&["stage"]);
    assert_eq!(ran.exit, 0, "{ran:#?}");
    assert!(ran.data("fetched_bytes") > 3 * PIECE as u64);
    assert_eq!(next(&served.disk()), Some(Slot::A), "staged is not armed");
    assert!(holds(&served.disk(), Slot::B, &two));

    // Again: metadata only.
    served.server.clear();
    let before = served.disk();
    let ran = served.run(&["stage"]);
    assert_eq!(ran.exit, 0, "{ran:#?}");
    assert_eq!((ran.data("fetched_bytes"), ran.data("written_bytes")), (0, 0));
    assert_eq!(served.disk(), before);
    assert!(
        served.server.log().iter().all(|logged| !logged.target.contains("img.zst")),
        "{:#?}",
        served.server.log()
    );

    // Offline: the staged indexes are enough.
    served.server.set(Faults { status: Some(503), ..Faults::default() });
    let ran = served.run(&["verify"]);
    assert_eq!(ran.exit, 0, "{ran:#?}");
    let ran = served.run(&["arm"]);
    assert_eq!(ran.exit, 0, "{ran:#?}");
    assert_eq!(next(&served.disk()), Some(Slot::B));
    assert!(holds(&served.disk(), Slot::A, &one) && holds(&served.disk(), Slot::B, &two));
}

#[test]
fn offline_arm_refuses_a_slot_that_rotted() {
    let (one, two) = (make(1), noisy(2));
    let served = Served::new(&one, None, &two);
    assert_eq!(served.run(&["stage"]).exit, 0);
    let mut bytes = served.disk();
    let layout = crash::table_of(&bytes, 512).unwrap().layout().unwrap();
    let at = layout.b.unwrap().root.first_lba as usize * 512 + PIECE + 5;
    bytes[at] ^= 1;
    std::fs::write(served.path("disk.img"), &bytes).unwrap();
    for verb in ["verify", "arm"] {
        let ran = served.run(&[verb]);
        assert_eq!(ran.exit, 40, "{ran:#?}");
        assert!(
            ran.answer["message"].as_str().unwrap().contains("slot B root: digest differs at piece 1"),
            "{ran:#?}"
        );
    }
    assert_eq!(served.disk(), bytes, "nothing was armed");
    let ran = served.run(&["apply"]);
    // The piece is fetched, and the one block of it that is wrong written.
    assert_eq!((ran.exit, ran.data("written_bytes")), (0, 4096), "{ran:#?}");
}

#[test]
fn servers_without_ranges_or_lying_about_them_cost_a_plain_download() {
    let (one, two) = (make(1), noisy(2));
    for ranges in
        [Ranges::Ignored, Ranges::OtherBytes, Ranges::OtherRange, Ranges::OtherTotal, Ranges::Unsaid]
    {
        let served = Served::new(&one, None, &two);
        served.server.set(Faults { ranges, ..only("img.zst") });
        let ran = served.run(&["apply"]);
        assert_eq!(ran.exit, 0, "{ranges:?}: {ran:#?}");
        assert!(holds(&served.disk(), Slot::B, &two), "{ranges:?}");

        // One piece is missing, so that the range does not start at 0, where some of the lies are the truth.
        let mut bytes = served.disk();
        let layout = crash::table_of(&bytes, 512).unwrap().layout().unwrap();
        let at = layout.b.unwrap().root.first_lba as usize * 512 + PIECE + 5;
        bytes[at] ^= 1;
        std::fs::write(served.path("disk.img"), &bytes).unwrap();
        let ran = served.run(&["apply"]);
        assert_eq!((ran.exit, ran.data("written_bytes")), (0, 4096), "{ranges:?}: {ran:#?}");
        assert!(holds(&served.disk(), Slot::B, &two), "{ranges:?}");
    }
}

#[test]
fn faults_end_in_one_clear_error_and_nothing_that_boots_changes() {
    let (one, two, three) = (make(1), noisy(2), make(3));
    let boot = || only("boot.img.zst");
    let index = || only("root.idx");
    let cases = [
        ("404 for frames", Faults { status: Some(404), ..boot() }, 20),
        ("429", Faults { status: Some(429), ..boot() }, 20),
        ("503", Faults { status: Some(503), ..boot() }, 20),
        ("stalled", Faults { stall: Some(1000), ..boot() }, 20),
        ("cut for ever", Faults { cut: Some(100), ..boot() }, 20),
        ("frame tampered", Faults { tamper: Some(1000), ..boot() }, 30),
        ("index tampered", Faults { tamper: Some(70), ..index() }, 30),
        ("index shorter", Faults { length: Length::Shorter(1), ..index() }, 30),
        ("index longer", Faults { length: Length::Longer(1), ..index() }, 30),
        ("index truncated", Faults { length: Length::Truncated(1), ..index() }, 30),
        ("index without end", Faults { length: Length::Endless, ..index() }, 30),
        ("manifest tampered", Faults { tamper: Some(9), ..only("manifest.json") }, 30),
        ("timestamp missing", Faults { status: Some(404), ..only("timestamp.json") }, 20),
        ("timestamp tampered", Faults { tamper: Some(300), ..only("timestamp.json") }, 30),
        ("timestamp without end", Faults { length: Length::Endless, ..only("timestamp.json") }, 30),
        ("everything busy", Faults { status: Some(503), ..Faults::default() }, 20),
    ];
    for (name, faults, exit) in cases {
        let served = Served::new(&one, Some(&three), &two);
        served.server.set(faults);
        let before = served.disk();
        let ran = served.run(&["apply"]);
        assert_eq!(ran.exit, exit, "{name}: {ran:#?}");
        assert_eq!(ran.answer["ok"], false, "{name}: {ran:#?}");
        assert!(!ran.answer["message"].as_str().unwrap_or_default().is_empty(), "{name}: {ran:#?}");
        // Not a byte of the disk: not the table, not the images, not the slot that could be gone back to.
        assert!(served.disk() == before, "{name}: the disk was changed");
        // The server is mended, and the same command ends as if nothing had been.
        served.server.set(Faults::default());
        let ran = served.run(&["apply"]);
        assert_eq!(ran.exit, 0, "{name}, afterwards: {ran:#?}");
        assert!(holds(&served.disk(), Slot::B, &two), "{name}");
    }
}

#[test]
fn faults_after_the_first_piece_leave_the_running_slot() {
    let (one, two, three) = (make(1), noisy(2), make(3));
    let root = || only("root.img.zst");
    let cases = [
        ("404", Faults { status: Some(404), ..root() }, 20),
        ("stalled", Faults { stall: Some(1000), ..root() }, 20),
        ("tampered", Faults { tamper: Some(100_000), ..root() }, 30),
        ("without end", Faults { length: Length::Endless, ..root() }, 30),
    ];
    for (name, faults, exit) in cases {
        let served = Served::new(&one, Some(&three), &two);
        served.server.set(faults);
        let ran = served.run(&["apply"]);
        assert_eq!(ran.exit, exit, "{name}: {ran:#?}");
        assert_eq!(next(&served.disk()), Some(Slot::A), "{name}");
        assert!(holds(&served.disk(), Slot::A, &one), "{name}");
        assert_eq!(served.run(&["arm"]).exit, 10, "{name}: what is half written is not staged");
        served.server.set(Faults::default());
        let ran = served.run(&["apply"]);
        assert_eq!(ran.exit, 0, "{name}, afterwards: {ran:#?}");
        assert!(ran.data("reused_bytes") >= PIECE as u64, "{name}: {ran:#?}");
    }
}

#[test]
fn expired_and_replayed_metadata_are_refused() {
    let (one, two) = (make(1), noisy(2));
    let mut served = Served::new(&one, None, &two);
    let before = served.disk();
    // Expired lately: nobody has refreshed it. Expired long ago: rather this host's clock is ahead.
    for (clock, reason) in [("2026-07-01T00:00:00Z", "untrusted"), ("2027-06-01T00:00:00Z", "clock")] {
        let ran = served.run_at(clock, &["apply"]);
        assert_eq!((ran.exit, ran.answer["reason"].as_str()), (30, Some(reason)), "{ran:#?}");
        assert!(ran.answer["message"].as_str().unwrap().contains("expired"), "{ran:#?}");
        assert_eq!(served.disk(), before);
    }
    // A clock that was ahead once leaves nothing behind; one that is behind goes by what was signed.
    assert_eq!(served.run(&["check"]).exit, 0);
    assert_eq!(served.run_at("1970-01-01T00:00:00Z", &["check"]).exit, 0);

    let old = common::served::files(&served.path("repo/metadata"));
    served.write();
    assert_eq!(served.run(&["check"]).exit, 0);
    for (path, bytes) in old {
        std::fs::write(path, bytes).unwrap();
    }
    let ran = served.run(&["apply"]);
    assert_eq!((ran.exit, ran.answer["reason"].as_str()), (30, Some("untrusted")), "{ran:#?}");
    assert_eq!(served.disk(), before);
}

#[test]
fn a_bundle_is_read_under_the_same_rules() {
    let (one, two) = (make(1), noisy(2));
    let served = Served::new(&one, None, &two);
    served.server.set(Faults { status: Some(503), ..Faults::default() });
    let bundle = served.path("repo");
    let bundle = bundle.to_str().unwrap();
    let ran = served.run(&["apply", "--bundle", bundle]);
    assert_eq!(ran.exit, 0, "{ran:#?}");
    assert!(holds(&served.disk(), Slot::B, &two));

    let served = Served::new(&one, None, &two);
    for (path, mut bytes) in common::served::files(&served.path("repo/targets")) {
        if path.to_str().unwrap().contains("boot.img.zst") {
            bytes[100] ^= 1;
            std::fs::write(path, bytes).unwrap();
        }
    }
    let before = served.disk();
    let ran = served.run(&["apply", "--bundle", served.path("repo").to_str().unwrap()]);
    assert_eq!(ran.exit, 30, "{ran:#?}");
    assert_eq!(served.disk(), before);
}
