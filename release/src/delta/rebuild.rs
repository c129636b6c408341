//! From a record and the base back to a piece.

use super::runs::{Run, Runs};
use super::{BaseBlocks, DeltaError, Kind, PatchDecoder, PatchRecord, Row};
use crate::Digest;
use crate::payload::{FrameError, Piece};

/// Rebuilds pieces from one base, one after the other, with the memory of two of the longest references: what the next one shares with
/// the one before, two thirds of it where neighbours follow each other, is not read again.
#[derive(Debug, Default)]
pub struct Rebuilder {
    /// The last reference, and where its bytes stand in the base; none after an error, which may be theirs.
    runs: Runs,
    reference: Vec<u8>,
    /// Room for the next.
    next: Vec<u8>,
}

impl Rebuilder {
    /// Checks the record, makes the piece from it and the base, of `base_length` bytes, and checks that. No byte reaches the decoder before the
    /// record's digest is right. After an error the contents of `out`, which has the piece's length, mean nothing; the full frame is the way
    /// then, as it is where the row has no record.
    pub fn rebuild(
        &mut self,
        record: (&Row, &[u8]),
        base: (&(impl BaseBlocks + ?Sized), u64),
        piece: &Piece,
        out: &mut [u8],
    ) -> Result<(), DeltaError> {
        let rebuilt = self.make(record, base, out).and_then(|()| match Digest::of(out) {
            found if found == piece.raw => Ok(()),
            found => Err(FrameError::PieceDigest { expected: piece.raw, found }.into()),
        });
        rebuilt.inspect_err(|_| self.runs = Runs::default())
    }

    fn make(
        &mut self,
        (row, record): (&Row, &[u8]),
        (base, length): (&(impl BaseBlocks + ?Sized), u64),
        out: &mut [u8],
    ) -> Result<(), DeltaError> {
        row.check(record)?;
        match row.kind {
            Kind::Full => Err(DeltaError::NoRecord),
            Kind::Copy => read(base, &Runs::parse_copy(record, out.len() as u64, length)?, out),
            Kind::Patch => {
                let patch = PatchRecord::parse(record, length)?;
                // At most MAX_REFERENCE: `parse` has seen to it.
                self.next.resize(usize::try_from(patch.runs().length()).unwrap_or(0), 0);
                let had = longest(&self.runs, &self.reference);
                each(patch.runs(), &mut self.next, |run, part| read_but(base, had, run, part))?;
                std::mem::swap(&mut self.reference, &mut self.next);
                self.runs = patch.runs().clone();
                PatchDecoder::new().decode(&patch, &self.reference, out)
            }
        }
    }
}

/// A stretch of the base that is at hand: where it starts, and its bytes.
type Stretch<'a> = (u64, &'a [u8]);

/// The longest run whose bytes are at hand.
fn longest<'a>(runs: &Runs, bytes: &'a [u8]) -> Stretch<'a> {
    let (mut found, mut rest): (Stretch<'a>, _) = ((0, &[]), bytes);
    for run in runs.iter() {
        let length = usize::try_from(run.length()).unwrap_or(usize::MAX);
        let Some((part, after)) = rest.split_at_checked(length) else { break };
        if part.len() > found.1.len() {
            found = (run.offset(), part);
        }
        rest = after;
    }
    found
}

/// Reads a run, all but what of it is at hand.
fn read_but(
    base: &(impl BaseBlocks + ?Sized),
    (start, bytes): Stretch<'_>,
    run: Run,
    out: &mut [u8],
) -> Result<(), DeltaError> {
    let (first, last) = (run.offset(), run.offset().saturating_add(run.length()));
    let from = start.clamp(first, last);
    let to = start.saturating_add(bytes.len() as u64).clamp(from, last);
    let within = |at: u64, of: u64| usize::try_from(at.saturating_sub(of)).unwrap_or(usize::MAX);
    let (before, rest) = out.split_at_mut_checked(within(from, first)).ok_or(DeltaError::Runs)?;
    let (shared, after) = rest.split_at_mut_checked(within(to, from)).ok_or(DeltaError::Runs)?;
    if let Some(had) = bytes.get(within(from, start)..).and_then(|had| had.get(..shared.len())) {
        shared.copy_from_slice(had);
    }
    for (offset, part) in [(first, before), (to, after)] {
        if !part.is_empty() {
            base.read(offset, part).map_err(DeltaError::Base)?;
        }
    }
    Ok(())
}

/// Puts the bytes of runs one after the other; together they are as long as `out`.
pub(super) fn read(base: &(impl BaseBlocks + ?Sized), runs: &Runs, out: &mut [u8]) -> Result<(), DeltaError> {
    each(runs, out, |run, part| base.read(run.offset(), part).map_err(DeltaError::Base))
}

/// Gives each run its part of `out`.
fn each(
    runs: &Runs,
    out: &mut [u8],
    mut read: impl FnMut(Run, &mut [u8]) -> Result<(), DeltaError>,
) -> Result<(), DeltaError> {
    let mut rest = out;
    for run in runs.iter() {
        let length = usize::try_from(run.length()).unwrap_or(usize::MAX);
        let (part, after) = rest.split_at_mut_checked(length).ok_or(DeltaError::Runs)?;
        read(run, part)?;
        rest = after;
    }
    Ok(())
}
