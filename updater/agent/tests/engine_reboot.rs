//! Update after update on one host, each in the boot of the one before.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of small disks fit every type")]

mod common;

use common::served::{NOW, Ran, Served, holds};
use common::{Made, PIECE, disk, make_of};
use fixtures::crash;
use partition_core::Slot;

fn noise(seed: u8, length: usize) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    (0..length).map(next).collect()
}

/// A release that differs from all others in two blocks of the root image, the first and the last of its first piece.
fn made(version: &str, mark: u8) -> Made {
    let mut root = noise(1, 2 * PIECE + 4096);
    root[100] = mark;
    root[PIECE - 100] = mark;
    let images = crash::Release { boot: noise(2, PIECE), root, hash: noise(3, 4096) };
    let mut made = make_of(0, images);
    made.release.version = version.parse().unwrap();
    made
}

fn run(served: &Served, boot: (&str, &str), words: &[&str]) -> Ran {
    let ran = Ran::of(served.command_in(boot, NOW, words).output().unwrap());
    assert_eq!(ran.exit, 0, "{words:?}: {ran:#?}");
    ran
}

/// Where nothing is known of a slot all of it is written; a slot that held a release keeps the blocks that are right, however often
/// the host restarted since.
#[test]
fn an_ordinary_update_writes_the_blocks_that_differ() {
    let all = (3 * PIECE + 8192) as u64;
    let two_blocks = 2 * 4096;
    let first = made("1.0.0", 0);
    let mut served = Served::with_disk(&disk(&first, None).live());
    let rounds = [
        ("1.1.0", "A", all),
        ("1.2.0", "B", two_blocks),
        ("1.3.0", "A", two_blocks),
        ("1.4.0", "B", two_blocks),
    ];
    let mut before = first;
    for (number, (version, running, written)) in rounds.into_iter().enumerate() {
        let boot_id = format!("boot-{number}");
        let boot = (running, &*boot_id);
        let new = made(version, 1 + number as u8);
        served = served.publish_after(Some(&before), &new);
        std::fs::write(
            served.path("os-release"),
            format!("VARIANT_ID=test\nVERSION_ID={}\n", before.release.version),
        )
        .unwrap();
        run(&served, boot, &["confirm"]);
        let ran = run(&served, boot, &["apply"]);
        let other = if running == "A" { Slot::B } else { Slot::A };
        assert!(holds(&served.disk(), other, &new), "{version}");
        assert_eq!(ran.data("written_bytes"), written, "{version}: {ran:#?}");
        before = new;
    }
}
