//! Two mirrors of which the first is of no use for some bytes: the other one is asked before anything is given up.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of small disks fit every type")]

mod common;

use common::served::{Ran, Served, holds, next};
use common::{Made, PIECE, disk, make_of};
use fixtures::crash;
use fixtures::server::{Faults, Ranges, Server};
use partition_core::Slot;

/// Bytes of the table of the delta of the root image, of three pieces.
const TABLE: u64 = 88 + 48 * 3;

fn noise(seed: u8, length: usize) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    (0..length).map(next).collect()
}

/// 1.0.0, and 1.1.0 in which a byte of every root piece changed; boot is all new.
fn pair() -> (Made, Made) {
    let (root, hash) = (noise(1, 2 * PIECE + 4096), noise(2, 4096));
    let mut changed = root.clone();
    for piece in changed.chunks_mut(PIECE) {
        piece[300] ^= 1;
    }
    let mut old = make_of(0, crash::Release { boot: noise(4, PIECE), root, hash: hash.clone() });
    let mut new = make_of(1, crash::Release { boot: noise(5, PIECE), root: changed, hash });
    old.release.version = "1.0.0".parse().unwrap();
    new.release.version = "1.1.0".parse().unwrap();
    (old, new)
}

/// A host that knows the server and, after it, another one of the same files.
fn host(old: &Made, new: &Made, deltas: bool) -> (Served, Server) {
    let served = Served::with_disk(&disk(old, None).live()).publish_after(deltas.then_some(old), new);
    let second = Server::start(served.path("repo"), Faults::default()).unwrap();
    let plain = std::fs::read_to_string(served.path("updog.toml")).unwrap();
    let (metadata, targets) = (second.url_of("metadata/"), second.url_of("targets/"));
    let config =
        format!("{plain}[[mirrors]]\nmetadata_base_url = \"{metadata}\"\ntargets_base_url = \"{targets}\"\n");
    std::fs::write(served.path("updog.toml"), config).unwrap();
    (served, second)
}

fn only(part: &str, faults: Faults) -> Faults {
    Faults { only: Some(part.to_owned()), ..faults }
}

fn flipped(part: &str, at: u64) -> Faults {
    only(part, Faults { tamper: Some(at), ..Faults::default() })
}

fn staged(served: &Served, new: &Made) -> Ran {
    let ran = served.run(&["stage"]);
    assert_eq!(ran.exit, 0, "{ran:#?}");
    assert!(holds(&served.disk(), Slot::B, new), "slot B is not the release");
    assert_eq!(next(&served.disk()), Some(Slot::A));
    ran
}

/// Bytes that a server sent of files whose names hold this.
fn sent(server: &Server, part: &str) -> u64 {
    server.log().iter().filter(|logged| logged.target.contains(part)).map(|logged| logged.sent).sum()
}

#[test]
fn a_wrong_frame_is_had_from_the_next_mirror_and_right_ones_are_kept() {
    let (old, new) = pair();
    let (served, second) = host(&old, &new, false);
    // A byte of the second frame of three.
    served.server.set(flipped("-root.img.zst", PIECE as u64 + 5000));
    let ran = staged(&served, &new);
    let said = format!("the next one is asked mirror={} image=root", served.server.url_of("targets/"));
    assert_eq!(ran.progress.matches(&said).count(), 1, "{}", ran.progress);
    let first = u64::from(new.indexes.root.pieces()[0].frame_length);
    let length = new.indexes.root.frames_length();
    assert_eq!(sent(&second, ".img.zst"), length - first, "{:#?}", second.log());
    assert!(sent(&served.server, "-root.img.zst") <= length, "no plain download of what is wrong");
}

#[test]
fn each_mirror_may_be_wrong_somewhere_else() {
    let (old, new) = pair();
    let (served, second) = host(&old, &new, false);
    served.server.set(flipped("-root.img.zst", 5000));
    second.set(flipped("-root.img.zst", PIECE as u64 + 5000));
    staged(&served, &new);
}

#[test]
fn a_download_that_breaks_off_is_gone_on_with_at_the_next_mirror() {
    let (old, new) = pair();
    let (served, second) = host(&old, &new, false);
    served.server.set(only(".img.zst", Faults { cut: Some(1000), ..Faults::default() }));
    staged(&served, &new);
    assert!(sent(&second, ".img.zst") > 0);
}

/// Untrusted is what all mirrors give; one that is down may come back.
#[test]
fn wrong_bytes_are_the_end_only_where_all_mirrors_give_them() {
    let (old, new) = pair();
    let wrong = || flipped("-root.img.zst", 5000);
    let down = || only("-root.img.zst", Faults { status: Some(503), ..Faults::default() });
    let none = || only("-root.img.zst", Faults { ranges: Ranges::Ignored, ..wrong() });
    for (first, other, exit) in [
        (wrong(), wrong(), 30),
        (wrong(), none(), 30),
        (wrong(), down(), 20),
        (down(), wrong(), 20),
        (none(), down(), 20),
    ] {
        let (served, second) = host(&old, &new, false);
        served.server.set(first);
        second.set(other);
        let ran = served.run(&["stage"]);
        assert_eq!(ran.exit, exit, "{ran:#?}");
        second.set(Faults::default());
        staged(&served, &new);
    }
}

#[test]
fn the_table_and_the_records_of_a_delta_are_had_from_the_next_mirror() {
    let (old, new) = pair();
    for at in [100, TABLE + 20] {
        let (served, second) = host(&old, &new, true);
        served.server.set(flipped("-root.from", at));
        let ran = staged(&served, &new);
        assert!(!ran.progress.contains("full frames"), "{}", ran.progress);
        assert!(sent(&second, "-root.from") > 0, "{at}");
        assert_eq!((sent(&second, "-root.img.zst"), sent(&served.server, "-root.img.zst")), (0, 0), "{at}");
    }
}
