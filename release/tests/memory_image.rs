//! Memory, in a process of its own: an image of any length takes the same (P9).

#[path = "it/images.rs"]
mod images;

use std::io::{self, Read};
use std::num::NonZeroUsize;

use images::{Endless, image};
use release::payload::{FrameWriter, unpack};

#[test]
fn a_long_image_takes_no_more_than_a_short_one() {
    let writer =
        FrameWriter { level: 1, threads: NonZeroUsize::new(2).expect("2"), ..FrameWriter::default() };
    let run = |mib: u64| {
        let mut frames = io::sink();
        let mut raw = Endless::new().take(mib << 20);
        writer.write(&mut raw, &mut frames, |_| {}).expect("an endless source");
        status("VmHWM")
    };
    let short = run(12);
    let long = run(120);
    assert!(short < 64 << 10, "{short} KiB for 12 MiB");
    assert!(long < short + (4 << 10), "{short} KiB, then {long} KiB");

    // And back: one frame and one piece at a time.
    let raw = image(8 << 20);
    let mut frames = Vec::new();
    let index = writer.write(&mut raw.as_slice(), &mut frames, |_| {}).expect("pack");
    let before = status("VmHWM");
    unpack(&index, &mut frames.as_slice(), &mut io::sink(), |_| {}).expect("unpack");
    let taken = status("VmHWM") - before;
    assert!(taken < 4 << 10, "unpacking took {taken} KiB");
}

/// A field of `/proc/self/status`, in KiB.
fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("proc is mounted");
    let line = text.lines().find_map(|line| line.strip_prefix(field)).expect("a known field");
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number of KiB")
}
