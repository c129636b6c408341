//! An image as it is published: independent frames (`.img.zst`), one for each piece of the raw image, and the index
//! (`.idx`) that says where each frame lies and what it and its piece must hash to.
//!
//! Hosts fetch, check and decode frames one at a time and in any order; `zstd -d` gives the raw image.
//! Byte layout: docs/formats/index.md.

mod error;
mod frame;
mod header;
mod index;
mod unpack;
mod writer;

pub use error::{FrameError, IndexError, PackError};
pub use frame::{Decoder, Encoder, decode_frame, encode_frame};
pub(crate) use header::Header;
pub(crate) use index::{Fields, check_sizes};
pub use index::{Index, Piece};
pub use unpack::unpack;
pub use writer::{FrameWriter, Progress};

/// Images are whole blocks of this many bytes.
pub const BLOCK_SIZE: u64 = 4096;
/// Piece size unless another is asked for: 1 MiB.
pub const PIECE_SIZE: u32 = 1 << 20;
/// Smallest piece size, 64 KiB.
pub const MIN_PIECE_SIZE: u32 = 64 << 10;
/// Largest piece size, 4 MiB.
pub const MAX_PIECE_SIZE: u32 = 4 << 20;

/// The longest frame that may stand for a piece of this many bytes: the piece, 1/256 of it and 64 bytes, which is
/// what zstd needs at most for bytes that cannot be compressed.
pub const fn max_frame_length(piece: u32) -> u32 {
    piece.saturating_add(piece / 256).saturating_add(64)
}
