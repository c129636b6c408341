//! The table at the start of a delta: which record makes which piece, from which base.

use std::ops::Range;

use super::{DeltaError, MAX_REFERENCE};
use crate::Digest;
use crate::payload::{BLOCK_SIZE, Fields, Index, check_sizes, max_frame_length};

/// The table, whole and consistent: what cannot be true is refused when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    piece_size: u32,
    new: Digest,
    base: Digest,
    rows: Vec<Row>,
}

/// How one piece comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What kind of record it has.
    pub kind: Kind,
    /// Where the record starts in the `.delta`, in bytes; 0 where there is none.
    pub offset: u64,
    /// Its length in bytes; 0 where there is none.
    pub length: u32,
    /// Its digest; zeros where there is none.
    pub digest: Digest,
}

/// Kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// None: the full frame is as short.
    Full,
    /// Runs of the base, one after the other.
    Copy,
    /// A frame that refers to runs of the base.
    Patch,
}

impl Row {
    /// A piece without a record.
    pub const FULL: Row = Row { kind: Kind::Full, offset: 0, length: 0, digest: Digest::new([0; 32]) };

    /// Where its record lies in the `.delta`; `None`: it has none.
    pub fn range(&self) -> Option<Range<u64>> {
        (self.kind != Kind::Full).then(|| self.offset..self.offset.saturating_add(self.length.into()))
    }

    /// Checks the bytes of its record.
    pub fn check(&self, record: &[u8]) -> Result<(), DeltaError> {
        match Digest::of(record) {
            found if found == self.digest => Ok(()),
            found => Err(DeltaError::RecordDigest { expected: self.digest, found }),
        }
    }
}

impl Table {
    /// A table of these rows. `new` and `base` are the digests of the two `.idx` files.
    pub fn new(piece_size: u32, new: Digest, base: Digest, rows: Vec<Row>) -> Result<Table, DeltaError> {
        check_sizes(piece_size, BLOCK_SIZE).map_err(DeltaError::PieceSize)?;
        let mut end = header_length(rows.len());
        for (piece, row) in rows.iter().enumerate() {
            let expected = if row.kind == Kind::Full { 0 } else { end };
            if row.offset != expected {
                return Err(DeltaError::Offset { piece, expected, found: row.offset });
            }
            let (min, max) = lengths(row.kind, piece_size);
            if !(min..=max).contains(&row.length) {
                return Err(DeltaError::RecordLength { piece, min, max, found: row.length });
            }
            end = end.saturating_add(row.length.into());
        }
        Ok(Table { piece_size, new, base, rows })
    }

    /// Reads a table, whose digest is right: the first bytes of a `.delta`, as many as the manifest says. Takes memory for what is there,
    /// never for what is only announced.
    pub fn parse(bytes: &[u8]) -> Result<Table, DeltaError> {
        let Some((header, rows)) = bytes.split_first_chunk::<HEADER_LENGTH>() else {
            return Err(DeltaError::Short { expected: HEADER_LENGTH, found: bytes.len() });
        };
        let mut fields = Fields(header);
        if fields.take() != *MAGIC {
            return Err(DeltaError::Magic);
        }
        let version = fields.u32();
        if version != VERSION {
            return Err(DeltaError::Version { found: version });
        }
        let piece_size = fields.u32();
        let (new, base) = (Digest::new(fields.take()), Digest::new(fields.take()));
        let (count, reserved) = (fields.u32(), fields.u32());
        if reserved != 0 {
            return Err(DeltaError::Reserved { found: reserved });
        }
        let (rows, rest) = rows.as_chunks::<ROW_LENGTH>();
        if rows.len() as u64 != u64::from(count) || !rest.is_empty() {
            let expected = HEADER_LENGTH as u64 + u64::from(count) * ROW_LENGTH as u64;
            return Err(DeltaError::Length { expected, found: bytes.len() as u64 });
        }
        let rows = rows.iter().enumerate().map(|(piece, row)| {
            let mut fields = Fields(row);
            let (offset, length) = (fields.u64(), fields.u32());
            let kind = match fields.u32() {
                0 => Kind::Full,
                1 => Kind::Copy,
                2 => Kind::Patch,
                found => return Err(DeltaError::Kind { piece, found }),
            };
            let digest = Digest::new(fields.take());
            if kind == Kind::Full && digest != Row::FULL.digest {
                return Err(DeltaError::RecordDigest { expected: Row::FULL.digest, found: digest });
            }
            Ok(Row { kind, offset, length, digest })
        });
        Table::new(piece_size, new, base, rows.collect::<Result<_, _>>()?)
    }

    /// Whether it leads from this base to these images, piece by piece. `new` and `base` are the `.idx` files' bytes, read.
    pub fn fits(&self, new: (&Index, Digest), base: Digest) -> Result<(), DeltaError> {
        for (what, expected, found) in [("images", new.1, self.new), ("base", base, self.base)] {
            if found != expected {
                return Err(DeltaError::Index { what, expected, found });
            }
        }
        let (expected, found) = (new.0.pieces().len() as u64, self.rows.len() as u64);
        if expected != found || new.0.piece_size() != self.piece_size {
            return Err(DeltaError::Pieces { expected, found });
        }
        Ok(())
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LENGTH + self.rows.len() * ROW_LENGTH);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.piece_size.to_le_bytes());
        bytes.extend_from_slice(self.new.bytes());
        bytes.extend_from_slice(self.base.bytes());
        // As many as the index has, whose count is 32 bits wide too.
        let count = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&0_u32.to_le_bytes());
        for row in &self.rows {
            bytes.extend_from_slice(&row.offset.to_le_bytes());
            bytes.extend_from_slice(&row.length.to_le_bytes());
            let kind: u32 = match row.kind {
                Kind::Full => 0,
                Kind::Copy => 1,
                Kind::Patch => 2,
            };
            bytes.extend_from_slice(&kind.to_le_bytes());
            bytes.extend_from_slice(row.digest.bytes());
        }
        bytes
    }

    /// The rows, in the order of the image.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Digest of the `.idx` of the base image.
    pub fn base_index(&self) -> Digest {
        self.base
    }

    /// Bytes of the full frames that its records stand for. A delta that is not shorter helps nothing. `index` is the one that it fits.
    pub fn frames_spared(&self, index: &Index) -> u64 {
        let pieces = self.rows.iter().zip(index.pieces());
        pieces.filter(|(row, _)| row.kind != Kind::Full).map(|(_, one)| u64::from(one.frame_length)).sum()
    }

    /// Length of the whole `.delta` in bytes.
    pub fn delta_length(&self) -> u64 {
        self.rows
            .iter()
            .fold(header_length(self.rows.len()), |sum, row| sum.saturating_add(row.length.into()))
    }
}

/// Bytes of the table of an image with so many pieces.
pub(super) fn header_length(pieces: usize) -> u64 {
    (HEADER_LENGTH as u64).saturating_add((pieces as u64).saturating_mul(ROW_LENGTH as u64))
}

/// The shortest and the longest record of a kind.
fn lengths(kind: Kind, piece_size: u32) -> (u32, u32) {
    let runs = |bytes: u32| bytes / BLOCK * RUN;
    match kind {
        Kind::Full => (0, 0),
        Kind::Copy => (RUN, runs(piece_size)),
        Kind::Patch => {
            (4 + 1, max_frame_length(piece_size).saturating_add(4).saturating_add(runs(MAX_REFERENCE)))
        }
    }
}

const MAGIC: &[u8; 8] = b"UPDOGDLT";
const VERSION: u32 = 1;
const HEADER_LENGTH: usize = 88;
const ROW_LENGTH: usize = 48;
/// Bytes of a run in a record.
const RUN: u32 = 8;
/// Bytes of a block.
const BLOCK: u32 = 4096;
