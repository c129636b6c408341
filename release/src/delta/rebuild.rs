//! From a record and the base back to a piece.

use super::runs::Runs;
use super::{BaseBlocks, DeltaError, Kind, PatchDecoder, PatchRecord, Row};
use crate::Digest;
use crate::payload::{FrameError, Piece};

/// Rebuilds pieces, one after the other, with the memory of the longest reference.
#[derive(Debug, Default)]
pub struct Rebuilder {
    reference: Vec<u8>,
}

impl Rebuilder {
    /// Checks the record, makes the piece from it and the base, of `base_length` bytes, and checks that. No byte reaches the decoder before the
    /// record's digest is right. After an error the contents of `out`, which has the piece's length, mean nothing; the full frame is the way
    /// then, as it is where the row has no record.
    pub fn rebuild(
        &mut self,
        (row, record): (&Row, &[u8]),
        base: (&(impl BaseBlocks + ?Sized), u64),
        piece: &Piece,
        out: &mut [u8],
    ) -> Result<(), DeltaError> {
        row.check(record)?;
        match row.kind {
            Kind::Full => return Err(DeltaError::NoRecord),
            Kind::Copy => {
                let runs = Runs::parse_copy(record, out.len() as u64, base.1)?;
                read(base.0, &runs, out)?;
            }
            Kind::Patch => {
                let patch = PatchRecord::parse(record, base.1)?;
                // At most MAX_REFERENCE: `parse` has seen to it.
                self.reference.resize(usize::try_from(patch.runs().length()).unwrap_or(0), 0);
                read(base.0, patch.runs(), &mut self.reference)?;
                PatchDecoder::new().decode(&patch, &self.reference, out)?;
            }
        }
        match Digest::of(out) {
            found if found == piece.raw => Ok(()),
            found => Err(FrameError::PieceDigest { expected: piece.raw, found }.into()),
        }
    }
}

/// Puts the bytes of runs one after the other; together they are as long as `out`.
pub(super) fn read(base: &(impl BaseBlocks + ?Sized), runs: &Runs, out: &mut [u8]) -> Result<(), DeltaError> {
    let mut rest = out;
    for run in runs.iter() {
        let length = usize::try_from(run.length()).unwrap_or(usize::MAX);
        let (part, after) = rest.split_at_mut_checked(length).ok_or(DeltaError::Runs)?;
        base.read(run.offset(), part).map_err(DeltaError::Base)?;
        rest = after;
    }
    Ok(())
}
