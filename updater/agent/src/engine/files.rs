//! The files that pieces come from: full frames, or records of a delta. Both are rows of bytes in the order of the pieces, each with
//! a digest.

use std::ops::Range;

use release::Digest;
use release::delta::Table;
use release::payload::Index;

/// One file of one image.
#[derive(Clone, Copy, Debug)]
pub(super) enum File<'a> {
    /// `.img.zst`
    Frames(&'a Index),
    /// `.delta`
    Records(&'a Table),
}

impl File<'_> {
    /// Bytes of the file.
    pub(super) fn length(self) -> u64 {
        match self {
            File::Frames(index) => index.frames_length(),
            File::Records(table) => table.delta_length(),
        }
    }

    /// Where the bytes for a piece lie; `None`: there are none.
    pub(super) fn range(self, piece: usize) -> Option<Range<u64>> {
        match self {
            File::Frames(index) => index.frame_range(piece),
            File::Records(table) => table.rows().get(piece)?.range(),
        }
    }

    /// What they must hash to.
    pub(super) fn digest(self, piece: usize) -> Option<Digest> {
        match self {
            File::Frames(index) => Some(index.pieces().get(piece)?.frame),
            File::Records(table) => Some(table.rows().get(piece)?.digest),
        }
    }
}
