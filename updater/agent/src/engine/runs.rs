//! Which byte ranges of a file to ask for: pure.

use std::ops::Range;

use super::files::File;

/// One request: neighbours, and which pieces they carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Pieces covered, wanted or not; the gaps are shorter than [`GAP_BYTES`].
    pub(super) pieces: Range<usize>,
    /// Their bytes in the file.
    pub(super) bytes: Range<u64>,
}

/// Joins what is there for `missing` (ascending piece numbers) into few requests. Bytes that nobody wants are fetched along
/// when they are cheaper than one more round trip.
pub(super) fn join(file: File<'_>, missing: &[usize]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for &piece in missing {
        let Some(bytes) = file.range(piece) else { continue };
        match runs.last_mut() {
            Some(run) if bytes.start.saturating_sub(run.bytes.end) <= GAP_BYTES => {
                run.pieces.end = piece.saturating_add(1);
                run.bytes.end = bytes.end;
            }
            _ => runs.push(Run { pieces: piece..piece.saturating_add(1), bytes }),
        }
    }
    runs
}

/// A request header and its answer are about 1 KiB, and a round trip of 20 ms at 100 Mbit/s is worth 250 KiB; frames of
/// zeros are some 50 bytes. A gap of 16 KiB keeps the waste under 2 % even if every second frame is missing.
const GAP_BYTES: u64 = 16 * 1024;
