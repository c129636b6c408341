//! The index: what goes in comes out, and nothing else gets in.

use proptest::prelude::*;
use release::Digest;
use release::payload::{Index, IndexError, Piece, max_frame_length};

const HEADER: usize = 64;
const ROW: usize = 68;

#[test]
fn ranges_follow_from_the_table() {
    let index = Index::new(65_536, 2 * 65_536 + 4096, Digest::of(b"all"), rows(&[100, 1, 65_856])).unwrap();
    assert_eq!(index.piece_range(0), Some(0..65_536));
    assert_eq!(index.piece_range(2), Some(131_072..135_168));
    assert_eq!(index.piece_range(3), None);
    assert_eq!(index.frame_range(0), Some(0..100));
    assert_eq!(index.frame_range(2), Some(101..65_957));
    assert_eq!(index.frame_range(3), None);
    assert_eq!(index.frame_range(usize::MAX), None);
    assert_eq!(index.frames_length(), 65_957);
    assert_eq!(index.longest_frame(), 65_856);
}

#[test]
fn each_lie_is_refused_by_name() {
    let good = Index::new(65_536, 65_536 + 4096, Digest::of(b"all"), rows(&[10, 20])).unwrap().encode();
    let with = |at: usize, bytes: &[u8]| {
        let mut bad = good.clone();
        bad[at..at + bytes.len()].copy_from_slice(bytes);
        Index::parse(&bad).unwrap_err()
    };
    let max = max_frame_length(65_536);
    assert_eq!(with(0, b"UPDOGDLT"), IndexError::Magic);
    assert_eq!(with(8, &2_u32.to_le_bytes()), IndexError::Version { found: 2 });
    for size in [0, 1, 4096, 32 << 10, 65_537, 96 << 10, 8 << 20, 1 << 31, u32::MAX] {
        assert_eq!(with(12, &size.to_le_bytes()), IndexError::PieceSize { found: size });
    }
    for length in [0, 1, 4095, 65_536 + 512, u64::MAX] {
        assert_eq!(with(16, &length.to_le_bytes()), IndexError::RawLength { found: length });
    }
    let long = u64::MAX - 4095;
    assert_eq!(
        with(16, &long.to_le_bytes()),
        IndexError::Count { expected: long.div_ceil(65_536), found: 2 }
    );
    for count in [0, 1, 3, u32::MAX] {
        let found = u64::from(count);
        assert_eq!(with(24, &count.to_le_bytes()), IndexError::Count { expected: 2, found });
    }
    assert_eq!(with(28, &1_u32.to_le_bytes()), IndexError::Reserved { found: 1 });
    for length in [0, max + 1, u32::MAX] {
        let refused = with(HEADER + ROW, &length.to_le_bytes());
        assert_eq!(refused, IndexError::FrameLength { piece: 1, found: length, max });
    }
    for cut in 0..good.len() {
        assert!(Index::parse(&good[..cut]).is_err(), "cut at {cut}");
    }
    let longer: Vec<u8> = good.iter().copied().chain([0]).collect();
    let (expected, found) = (good.len() as u64, longer.len() as u64);
    assert_eq!(Index::parse(&longer), Err(IndexError::Length { expected, found }));
}

#[test]
fn a_table_that_cannot_be_is_not_made() {
    let new = |piece_size, raw_length, lengths: &[u32]| {
        Index::new(piece_size, raw_length, Digest::of(b""), rows(lengths)).unwrap_err()
    };
    assert_eq!(new(65_536, 65_536, &[]), IndexError::Count { expected: 1, found: 0 });
    assert_eq!(new(65_536, 65_536, &[1, 1]), IndexError::Count { expected: 1, found: 2 });
    assert_eq!(new(65_536, 0, &[]), IndexError::RawLength { found: 0 });
    assert_eq!(new(1000, 4096, &[1]), IndexError::PieceSize { found: 1000 });
}

proptest! {
    #[test]
    fn what_is_encoded_parses_to_the_same(index in index()) {
        let bytes = index.encode();
        prop_assert_eq!(bytes.len(), HEADER + index.pieces().len() * ROW);
        prop_assert_eq!(Index::parse(&bytes), Ok(index.clone()));
        // The ranges tile image and frames.
        let (mut raw, mut frames) = (0, 0);
        for number in 0..index.pieces().len() {
            let (piece, frame) = (index.piece_range(number).unwrap(), index.frame_range(number).unwrap());
            prop_assert_eq!((piece.start, frame.start), (raw, frames));
            prop_assert!(piece.end > piece.start && piece.end - piece.start <= u64::from(index.piece_size()));
            (raw, frames) = (piece.end, frame.end);
        }
        prop_assert_eq!((raw, frames), (index.raw_length(), index.frames_length()));
    }

    /// One spelling: bytes that parse are the bytes that would be written.
    #[test]
    fn changed_bytes_are_refused_or_mean_what_they_say(
        index in index(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = index.encode();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(parsed) = Index::parse(&bytes) {
            prop_assert_eq!(parsed.encode(), bytes);
        }
    }

    #[test]
    fn any_bytes_have_an_answer(mut bytes in prop::collection::vec(any::<u8>(), 0..400), magic in any::<bool>()) {
        if magic && bytes.len() >= 12 {
            bytes[..12].copy_from_slice(b"UPDOGIDX\x01\0\0\0");
        }
        if let Ok(parsed) = Index::parse(&bytes) {
            prop_assert_eq!(parsed.encode(), bytes);
        }
    }
}

fn index() -> impl Strategy<Value = Index> {
    (16_u32..=22, 1_usize..40, any::<u64>()).prop_flat_map(|(log, pieces, tail)| {
        let piece_size = 1_u32 << log;
        let blocks = u64::from(piece_size) / 4096;
        let raw_length = (pieces as u64 - 1) * u64::from(piece_size) + (tail % blocks + 1) * 4096;
        let lengths = prop::collection::vec(1..=max_frame_length(piece_size), pieces);
        lengths.prop_map(move |lengths| {
            Index::new(piece_size, raw_length, Digest::of(&tail.to_le_bytes()), rows(&lengths))
                .expect("sound by construction")
        })
    })
}

fn rows(lengths: &[u32]) -> Vec<Piece> {
    let row = |(number, &frame_length): (u32, &u32)| Piece {
        frame_length,
        frame: Digest::of(&number.to_le_bytes()),
        raw: Digest::of(&frame_length.to_le_bytes()),
    };
    (0..).zip(lengths).map(row).collect()
}
