//! From frames back to the raw image.

use std::io::{Read, Write};

use super::{Decoder, Index, PackError, Progress};
use crate::Hasher;

/// Reads all frames in order, checks each against the index, and writes the raw image. Takes memory for one frame and
/// one piece. What was written before an error is right; what is missing is not there.
pub fn unpack(
    index: &Index,
    frames: &mut impl Read,
    raw: &mut impl Write,
    mut progress: impl FnMut(Progress),
) -> Result<(), PackError> {
    let mut decoder = Decoder::new().map_err(|source| PackError::Frame { piece: 0, source })?;
    let mut whole = Hasher::new();
    let mut frame = Vec::new();
    let mut piece = Vec::new();
    let mut done = Progress { raw: 0, frames: 0, total: Some(index.raw_length()) };
    for (number, row) in index.pieces().iter().enumerate() {
        let range = index.piece_range(number).unwrap_or_default();
        let length = range.end - range.start;
        // Both lengths are bounded by the piece size, at most 4 MiB.
        frame.resize(row.frame_length as usize, 0);
        piece.resize(usize::try_from(length).unwrap_or(0), 0);
        frames.read_exact(&mut frame).map_err(PackError::Read)?;
        decoder
            .decode_piece(row, &frame, &mut piece)
            .map_err(|source| PackError::Frame { piece: number, source })?;
        whole.update(&piece);
        raw.write_all(&piece).map_err(PackError::Write)?;
        done.raw = range.end;
        done.frames = index.frame_range(number).unwrap_or_default().end;
        progress(done);
    }
    if frames.read(&mut [0]).map_err(PackError::Read)? != 0 {
        return Err(PackError::Trailing { expected: index.frames_length() });
    }
    let found = whole.finish();
    if found != index.raw() {
        return Err(PackError::RawDigest { expected: index.raw(), found });
    }
    raw.flush().map_err(PackError::Write)
}
