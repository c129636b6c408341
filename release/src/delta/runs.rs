//! Runs of blocks of a base image.

use super::DeltaError;
use crate::payload::{BLOCK_SIZE, Fields};

/// Blocks of 4 KiB that stand one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Number of the first block in the base image.
    pub start: u32,
    /// How many.
    pub blocks: u32,
}

/// Runs in the order in which their bytes are put one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs(Vec<Run>);

impl Run {
    /// Where its bytes start in the base image.
    pub fn offset(self) -> u64 {
        u64::from(self.start).saturating_mul(BLOCK_SIZE)
    }

    /// Its length in bytes.
    pub fn length(self) -> u64 {
        u64::from(self.blocks).saturating_mul(BLOCK_SIZE)
    }
}

impl Runs {
    /// Reads the runs of a copy: they fill a piece of `piece` bytes exactly and lie in a base of `base` bytes.
    pub fn parse_copy(record: &[u8], piece: u64, base: u64) -> Result<Runs, DeltaError> {
        let (rows, rest) = record.as_chunks::<RUN_LENGTH>();
        if !rest.is_empty() {
            return Err(DeltaError::Runs);
        }
        let runs = Runs::read(rows, base)?;
        match runs.length() {
            found if found == piece => Ok(runs),
            found => Err(DeltaError::Filled { expected: piece, found }),
        }
    }

    pub(super) fn read(rows: &[[u8; RUN_LENGTH]], base: u64) -> Result<Runs, DeltaError> {
        let blocks_of_base = base / BLOCK_SIZE;
        let run = |row: &[u8; RUN_LENGTH]| {
            let mut fields = Fields(row);
            let run = Run { start: fields.u32(), blocks: fields.u32() };
            let end = u64::from(run.start) + u64::from(run.blocks);
            if run.blocks == 0 || end > blocks_of_base {
                return Err(DeltaError::Run { start: run.start, blocks: run.blocks, base: blocks_of_base });
            }
            Ok(run)
        };
        rows.iter().map(run).collect::<Result<_, _>>().map(Runs)
    }

    /// The bytes of a copy record.
    pub fn encode(&self) -> Vec<u8> {
        let fields = self.0.iter().flat_map(|run| [run.start.to_le_bytes(), run.blocks.to_le_bytes()]);
        fields.flatten().collect()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Run> {
        self.0.iter().copied()
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Bytes of all of them.
    pub fn length(&self) -> u64 {
        self.0.iter().fold(0, |sum, run| sum.saturating_add(run.length()))
    }

    /// Adds a block at the end; one that follows the last run makes it longer.
    pub(super) fn push(&mut self, block: u32) {
        match self.0.last_mut() {
            Some(last) if last.start.checked_add(last.blocks) == Some(block) => last.blocks += 1,
            _ => self.0.push(Run { start: block, blocks: 1 }),
        }
    }

    /// Adds a run at the end.
    pub(super) fn push_run(&mut self, run: Run) {
        if run.blocks > 0 {
            self.0.push(run);
        }
    }
}

/// Bytes of a run in a record.
pub(super) const RUN_LENGTH: usize = 8;
