//! Why an index, a frame or an image was refused.

use std::io;

use crate::Digest;

/// Why the bytes are no index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Shorter than the header.
    #[error("index has {found} bytes: expected at least {expected}")]
    Short {
        /// Length of the header.
        expected: usize,
        /// Length of the bytes.
        found: usize,
    },
    /// Other bytes than `UPDOGIDX` at the start.
    #[error("not an index: expected it to start with UPDOGIDX")]
    Magic,
    /// A version that this reader does not know.
    #[error("index has version {found}: expected 1")]
    Version {
        /// The version.
        found: u32,
    },
    /// Not a power of two from 64 KiB to 4 MiB.
    #[error("index has piece size {found}: expected a power of two from 65536 to 4194304")]
    PieceSize {
        /// The piece size.
        found: u32,
    },
    /// No whole number of blocks, or none.
    #[error("index has raw length {found}: expected a multiple of 4096 above 0")]
    RawLength {
        /// The length in bytes.
        found: u64,
    },
    /// A number of pieces that does not follow from length and piece size.
    #[error("index has {found} pieces: expected {expected}")]
    Count {
        /// What follows from length and piece size.
        expected: u64,
        /// What the index says.
        found: u64,
    },
    /// Bytes that must be zero are not.
    #[error("index has {found} in its reserved field: expected 0")]
    Reserved {
        /// The field.
        found: u32,
    },
    /// Shorter or longer than its count of pieces says.
    #[error("index has {found} bytes: expected {expected} for its pieces")]
    Length {
        /// What follows from the count.
        expected: u64,
        /// Length of the bytes.
        found: u64,
    },
    /// No bytes, or more than a frame of this piece size can need.
    #[error("index has a frame of {found} bytes for piece {piece}: expected 1 to {max}")]
    FrameLength {
        /// Number of the piece from 0.
        piece: usize,
        /// The length.
        found: u32,
        /// The longest allowed.
        max: u32,
    },
    /// The frame lengths add up to more than a file can hold.
    #[error("index has frames of over 2^64 bytes in all")]
    FramesLength,
}

/// Why a frame was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The bytes of the frame are not those that were published.
    #[error("frame digest differs: expected {expected}, found {found}")]
    FrameDigest {
        /// From the index.
        expected: Digest,
        /// Of the bytes.
        found: Digest,
    },
    /// The bytes of the piece are not those of the image.
    #[error("piece digest differs: expected {expected}, found {found}")]
    PieceDigest {
        /// From the index.
        expected: Digest,
        /// Of the decoded bytes.
        found: Digest,
    },
    /// Ends inside its header.
    #[error("frame ends in its header")]
    Short,
    /// No zstd frame (skippable frames are refused too).
    #[error("not a zstd frame")]
    Magic,
    /// A feature that our frames do not use.
    #[error("frame has {0}: expected none")]
    Feature(&'static str),
    /// The header does not say how much comes out.
    #[error("frame has no content size")]
    NoContentSize,
    /// It says another length than the piece has.
    #[error("frame has content size {found}: expected {expected}")]
    ContentSize {
        /// Length of the piece.
        expected: u64,
        /// From the frame's header.
        found: u64,
    },
    /// Its window is larger than the piece.
    #[error("frame has a window of {found} bytes: expected at most {max}")]
    Window {
        /// The most allowed.
        max: u64,
        /// From the frame's header.
        found: u64,
    },
    /// Bytes after the frame, be it another frame.
    #[error("frame has {found} bytes: expected {expected}, and nothing after them")]
    Trailing {
        /// Length of the frame.
        expected: u64,
        /// Length of the bytes.
        found: u64,
    },
    /// zstd refuses the contents.
    #[error("failed to decode frame")]
    Decode(#[source] io::Error),
    /// zstd cannot encode.
    #[error("failed to encode frame")]
    Encode(#[source] io::Error),
}

/// Why an image could not be made into frames, or frames into an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The source cannot be read.
    #[error("failed to read source")]
    Read(#[source] io::Error),
    /// The destination cannot be written.
    #[error("failed to write destination")]
    Write(#[source] io::Error),
    /// The source goes on after its last frame.
    #[error("frames go on after the last: expected {expected} bytes in all")]
    Trailing {
        /// Length of all frames.
        expected: u64,
    },
    /// A frame is wrong.
    #[error("failed to unpack piece {piece}")]
    Frame {
        /// Number of the piece from 0.
        piece: usize,
        /// What is wrong.
        source: FrameError,
    },
    /// A piece cannot be encoded.
    #[error("failed to pack piece {piece}")]
    Encode {
        /// Number of the piece from 0.
        piece: usize,
        /// What is wrong.
        source: FrameError,
    },
    /// The image cannot have an index.
    #[error("failed to index image")]
    Index(#[source] IndexError),
    /// The whole image has another digest than the index says, though each piece is right.
    #[error("image digest differs: expected {expected}, found {found}")]
    RawDigest {
        /// From the index.
        expected: Digest,
        /// Of the image.
        found: Digest,
    },
    /// A thread of the encoder went away.
    #[error("an encoding thread stopped early")]
    Thread,
}
