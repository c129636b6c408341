//! Memory, in a process of its own: what is taken follows from what is there, never from what is announced (P9).
//! One test, so that nothing else runs beside the measurements.

#[path = "it/images.rs"]
mod images;

use std::io::{self, Read};
use std::num::NonZeroUsize;

use images::{Endless, image};
use release::manifest::Manifest;
use release::payload::{Decoder, FrameWriter, Index, decode_frame, unpack};

#[test]
fn memory_follows_from_what_is_there() {
    hostile_bytes_take_no_address_space();
    a_long_image_takes_no_more_than_a_short_one();
}

/// `VmPeak` counts address space, so even a reservation that is never touched would show.
fn hostile_bytes_take_no_address_space() {
    let mut decoder = Decoder::new().expect("zstd");
    let good_frame = release::payload::encode_frame(&image(4096), 3).expect("zstd");
    let before = status("VmPeak");
    // 2^32 − 1 pieces would be 300 GB of rows.
    let mut index = Vec::from(*b"UPDOGIDX\x01\0\0\0\0\0\x01\0");
    index.extend_from_slice(&(u64::from(u32::MAX) * 65_536).to_le_bytes());
    index.extend_from_slice(&u32::MAX.to_le_bytes());
    index.extend_from_slice(&[0; 36 + 10 * 68]);
    let refused = Index::parse(&index).expect_err("rows are missing").to_string();
    assert!(refused.contains("for its pieces"), "{refused}");
    // Content sizes and windows of up to 2^62 bytes.
    let mut out = vec![0; 4096];
    for descriptor in 0..=255_u8 {
        for window in [0_u8, 0x50, 0xA8, 0xFF] {
            let mut frame = vec![0x28, 0xB5, 0x2F, 0xFD, descriptor, window];
            frame.extend_from_slice(&[0xFF; 7]);
            frame.push(0x3F);
            frame.extend_from_slice(&good_frame);
            assert!(decode_frame(&frame, &mut out).is_err());
            assert!(decoder.decode(&frame, &mut out).is_err());
        }
    }
    // A megabyte of the densest JSON there is, as a key that nobody knows.
    for open in ["[0", "[[]", "[{\"\":0}", "[\"\""] {
        let mut text = format!("{{\"updates\":[],\"migrations\":{{}},\"x\":{open}");
        while text.len() < 1 << 20 {
            text.push(',');
            text.push_str(&open[1..]);
        }
        text.push_str("]}");
        Manifest::parse(text.as_bytes()).expect("unknown keys are kept");
    }
    let deep = "[".repeat(1 << 20);
    assert!(Manifest::parse(format!("{{\"x\":{deep}").as_bytes()).is_err());
    let taken = status("VmPeak") - before;
    println!("hostile bytes took {taken} KiB of address space");
    assert!(taken < 256 << 10, "hostile bytes took {taken} KiB");
}

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
    println!("peak RSS {short} KiB for 12 MiB, {long} KiB for 120 MiB");
    assert!(long < short + (6 << 10), "{short} KiB, then {long} KiB");

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
#[expect(clippy::disallowed_methods, reason = "the kernel knows what this process takes")]
fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("proc is mounted");
    let line = text.lines().find_map(|line| line.strip_prefix(field)).expect("a known field");
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number of KiB")
}
