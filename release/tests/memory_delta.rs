//! Memory of a delta's reader, in a process of its own: bounded by the format, whatever a record announces.

use release::Digest;
use release::delta::{Kind, MAX_REFERENCE, Rebuilder, Row, Table};
use release::payload::Piece;

#[test]
fn hostile_records_take_a_reference_and_no_more() {
    const PIECE: usize = 64 << 10;
    let base = vec![0; 16 << 20];
    let piece = Piece { frame_length: 0, frame: Digest::of(b""), raw: Digest::of(b"something else") };
    let mut out = vec![0; PIECE];
    let mut rebuilder = Rebuilder::default();
    let mut refused = |kind, record: &[u8]| {
        let row = Row { kind, offset: 0, length: 0, digest: Digest::of(record) };
        let done = rebuilder.rebuild((&row, record), (&base[..], base.len() as u64), &piece, &mut out);
        assert!(done.is_err(), "{kind:?} of {} bytes", record.len());
    };
    let before = status("VmPeak");
    // 2^32 − 1 pieces would be 200 GB of rows.
    let mut table = Vec::from(*b"UPDOGDLT\x01\0\0\0\0\0\x01\0");
    table.extend_from_slice(&[0; 64]);
    table.extend_from_slice(&u32::MAX.to_le_bytes());
    table.extend_from_slice(&[0; 4 + 10 * 48]);
    assert!(Table::parse(&table).is_err());
    let run = |start: u32, blocks: u32| [start.to_le_bytes(), blocks.to_le_bytes()].concat();
    for count in [0, 1, 2, 512, 1024, 4096, u32::MAX] {
        for blocks in [0, 1, 2, 16, 1024, 4096, u32::MAX] {
            let runs = run(0, blocks).repeat(usize::try_from(count).unwrap_or(0).min(4096));
            refused(Kind::Copy, &runs);
            // Content sizes and windows of up to 2^62 bytes.
            for descriptor in [0x20_u8, 0x60, 0xA0, 0xC0, 0xE0, 0xFF] {
                let frame =
                    [&[0x28, 0xB5, 0x2F, 0xFD, descriptor, 0xFF][..], &[0xFF; 10], &[0x3F; 200]].concat();
                refused(Kind::Patch, &[&count.to_le_bytes()[..], &runs, &frame].concat());
            }
        }
    }
    // The longest reference that there may be, and a frame that is one.
    let frame = release::payload::encode_frame(&vec![7; PIECE], 3).expect("zstd");
    refused(Kind::Patch, &[&1_u32.to_le_bytes()[..], &run(0, MAX_REFERENCE / 4096), &frame].concat());
    let taken = status("VmPeak") - before;
    let most = 2 * u64::from(MAX_REFERENCE >> 10) + 1024;
    assert!(taken < most, "hostile records took {taken} KiB: expected less than {most}");
}

/// A field of `/proc/self/status`, in KiB.
fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("proc is mounted");
    let line = text.lines().find_map(|line| line.strip_prefix(field)).expect("a known field");
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number of KiB")
}
