//! The index: which frame makes which piece, and what both must hash to.

use std::ops::Range;

use super::{BLOCK_SIZE, IndexError, MAX_PIECE_SIZE, MIN_PIECE_SIZE, max_frame_length};
use crate::Digest;

/// The table of one published image, whole and consistent: what cannot be true is refused when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    piece_size: u32,
    raw_length: u64,
    raw: Digest,
    pieces: Vec<Piece>,
    /// Where each frame starts; one more than pieces, the last is the length of all frames.
    starts: Vec<u64>,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Length of its frame in bytes.
    pub frame_length: u32,
    /// Digest of the frame.
    pub frame: Digest,
    /// Digest of the raw piece.
    pub raw: Digest,
}

impl Index {
    /// The index of an image with these pieces. `raw` is the digest of the whole image.
    pub fn new(
        piece_size: u32,
        raw_length: u64,
        raw: Digest,
        pieces: Vec<Piece>,
    ) -> Result<Index, IndexError> {
        check_sizes(piece_size, raw_length)?;
        let expected = raw_length.div_ceil(u64::from(piece_size));
        let found = pieces.len() as u64;
        // A count is 32 bits wide in the file.
        if found != expected || u32::try_from(found).is_err() {
            return Err(IndexError::Count { expected, found });
        }
        let mut starts = Vec::with_capacity(pieces.len().saturating_add(1));
        let mut start = 0_u64;
        starts.push(start);
        let max = max_frame_length(piece_size);
        for (piece, row) in pieces.iter().enumerate() {
            if row.frame_length == 0 || row.frame_length > max {
                return Err(IndexError::FrameLength { piece, found: row.frame_length, max });
            }
            start = start.checked_add(u64::from(row.frame_length)).ok_or(IndexError::FramesLength)?;
            starts.push(start);
        }
        Ok(Index { piece_size, raw_length, raw, pieces, starts })
    }

    /// Reads an `.idx` file. Takes memory for what is there, never for what is only announced.
    pub fn parse(bytes: &[u8]) -> Result<Index, IndexError> {
        let Some((header, rows)) = bytes.split_first_chunk::<HEADER_LENGTH>() else {
            return Err(IndexError::Short { expected: HEADER_LENGTH, found: bytes.len() });
        };
        let mut fields = Fields(header);
        if fields.take() != *MAGIC {
            return Err(IndexError::Magic);
        }
        let version = fields.u32();
        if version != VERSION {
            return Err(IndexError::Version { found: version });
        }
        let piece_size = fields.u32();
        let raw_length = fields.u64();
        let count = fields.u32();
        let reserved = fields.u32();
        let raw = Digest::new(fields.take());
        check_sizes(piece_size, raw_length)?;
        let expected = raw_length.div_ceil(u64::from(piece_size));
        if u64::from(count) != expected {
            return Err(IndexError::Count { expected, found: u64::from(count) });
        }
        if reserved != 0 {
            return Err(IndexError::Reserved { found: reserved });
        }
        let (rows, rest) = rows.as_chunks::<ROW_LENGTH>();
        if rows.len() as u64 != u64::from(count) || !rest.is_empty() {
            // At most 2^32 rows of 68 bytes, so no sum here comes near 2^64.
            let expected = HEADER_LENGTH as u64 + u64::from(count) * ROW_LENGTH as u64;
            return Err(IndexError::Length { expected, found: bytes.len() as u64 });
        }
        let pieces = rows.iter().map(|row| {
            let mut fields = Fields(row);
            Piece {
                frame_length: fields.u32(),
                frame: Digest::new(fields.take()),
                raw: Digest::new(fields.take()),
            }
        });
        Index::new(piece_size, raw_length, raw, pieces.collect())
    }

    /// The bytes of the `.idx` file.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LENGTH + self.pieces.len() * ROW_LENGTH);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.piece_size.to_le_bytes());
        bytes.extend_from_slice(&self.raw_length.to_le_bytes());
        let count = u32::try_from(self.pieces.len()).unwrap_or(u32::MAX); // `new` has checked it
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&0_u32.to_le_bytes());
        bytes.extend_from_slice(self.raw.bytes());
        for piece in &self.pieces {
            bytes.extend_from_slice(&piece.frame_length.to_le_bytes());
            bytes.extend_from_slice(piece.frame.bytes());
            bytes.extend_from_slice(piece.raw.bytes());
        }
        bytes
    }

    /// Length of a piece in bytes; the last one may be shorter.
    pub fn piece_size(&self) -> u32 {
        self.piece_size
    }

    /// Length of the image in bytes, a multiple of 4096 above 0.
    pub fn raw_length(&self) -> u64 {
        self.raw_length
    }

    /// Digest of the whole image. For people: each piece has its own.
    pub fn raw(&self) -> Digest {
        self.raw
    }

    /// The rows, in the order of the image.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Pieces that are nothing but zeros, ascending: known by their digest, so that nobody has to fetch them.
    pub fn zeros(&self) -> Vec<usize> {
        let digest = |number| {
            let range = self.piece_range(number).unwrap_or_default();
            // At most 4 MiB.
            Digest::of(&vec![0; usize::try_from(range.end - range.start).unwrap_or(0)])
        };
        let (first, end) = (digest(0), self.pieces.len().saturating_sub(1));
        // All but the last are as long as the first.
        let last = digest(end);
        let is_zero =
            |(number, piece): &(usize, &Piece)| piece.raw == if *number == end { last } else { first };
        self.pieces.iter().enumerate().filter(is_zero).map(|(number, _)| number).collect()
    }

    /// Where in the image piece `number` lies, in bytes; `None`: there is no such piece.
    pub fn piece_range(&self, number: usize) -> Option<Range<u64>> {
        self.pieces.get(number)?;
        let start = (number as u64).checked_mul(u64::from(self.piece_size))?;
        Some(start..start.saturating_add(u64::from(self.piece_size)).min(self.raw_length))
    }

    /// Where in the `.img.zst` the frame of piece `number` lies, in bytes; `None`: there is no such piece.
    pub fn frame_range(&self, number: usize) -> Option<Range<u64>> {
        Some(*self.starts.get(number)?..*self.starts.get(number.checked_add(1)?)?)
    }

    /// Length of the `.img.zst` in bytes.
    pub fn frames_length(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Length of the longest frame in bytes: what a reader must hold at least.
    pub fn longest_frame(&self) -> u32 {
        self.pieces.iter().map(|piece| piece.frame_length).max().unwrap_or(0)
    }
}

pub(crate) fn check_sizes(piece_size: u32, raw_length: u64) -> Result<(), IndexError> {
    if !piece_size.is_power_of_two() || !(MIN_PIECE_SIZE..=MAX_PIECE_SIZE).contains(&piece_size) {
        return Err(IndexError::PieceSize { found: piece_size });
    }
    if raw_length == 0 || !raw_length.is_multiple_of(BLOCK_SIZE) {
        return Err(IndexError::RawLength { found: raw_length });
    }
    Ok(())
}

/// Little-endian fields, read one after the other. What is not there reads as zero; callers give whole rows.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    pub(crate) fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((field, rest)) => {
                self.0 = rest;
                *field
            }
            None => [0; N],
        }
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}

const MAGIC: &[u8; 8] = b"UPDOGIDX";
const VERSION: u32 = 1;
const HEADER_LENGTH: usize = 64;
const ROW_LENGTH: usize = 68;
