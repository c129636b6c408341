//! A patch finds what it refers to at every level, wherever it stands in the reference.

use release::Digest;
use release::delta::{MAX_REFERENCE, PatchDecoder, PatchEncoder, PatchRecord, Runs};

const PIECE: usize = 1 << 20;

/// Bytes that cannot be compressed.
fn noise(length: usize) -> Vec<u8> {
    (0_u64..).flat_map(|part| *Digest::of(&part.to_le_bytes()).bytes()).take(length).collect()
}

#[test]
fn the_whole_reference_is_in_sight_at_every_level() {
    let reference = noise(MAX_REFERENCE as usize);
    let blocks = MAX_REFERENCE / 4096;
    let row = [0_u32.to_le_bytes(), blocks.to_le_bytes()].concat();
    let runs = Runs::parse_copy(&row, MAX_REFERENCE.into(), MAX_REFERENCE.into()).unwrap();
    // Off the borders of blocks, from its beginning, its middle and its end.
    for start in [77, PIECE + PIECE / 2 + 5, 3 * PIECE - 9] {
        let mut piece = reference[start..start + PIECE].to_vec();
        piece.iter_mut().skip(4000).step_by(60_000).for_each(|byte| *byte ^= 1);
        for level in 1..=12 {
            let record = PatchEncoder { level }.encode(&piece, &runs, &reference).unwrap();
            // 18 bytes are new. A frame that sees a part of the reference has the rest in full.
            assert!(record.len() < 2048, "level {level}, from {start}: {} bytes", record.len());
            let patch = PatchRecord::parse(&record, MAX_REFERENCE.into()).unwrap();
            let mut out = vec![0; PIECE];
            PatchDecoder::new().decode(&patch, &reference, &mut out).unwrap();
            assert!(out == piece, "level {level}, from {start}");
        }
    }
}
