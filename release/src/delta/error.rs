//! Why a delta was refused, or could not be made.

use std::io;

use crate::Digest;
use crate::payload::{FrameError, IndexError};

/// Why the bytes are no delta, or no record of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeltaError {
    /// Shorter than the header.
    #[error("delta has {found} bytes: expected at least {expected}")]
    Short {
        /// Length of the header.
        expected: usize,
        /// Length of the bytes.
        found: usize,
    },
    /// Other bytes than `UPDOGDLT` at the start.
    #[error("not a delta: expected it to start with UPDOGDLT")]
    Magic,
    /// A version that this reader does not know.
    #[error("delta has version {found}: expected 1")]
    Version {
        /// The version.
        found: u32,
    },
    /// A piece size that no index can have.
    #[error("delta has a piece size that no index has")]
    PieceSize(#[source] IndexError),
    /// Bytes that must be zero are not.
    #[error("delta has {found} in its reserved field: expected 0")]
    Reserved {
        /// The field.
        found: u32,
    },
    /// Shorter or longer than its count says.
    #[error("table of delta has {found} bytes: expected {expected} for its pieces")]
    Length {
        /// What follows from the count.
        expected: u64,
        /// Length of the bytes.
        found: u64,
    },
    /// A kind that this reader does not know.
    #[error("record of piece {piece} has kind {found}: expected 0, 1 or 2")]
    Kind {
        /// Number of the piece from 0.
        piece: usize,
        /// The kind.
        found: u32,
    },
    /// A record does not lie where the one before it ends, or a full piece has one.
    #[error("record of piece {piece} lies at {found}: expected {expected}")]
    Offset {
        /// Number of the piece from 0.
        piece: usize,
        /// Where it must lie.
        expected: u64,
        /// Where the table says it lies.
        found: u64,
    },
    /// A record is too short or too long for its kind.
    #[error("record of piece {piece} has {found} bytes: expected {min} to {max}")]
    RecordLength {
        /// Number of the piece from 0.
        piece: usize,
        /// The shortest.
        min: u32,
        /// The longest.
        max: u32,
        /// What the table says.
        found: u32,
    },
    /// It belongs to another index, or starts from another.
    #[error("delta is for other {what}: expected {expected}, found {found}")]
    Index {
        /// `images` (the new index) or `base`.
        what: &'static str,
        /// Digest of the index at hand.
        expected: Digest,
        /// Digest in the delta.
        found: Digest,
    },
    /// The index at hand has another number or size of pieces.
    #[error("delta has {found} pieces of its size: expected {expected}")]
    Pieces {
        /// What the index has.
        expected: u64,
        /// What the delta has.
        found: u64,
    },
    /// The bytes of a record are not those that were published.
    #[error("record digest differs: expected {expected}, found {found}")]
    RecordDigest {
        /// From the table.
        expected: Digest,
        /// Of the bytes.
        found: Digest,
    },
    /// A record is no whole number of runs, or announces more than it has.
    #[error("record ends in its runs")]
    Runs,
    /// A run has no blocks, or lies outside the base.
    #[error("run of {blocks} blocks from block {start}: expected one within the {base} blocks of the base")]
    Run {
        /// First block.
        start: u32,
        /// Blocks.
        blocks: u32,
        /// Blocks of the base.
        base: u64,
    },
    /// Runs that do not fill the piece, or refer to more than a patch may.
    #[error("runs of {found} bytes: expected {expected}")]
    Filled {
        /// Length of the piece, or the most that a patch may refer to.
        expected: u64,
        /// Length of all runs.
        found: u64,
    },
    /// There is no record: the full frame is the way.
    #[error("piece has no record: expected its full frame to be used")]
    NoRecord,
    /// The base cannot be read.
    #[error("failed to read base image")]
    Base(#[source] io::Error),
    /// The frame of a patch, or what comes out of it, is wrong.
    #[error("failed to rebuild piece")]
    Frame(#[from] FrameError),
}

/// Why a delta could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The base image cannot be read.
    #[error("failed to read base image")]
    Base(#[source] io::Error),
    /// The new image cannot be read.
    #[error("failed to read new image")]
    Read(#[source] io::Error),
    /// The records cannot be written.
    #[error("failed to write records")]
    Write(#[source] io::Error),
    /// The new image is not the one that its index describes.
    #[error("new image differs from its index at piece {piece}")]
    Image {
        /// Number of the piece from 0.
        piece: usize,
    },
    /// A piece cannot be encoded.
    #[error("failed to encode piece {piece}")]
    Encode {
        /// Number of the piece from 0.
        piece: usize,
        /// Why.
        source: FrameError,
    },
    /// Both images must be cut in the same way.
    #[error("base has pieces of {base} bytes, the new image of {new}: expected the same")]
    PieceSize {
        /// Of the base.
        base: u32,
        /// Of the new image.
        new: u32,
    },
    /// The table would not be one.
    #[error("failed to make table of delta")]
    Table(#[source] Box<DeltaError>),
    /// A thread of the encoder went away.
    #[error("an encoding thread stopped early")]
    Thread,
}
