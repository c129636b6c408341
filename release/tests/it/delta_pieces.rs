//! A piece sees its own place in the base, whatever the size of pieces.

use std::num::NonZeroUsize;

use release::Digest;
use release::delta::{Between, BlockMap, DeltaWriter, PatchRecord};
use release::payload::{FrameWriter, MAX_PIECE_SIZE, MIN_PIECE_SIZE};

#[test]
fn one_changed_byte_in_each_piece_is_a_short_patch_at_every_piece_size() {
    let mut piece = MIN_PIECE_SIZE;
    while piece <= MAX_PIECE_SIZE {
        let length = 3 * piece as usize;
        let base: Vec<u8> =
            (0_u64..).flat_map(|part| *Digest::of(&part.to_le_bytes()).bytes()).take(length).collect();
        let mut new = base.clone();
        new.iter_mut().skip(9000).step_by(piece as usize).for_each(|byte| *byte ^= 1);
        let writer = FrameWriter { piece_size: piece, level: 1, threads: NonZeroUsize::MIN };
        let index = |raw: &[u8]| {
            let index = writer.write(&mut &*raw, &mut Vec::new(), |_| {}).unwrap();
            let digest = Digest::of(&index.encode());
            (index, digest)
        };
        let (old, fresh) = (index(&base), index(&new));
        let map = BlockMap::of(&base[..], base.len() as u64).unwrap();
        let between = Between { new: (&fresh.0, fresh.1), base: (&old.0, old.1), map: &map };
        let maker = DeltaWriter { level: 3, threads: NonZeroUsize::MIN };
        let mut records = Vec::new();
        let written = maker.write(&between, &base[..], (&mut &new[..], &mut records), |_| {}).unwrap();
        assert_eq!(written.patched, 3, "pieces of {piece} bytes");
        let long = written.table.rows().iter().map(|row| row.length).max();
        assert!(long < Some(8192), "pieces of {piece} bytes: a record of {long:?}");
        let mut left = &records[..];
        for row in written.table.rows() {
            let (record, rest) = left.split_at(row.length as usize);
            PatchRecord::parse(record, base.len() as u64).unwrap();
            left = rest;
        }
        piece *= 2;
    }
}
