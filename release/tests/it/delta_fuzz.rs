//! Bytes that lie: the published golden delta, changed in every way that a fuzzer changes things, through table, records and
//! [`Rebuilder`]. Nothing panics, and what is accepted is the piece that the index names.
//!
//! A fixed budget in every run; a longer one: `PROPTEST_CASES=1000000 cargo test -p release --test it -- delta_fuzz`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use release::Digest;
use release::delta::{DeltaError, Kind, Rebuilder, Row, Table};
use release::payload::{FrameError, Index};

use crate::delta::{BLOCK, PIECE, distinct, index};
use crate::images::image;

const GOLDEN: &[u8] = include_bytes!("../../../fixtures/golden/payload/image.delta");

/// One change to bytes.
#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, u8),
    /// A number where one may stand.
    Number(prop::sample::Index, u32),
    Cut(prop::sample::Index),
    Remove(prop::sample::Index, usize),
    Insert(prop::sample::Index, Vec<u8>),
    /// Bytes from elsewhere in the same file.
    Copy(prop::sample::Index, prop::sample::Index, usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<prop::sample::Index>;
    let number = prop_oneof![
        prop::sample::select(vec![0, 1, 2, 3, 15, 16, 17, 48, 1023, 1024, 1025, 1 << 16, 1 << 20, 1 << 31]),
        (0..300_u32).prop_map(|less| u32::MAX - less),
        0..64_u32,
    ];
    let bytes = prop::collection::vec(any::<u8>(), 1..24);
    let change = prop_oneof![
        3 => (at(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, 1 << bit)),
        3 => (at(), number).prop_map(|(at, number)| Change::Number(at, number)),
        1 => at().prop_map(Change::Cut),
        1 => (at(), 1..24_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => (at(), bytes).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => (at(), at(), 1..64_usize).prop_map(|(from, to, count)| Change::Copy(from, to, count)),
    ];
    prop::collection::vec(change, 0..4)
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let length = bytes.len();
        let end = |start: usize, count: usize| start.saturating_add(count).min(length);
        match change {
            _ if bytes.is_empty() => {}
            Change::Flip(at, bits) => bytes[at.index(length)] ^= bits,
            Change::Number(at, number) => {
                // All numbers of a table and of runs are at multiples of four.
                let start = at.index(length) / 4 * 4;
                let end = end(start, 4);
                bytes[start..end].copy_from_slice(&number.to_le_bytes()[..end - start]);
            }
            Change::Cut(at) => bytes.truncate(at.index(length)),
            Change::Remove(at, count) => drop(bytes.drain(at.index(length)..end(at.index(length), *count))),
            Change::Insert(at, more) => drop(bytes.splice(at.index(length)..at.index(length), more.clone())),
            Change::Copy(from, to, count) => {
                let part = bytes[from.index(length)..end(from.index(length), *count)].to_vec();
                let start = to.index(length);
                let end = end(start, part.len());
                bytes[start..end].copy_from_slice(&part[..end - start]);
            }
        }
    }
    bytes
}

/// What the golden delta leads from and to.
struct Pair {
    base: Vec<u8>,
    new: Index,
    table: Table,
}

fn pair() -> Pair {
    let base = image(3 * PIECE as usize);
    let mut new = [&base[BLOCK..], &distinct(1)].concat();
    new[PIECE as usize + 77] ^= 8;
    let new = index(&new).0;
    let table = Table::parse(&GOLDEN[..88 + 48 * new.pieces().len()]).unwrap();
    Pair { base, new, table }
}

fn slice(bytes: &[u8], range: std::ops::Range<u64>) -> Option<&[u8]> {
    bytes.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}

/// Takes the record as one whose digest is right, which whoever signs can arrange, and says what became of it.
fn outcome(pair: &Pair, (kind, record): (Kind, &[u8]), piece: usize, base: &[u8]) -> &'static str {
    let row = Row { kind, offset: 0, length: 0, digest: Digest::of(record) };
    let range = pair.new.piece_range(piece).unwrap();
    let mut out = vec![0xAA; usize::try_from(range.end - range.start).unwrap()];
    let expected = &pair.new.pieces()[piece];
    let base = (base, base.len() as u64);
    match Rebuilder::default().rebuild((&row, record), base, expected, &mut out) {
        Ok(()) => {
            assert_eq!(Digest::of(&out), expected.raw, "accepted with other bytes");
            "rebuilt"
        }
        Err(DeltaError::Runs | DeltaError::Run { .. } | DeltaError::Filled { .. }) => "refused by runs",
        Err(DeltaError::Frame(FrameError::PieceDigest { .. })) => "refused by the piece's digest",
        Err(DeltaError::Frame(_)) => "refused by the frame",
        Err(DeltaError::NoRecord) => "no record",
        Err(error) => panic!("{error}"),
    }
}

/// Runs `check` on changed bytes, and shows that each of these endings was reached: a budget that stops short of the decoder is none.
fn fuzz(cases: u32, endings: &[&str], check: impl Fn(&[Change], usize) -> Vec<&'static str>) {
    let usual = ProptestConfig::default();
    let config = ProptestConfig { cases: usual.cases.max(cases), failure_persistence: None, ..usual };
    let seen = RefCell::new(BTreeMap::<&str, u32>::new());
    let done = TestRunner::new(config).run(&(changes(), 0..3_usize), |(changes, piece)| {
        for ending in check(&changes, piece) {
            *seen.borrow_mut().entry(ending).or_default() += 1;
        }
        Ok(())
    });
    done.unwrap_or_else(|failed| panic!("{failed}"));
    for ending in endings {
        assert!(seen.borrow().contains_key(ending), "never {ending}: {seen:?}");
    }
}

#[test]
fn a_table_that_was_changed_is_refused_or_says_just_what_its_bytes_say() {
    let pair = pair();
    let header = &GOLDEN[..pair.table.encode().len()];
    fuzz(CASES, &["read", "refused"], |changes, _| {
        let bytes = changed(header.to_vec(), changes);
        let Ok(table) = Table::parse(&bytes) else { return vec!["refused"] };
        assert_eq!(table.encode(), bytes, "one table, one form");
        assert!(table.delta_length() >= bytes.len() as u64);
        assert!(table.frames_spared(&pair.new) <= pair.new.frames_length());
        vec!["read"]
    });
}

#[test]
fn a_file_that_was_changed_never_leads_to_other_bytes() {
    let pair = pair();
    fuzz(CASES, &["no table", "rebuilt", "refused by its digest"], |changes, _| {
        let bytes = changed(GOLDEN.to_vec(), changes);
        let header = bytes.get(..pair.table.encode().len()).unwrap_or(&bytes);
        let Ok(table) = Table::parse(header) else { return vec!["no table"] };
        let mut endings = Vec::new();
        for (piece, row) in table.rows().iter().enumerate().take(pair.new.pieces().len()) {
            let Some(record) = row.range().and_then(|range| slice(&bytes, range)) else { continue };
            endings.push(match row.check(record) {
                Ok(()) => outcome(&pair, (row.kind, record), piece, &pair.base),
                Err(_) => "refused by its digest",
            });
        }
        endings
    });
}

#[test]
fn a_record_that_was_changed_and_signed_never_leads_to_other_bytes() {
    let pair = pair();
    let endings =
        ["rebuilt", "refused by runs", "refused by the frame", "refused by the piece's digest", "no record"];
    fuzz(CASES, &endings, |changes, piece| {
        let row = pair.table.rows()[piece];
        let record = slice(GOLDEN, row.range().unwrap()).unwrap();
        let record = changed(record.to_vec(), changes);
        let mut endings = Vec::new();
        for kind in [Kind::Full, Kind::Copy, Kind::Patch] {
            // The base as it was, cut short, and gone.
            for base in [&pair.base[..], &pair.base[..5 * BLOCK], &[]] {
                endings.push(outcome(&pair, (kind, &record), piece, base));
            }
        }
        endings
    });
}

/// Some seconds for the three of them.
const CASES: u32 = 3000;
