//! A shorter way from one release to the next, for one image (`.delta`): for each piece, runs of blocks of the base image that are copied, or
//! a frame that is compressed against such runs, or nothing, where the full frame is as short.
//!
//! Every record has its own digest in the [`Table`] at the start, whose own length and digest stand in the manifest, so a host fetches the
//! table, then records, in any order, by range. What comes out is checked against the new image's [index](crate::payload::Index) as a full frame
//! is: a base that is not what it should be costs a piece its record, never its right bytes. Byte layout: docs/formats/delta.md.

mod anchors;
mod blocks;
mod error;
mod patch;
mod rebuild;
mod runs;
mod table;
mod writer;

pub use blocks::{BaseBlocks, BlockMap};
pub use error::{DeltaError, WriteError};
pub use patch::{PatchDecoder, PatchEncoder, PatchRecord};
pub use rebuild::Rebuilder;
pub use runs::{Run, Runs};
pub use table::{Kind, Row, Table};
pub use writer::{Between, DeltaWriter, Written};

/// The most bytes of the base that one patch may refer to.
pub const MAX_REFERENCE: u32 = 4 << 20;
/// The largest window that a patch's frame may ask for, as a power of two: piece and reference fit.
pub const MAX_WINDOW_LOG: u32 = 23;
