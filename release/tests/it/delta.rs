//! Deltas: what comes out is the new image, whatever was changed; what is wrong is refused by name.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use release::Digest;
use release::delta::{
    BaseBlocks, Between, BlockMap, DeltaError, DeltaWriter, Kind, MAX_REFERENCE, PatchRecord, Rebuilder, Row,
    Run, Runs, Table,
};
use release::payload::{FrameWriter, Index};

use crate::golden::golden;
use crate::images::image;

pub(crate) const PIECE: u32 = 65_536;
pub(crate) const BLOCK: usize = 4096;

/// Blocks that no two places share.
pub(crate) fn distinct(blocks: usize) -> Vec<u8> {
    let block = |number: usize| {
        let seed = Digest::of(&number.to_le_bytes());
        (0..BLOCK / 32)
            .flat_map(move |part| *Digest::of(&[seed.bytes(), &part.to_le_bytes()[..]].concat()).bytes())
    };
    (0..blocks).flat_map(block).collect()
}

pub(crate) fn index(raw: &[u8]) -> (Index, Digest) {
    let writer = FrameWriter { piece_size: PIECE, level: 3, threads: NonZeroUsize::MIN };
    let index = writer.write(&mut &*raw, &mut Vec::new(), |_| {}).unwrap();
    let digest = Digest::of(&index.encode());
    (index, digest)
}

/// The whole `.delta`, and its table.
fn delta(base: &[u8], new: &[u8], threads: usize) -> (Vec<u8>, Table) {
    let (old, new_index) = (index(base), index(new));
    let map = BlockMap::of(base, base.len() as u64).unwrap();
    let between = Between { new: (&new_index.0, new_index.1), base: (&old.0, old.1), map: &map };
    let writer = DeltaWriter { level: 3, threads: NonZeroUsize::new(threads).unwrap() };
    let mut records = Vec::new();
    let mut pieces = 0;
    let written = writer.write(&between, base, (&mut &*new, &mut records), |done| pieces = done).unwrap();
    assert_eq!(pieces, new_index.0.pieces().len());
    let bytes = [written.table.encode(), records].concat();
    assert_eq!(bytes.len() as u64, written.table.delta_length());
    (bytes, written.table)
}

/// Rebuilds every piece that has a record; the others are taken from the new image, as full frames would be.
fn applied(base: &[u8], new: &[u8], bytes: &[u8]) -> Vec<u8> {
    let (old, index) = (index(base), index(new));
    let header = bytes.len() as u64 - records(bytes);
    let table = Table::parse(&bytes[..usize::try_from(header).unwrap()]).unwrap();
    table.fits((&index.0, index.1), old.1).unwrap();
    let mut out = Vec::new();
    let mut rebuilder = Rebuilder::default();
    for (number, row) in table.rows().iter().enumerate() {
        let range = index.0.piece_range(number).unwrap();
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        let Some(record) = row.range() else {
            out.extend_from_slice(&new[range]);
            continue;
        };
        let record = &bytes[usize::try_from(record.start).unwrap()..usize::try_from(record.end).unwrap()];
        let mut piece = vec![0xAA; range.len()];
        let row_of_index = &index.0.pieces()[number];
        rebuilder.rebuild((row, record), (base, base.len() as u64), row_of_index, &mut piece).unwrap();
        out.extend_from_slice(&piece);
    }
    out
}

/// Bytes of all records.
fn records(bytes: &[u8]) -> u64 {
    let count = u32::from_le_bytes(bytes[80..84].try_into().unwrap());
    bytes.len() as u64 - 88 - 48 * u64::from(count)
}

#[test]
fn blocks_are_found_wherever_they_moved_to_and_what_changed_is_patched() {
    let base = distinct(64);
    // Nothing changed; moved by a block; the last piece first; a byte in each piece.
    let moved = [&distinct(1)[..], &base].concat();
    let (bytes, table) = delta(&base, &base, 1);
    assert!(table.rows().iter().all(|row| row.kind == Kind::Copy && row.length == 8), "{table:?}");
    assert_eq!(applied(&base, &base, &bytes), base);
    let (bytes, table) = delta(&base, &moved, 1);
    assert!(table.rows().iter().all(|row| row.kind == Kind::Copy), "{table:?}");
    assert!(records(&bytes) <= 8 * 6, "{}", records(&bytes));
    assert_eq!(applied(&base, &moved, &bytes), moved);
    let swapped = [&base[48 * BLOCK..], &base[..48 * BLOCK]].concat();
    assert_eq!(applied(&base, &swapped, &delta(&base, &swapped, 1).0), swapped);

    let mut changed = base.clone();
    changed.iter_mut().skip(5000).step_by(PIECE as usize).for_each(|byte| *byte ^= 1);
    let (bytes, table) = delta(&base, &changed, 1);
    assert!(table.rows().iter().all(|row| row.kind == Kind::Patch), "{table:?}");
    // Noise cannot be compressed: all that is new is a few bytes a piece.
    assert!(records(&bytes) < 4 * 200, "{}", records(&bytes));
    assert_eq!(applied(&base, &changed, &bytes), changed);
}

/// A file that moved far away and by some bytes shares no block with the base; it is found all the same.
#[test]
fn what_moved_by_some_bytes_is_found_wherever_it_came_from() {
    // Farther from each place than a patch's own stretch reaches: 200 pieces of 16 blocks.
    let base = distinct(3200);
    for (from, to, blocks, shift) in
        [(2900, 100, 40, 1), (100, 2900, 40, 4095), (3000, 1, 8, 2048), (17, 1600, 100, 777)]
    {
        let file = &base[from * BLOCK..(from + blocks) * BLOCK];
        let mut new = base.clone();
        new[to * BLOCK + shift..(to + blocks) * BLOCK + shift].copy_from_slice(file);
        let (bytes, table) = delta(&base, &new, 2);
        assert!(table.rows().iter().all(|row| row.kind != Kind::Full), "{from} to {to}");
        // Noise cannot be compressed. Without the place that it came from the whole file is in the records.
        let most = 100 * new.len() as u64 / u64::from(PIECE) + 3 * BLOCK as u64;
        assert!(records(&bytes) < most, "{from} to {to}, {blocks} blocks: {} of {most}", records(&bytes));
        assert_eq!(applied(&base, &new, &bytes), new);
    }
}

#[test]
fn what_the_base_does_not_help_with_has_no_record() {
    let base = vec![0; 16 * BLOCK];
    let new = distinct(16);
    let (bytes, table) = delta(&base, &new, 1);
    assert_eq!(table.rows(), [Row::FULL]);
    assert_eq!(records(&bytes), 0);
    let piece = index(&new).0.pieces()[0];
    let error = Rebuilder::default().rebuild((&Row::FULL, &[]), (&base[..], 1), &piece, &mut [0; 4096]);
    assert!(matches!(error, Err(DeltaError::RecordDigest { .. } | DeltaError::NoRecord)), "{error:?}");
}

/// A base that is not what the delta was made from costs the record, and never gives other bytes.
#[test]
fn a_flipped_bit_in_the_base_is_seen() {
    let base = distinct(32);
    let mut new = base.clone();
    new[20 * BLOCK] ^= 1;
    let (bytes, table) = delta(&base, &new, 1);
    let index = index(&new).0;
    let mut rotten = base.clone();
    rotten[3 * BLOCK] ^= 4;
    rotten[25 * BLOCK] ^= 4;
    for (number, row) in table.rows().iter().enumerate() {
        let range = row.range().unwrap();
        let record = &bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
        let mut out = vec![0; PIECE as usize];
        let mut with = |base: &[u8]| {
            let base = (base, base.len() as u64);
            Rebuilder::default().rebuild((row, record), base, &index.pieces()[number], &mut out)
        };
        with(&base).unwrap();
        assert!(matches!(with(&rotten), Err(DeltaError::Frame(_))), "{number}");
        // Shorter than it was: what is missing is named before anything is read.
        assert!(matches!(with(&base[..BLOCK]), Err(DeltaError::Run { .. })), "{number}");
    }
}

#[test]
fn tables_that_cannot_be_true_are_refused_by_name() {
    let base = distinct(48);
    let mut new = base.clone();
    new[20 * BLOCK] ^= 1;
    let (bytes, table) = delta(&base, &new, 1);
    let header = bytes[..88 + 48 * 3].to_vec();
    assert_eq!(Table::parse(&header).unwrap(), table);
    let change = |at: usize, byte: u8| {
        let mut other = header.clone();
        other[at] = byte;
        Table::parse(&other).unwrap_err().to_string()
    };
    let row = |number: usize| 88 + 48 * number;
    for (said, expected) in [
        (change(0, b'X'), "not a delta: expected it to start with UPDOGDLT"),
        (change(8, 2), "delta has version 2: expected 1"),
        (change(12, 1), "delta has a piece size that no index has"),
        (change(84, 7), "delta has 7 in its reserved field: expected 0"),
        (change(80, 4), "table of delta has 232 bytes: expected 280 for its pieces"),
        (change(row(0), 1), "record of piece 0 lies at 1: expected 232"),
        (change(row(0) + 8, 0), "record of piece 0 has 0 bytes: expected 8 to 128"),
        (change(row(1) + 12, 9), "record of piece 1 has kind 9: expected 0, 1 or 2"),
    ] {
        assert_eq!(said, expected);
    }
    for length in 0..header.len() {
        Table::parse(&header[..length]).unwrap_err();
    }
    Table::parse(&[&header[..], &[0]].concat()).unwrap_err();
    let other = index(&distinct(49));
    let error = table.fits((&other.0, other.1), other.1).unwrap_err();
    assert!(error.to_string().starts_with("delta is for other images: expected "), "{error}");
}

#[test]
fn records_that_cannot_be_true_are_refused_by_name() {
    let base = 16 * BLOCK as u64;
    let copy = |runs: &[(u32, u32)]| {
        let record: Vec<u8> = runs
            .iter()
            .flat_map(|(start, blocks)| [start.to_le_bytes(), blocks.to_le_bytes()])
            .flatten()
            .collect();
        Runs::parse_copy(&record, u64::from(PIECE), base).map(|runs| runs.iter().collect::<Vec<Run>>())
    };
    assert_eq!(copy(&[(0, 16)]).unwrap(), [Run { start: 0, blocks: 16 }]);
    assert!(matches!(copy(&[(0, 15)]), Err(DeltaError::Filled { .. })));
    assert!(matches!(copy(&[(0, 16), (0, 1)]), Err(DeltaError::Filled { .. })));
    assert!(matches!(copy(&[(1, 16)]), Err(DeltaError::Run { .. })));
    assert!(matches!(copy(&[(u32::MAX, u32::MAX)]), Err(DeltaError::Run { .. })));
    assert!(matches!(copy(&[(0, 0), (0, 16)]), Err(DeltaError::Run { .. })));
    assert!(matches!(Runs::parse_copy(&[0; 7], u64::from(PIECE), base), Err(DeltaError::Runs)));

    let large = 16 * u64::from(MAX_REFERENCE);
    let patch = |count: u32, runs: &[(u32, u32)]| {
        let runs = runs.iter().flat_map(|(start, blocks)| [start.to_le_bytes(), blocks.to_le_bytes()]);
        let record: Vec<u8> = std::iter::once(count.to_le_bytes()).chain(runs).flatten().collect();
        PatchRecord::parse(&record, large).map(|patch| patch.runs().length())
    };
    assert_eq!(patch(1, &[(7, 1024)]).unwrap(), u64::from(MAX_REFERENCE));
    assert!(matches!(patch(1, &[(7, 1025)]), Err(DeltaError::Filled { .. })));
    assert!(matches!(patch(2, &[(0, 1024), (9, 1)]), Err(DeltaError::Filled { .. })));
    assert!(matches!(patch(2, &[(0, 1)]), Err(DeltaError::Runs)));
    assert!(matches!(patch(u32::MAX, &[]), Err(DeltaError::Runs)));
    assert!(matches!(PatchRecord::parse(&[1, 0, 0], large), Err(DeltaError::Runs)));
}

/// What was published stays readable, and is made again in the same bytes.
#[test]
fn a_delta_is_as_published() {
    let base = image(3 * PIECE as usize);
    let mut new = [&base[BLOCK..], &distinct(1)].concat();
    new[PIECE as usize + 77] ^= 8;
    let (bytes, _) = delta(&base, &new, 2);
    golden!("payload/image.delta", bytes);
    assert_eq!(applied(&base, &new, include_bytes!("../../../fixtures/golden/payload/image.delta")), new);
}

/// One change to an image.
#[derive(Clone, Debug)]
enum Change {
    Insert(usize, usize),
    Remove(usize, usize),
    Flip(usize),
    Zero(usize, usize),
    Move(usize, usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let place = || 0..64_usize;
    let change = prop_oneof![
        (place(), 1..6_usize).prop_map(|(at, count)| Change::Insert(at, count)),
        (place(), 1..6_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        (0..64 * BLOCK).prop_map(Change::Flip),
        (place(), 1..20_usize).prop_map(|(at, count)| Change::Zero(at, count)),
        (place(), place()).prop_map(|(from, to)| Change::Move(from, to)),
    ];
    prop::collection::vec(change, 0..8)
}

fn change(mut raw: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for one in changes {
        let blocks = raw.len() / BLOCK;
        let at = |block: usize| block.min(blocks) * BLOCK;
        match *one {
            Change::Insert(place, count) => {
                let new: Vec<u8> = distinct(200 + count).split_off(200 * BLOCK);
                raw.splice(at(place)..at(place), new);
            }
            Change::Remove(place, count) if blocks > count + 1 => {
                raw.drain(at(place.min(blocks - count))..at(place.min(blocks - count) + count));
            }
            Change::Flip(byte) => {
                let byte = byte % raw.len();
                raw[byte] ^= 1;
            }
            Change::Zero(place, count) => raw[at(place)..at(place + count)].fill(0),
            Change::Move(from, to) if blocks > 1 => {
                let block: Vec<u8> =
                    raw.drain(at(from.min(blocks - 1))..at(from.min(blocks - 1)) + BLOCK).collect();
                let place = to.min(blocks - 1) * BLOCK;
                raw.splice(place..place, block);
            }
            Change::Remove(..) | Change::Move(..) => {}
        }
    }
    raw
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_change_comes_out_as_it_went_in(changes in changes(), more in changes()) {
        let base = change(distinct(64), &changes);
        let new = change(base.clone(), &more);
        let (bytes, _) = delta(&base, &new, 1);
        prop_assert!(applied(&base, &new, &bytes) == new);
        // However many threads: the same bytes.
        prop_assert!(delta(&base, &new, 3).0 == bytes);
    }

    /// Nothing that comes from a network can do more than be refused.
    #[test]
    fn garbage_is_refused_without_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400), kind in 0..3_u32) {
        let _ = Table::parse(&bytes);
        if bytes.len() >= 88 {
            bytes[..12].copy_from_slice(b"UPDOGDLT\x01\0\0\0");
            bytes[12..16].copy_from_slice(&PIECE.to_le_bytes());
            bytes[84..88].fill(0);
            let _ = Table::parse(&bytes);
        }
        let base = distinct(4);
        let kind = [Kind::Full, Kind::Copy, Kind::Patch][kind as usize];
        let row = Row { kind, offset: 0, length: 0, digest: Digest::of(&bytes) };
        let piece = index(&base).0.pieces()[0];
        let mut out = vec![0; 4 * BLOCK];
        prop_assert!(Rebuilder::default().rebuild((&row, &bytes), (&base[..], base.len() as u64), &piece, &mut out).is_err());
    }
}

/// A base that counts what is read of it.
struct Counting<'a>(&'a [u8], AtomicU64);

impl BaseBlocks for Counting<'_> {
    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.1.fetch_add(out.len() as u64, Ordering::Relaxed);
        self.0.read(offset, out)
    }
}

/// Neighbouring patches refer to much of the same; a piece that does not come out makes the next one read all of it.
#[test]
fn what_neighbours_share_of_the_base_is_read_once() {
    let base = distinct(64 * 16);
    let mut new = base.clone();
    new.iter_mut().skip(5000).step_by(PIECE as usize).for_each(|byte| *byte ^= 1);
    let (bytes, table) = delta(&base, &new, 1);
    let index = index(&new).0;
    let counting = Counting(&base, AtomicU64::new(0));
    let length = base.len() as u64;
    let mut rebuilder = Rebuilder::default();
    let mut out = vec![0; PIECE as usize];
    let mut took = |rebuilder: &mut Rebuilder, number: usize, spoil: bool| {
        let row = &table.rows()[number];
        let range = row.range().unwrap();
        let record = &bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
        counting.1.store(0, Ordering::Relaxed);
        let piece = index.pieces()[if spoil { number + 1 } else { number }];
        let made = rebuilder.rebuild((row, record), (&counting, length), &piece, &mut out);
        assert_eq!(made.is_err(), spoil);
        counting.1.load(Ordering::Relaxed)
    };
    let piece = u64::from(PIECE);
    assert_eq!(took(&mut rebuilder, 10, false), 3 * piece);
    for number in 11..40 {
        assert_eq!(took(&mut rebuilder, number, false), piece, "piece {number}");
    }
    assert_eq!(took(&mut rebuilder, 39, false), 0, "the same again");
    assert_eq!(took(&mut rebuilder, 20, false), 3 * piece, "far from the last");
    assert_eq!(took(&mut rebuilder, 21, true), piece);
    assert_eq!(took(&mut rebuilder, 22, false), 3 * piece, "after an error");
    assert_eq!(took(&mut rebuilder, 21, false), piece, "back");
}
