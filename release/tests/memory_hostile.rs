//! Memory, in a process of its own: what is taken follows from what is there, never from what is announced.

#[path = "it/images.rs"]
mod images;

use images::image;
use release::manifest::Manifest;
use release::payload::{Decoder, Index, decode_frame};

/// `VmPeak` counts address space, so even a reservation that is never touched would show.
#[test]
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
    assert!(taken < 256 << 10, "hostile bytes took {taken} KiB");
}

/// A field of `/proc/self/status`, in KiB.
fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("proc is mounted");
    let line = text.lines().find_map(|line| line.strip_prefix(field)).expect("a known field");
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number of KiB")
}
