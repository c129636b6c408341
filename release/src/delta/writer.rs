//! Makes a delta, over all cores, in bounded memory.

use std::collections::{BTreeSet, HashMap};
use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::anchors::Scan;
use super::blocks::{BLOCK, BaseBlocks, BlockMap, key};
use super::table::{Row, Table, header_length};
use super::{
    DeltaError, Kind, MAX_REFERENCE, PatchDecoder, PatchEncoder, PatchRecord, Run, Runs, WriteError, rebuild,
};
use crate::Digest;
use crate::payload::{BLOCK_SIZE, FrameError, Index, Piece};

/// How a delta is made. The same images give the same bytes with any number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeltaWriter {
    /// zstd level, 1 (fast) to 22 (small).
    pub level: i32,
    /// Encoding threads. Each holds pieces on their way, a reference of up to 4 MiB and its encoder: with pieces of 1 MiB up to
    /// 20 MiB in all at level 3, 50 MiB at 9, 90 MiB at 19 and 140 MiB at 22.
    pub threads: NonZeroUsize,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The table, which stands before the records.
    pub table: Table,
    /// Pieces that are copied.
    pub copied: usize,
    /// Pieces that are patched.
    pub patched: usize,
}

/// Both images, as they are published.
#[derive(Clone, Copy, Debug)]
pub struct Between<'a> {
    /// The index of the new image, and the digest of its `.idx`.
    pub new: (&'a Index, Digest),
    /// The index of the base image, and the digest of its `.idx`.
    pub base: (&'a Index, Digest),
    /// Where the blocks of the base stand.
    pub map: &'a BlockMap,
}

impl Default for DeltaWriter {
    /// Level 19, all cores.
    fn default() -> DeltaWriter {
        DeltaWriter { level: LEVEL, threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN) }
    }
}

impl DeltaWriter {
    /// Reads the new image to its end and writes its records in order; the table that stands before them in the `.delta` is in what comes
    /// back. `progress` is told the number of pieces that are done.
    pub fn write(
        &self,
        between: &Between<'_>,
        base: &(impl BaseBlocks + ?Sized),
        (raw, records): (&mut impl Read, &mut impl Write),
        mut progress: impl FnMut(usize),
    ) -> Result<Written, WriteError> {
        let (new, old) = (between.new.0, between.base.0);
        if new.piece_size() != old.piece_size() {
            return Err(WriteError::PieceSize { base: old.piece_size(), new: new.piece_size() });
        }
        let maker = Maker { level: self.level, base, map: between.map, base_length: old.raw_length() };
        let mut rows = Vec::new();
        let mut end = header_length(new.pieces().len());
        thread::scope(|scope| {
            let maker = &maker;
            let lanes: Vec<Lane> = (0..self.threads.get())
                .map(|_| {
                    let (jobs, todo): (SyncSender<Job>, _) = sync_channel(DEPTH);
                    let (done, results) = sync_channel(DEPTH);
                    scope.spawn(move || maker.work(&todo, &done));
                    Lane { jobs, results }
                })
                .collect();
            let lane = |piece: usize| lanes.get(piece % lanes.len().max(1)).ok_or(WriteError::Thread);
            let mut take = |piece: usize| {
                let made = lane(piece)?.results.recv().map_err(|_| WriteError::Thread)??;
                let row = row(&made, end);
                records.write_all(&made.record).map_err(WriteError::Write)?;
                end = end.saturating_add(row.length.into());
                rows.push(row);
                progress(rows.len());
                Ok(())
            };
            let room = lanes.len().saturating_mul(DEPTH);
            let mut taken = 0;
            for (number, row) in new.pieces().iter().enumerate() {
                let range = new.piece_range(number).unwrap_or_default();
                let mut piece = Vec::new();
                let length = range.end - range.start;
                raw.by_ref().take(length).read_to_end(&mut piece).map_err(WriteError::Read)?;
                if Digest::of(&piece) != row.raw {
                    return Err(WriteError::Image { piece: number });
                }
                let job = Job { number, piece, offset: range.start, row: *row };
                lane(number)?.jobs.send(job).map_err(|_| WriteError::Thread)?;
                if number - taken + 1 >= room {
                    take(taken)?;
                    taken += 1;
                }
            }
            (taken..new.pieces().len()).try_for_each(take)
        })?;
        records.flush().map_err(WriteError::Write)?;
        let count = |kind| rows.iter().filter(|row: &&Row| row.kind == kind).count();
        let (copied, patched) = (count(Kind::Copy), count(Kind::Patch));
        let table = Table::new(new.piece_size(), between.new.1, between.base.1, rows)
            .map_err(|source| WriteError::Table(Box::new(source)))?;
        Ok(Written { table, copied, patched })
    }
}

fn row(made: &Made, end: u64) -> Row {
    match made.kind {
        Kind::Full => Row::FULL,
        kind => Row {
            kind,
            offset: end,
            // Shorter than the full frame, whose length is 32 bits wide.
            length: u32::try_from(made.record.len()).unwrap_or(u32::MAX),
            digest: Digest::of(&made.record),
        },
    }
}

/// One thread's way in and out; pieces go round the lanes in turn, which keeps their order.
struct Lane {
    jobs: SyncSender<Job>,
    results: Receiver<Result<Made, WriteError>>,
}

struct Job {
    number: usize,
    piece: Vec<u8>,
    offset: u64,
    row: Piece,
}

struct Made {
    kind: Kind,
    record: Vec<u8>,
}

/// What every thread works with.
struct Maker<'a, B: BaseBlocks + ?Sized> {
    level: i32,
    base: &'a B,
    map: &'a BlockMap,
    base_length: u64,
}

impl<B: BaseBlocks + ?Sized> Maker<'_, B> {
    fn work(&self, todo: &Receiver<Job>, done: &SyncSender<Result<Made, WriteError>>) {
        for job in todo {
            if done.send(self.make(&job)).is_err() {
                return; // the other end gave up
            }
        }
    }

    /// The shortest record, or none where the full frame is as short. What is made is undone and compared: blocks are found by a
    /// part of their digest.
    fn make(&self, job: &Job) -> Result<Made, WriteError> {
        let full = job.row.frame_length as usize;
        let found = self.find(job);
        if let Some(runs) = found.iter().copied().collect::<Option<Vec<u32>>>().map(joined)
            && runs.encode().len() < full
            && self.read(&runs)? == job.piece
        {
            return Ok(Made { kind: Kind::Copy, record: runs.encode() });
        }
        let runs = self.reference(job, &found);
        if runs.count() > 0 {
            let reference = self.read(&runs)?;
            let failed = |source| WriteError::Encode { piece: job.number, source };
            let encoder = PatchEncoder { level: self.level };
            let record = encoder.encode(&job.piece, &runs, &reference).map_err(failed)?;
            if record.len() < full {
                let mut again = vec![0; job.piece.len()];
                let undone = PatchRecord::parse(&record, self.base_length)
                    .and_then(|patch| PatchDecoder::new().decode(&patch, &reference, &mut again));
                if undone.is_err() || again != job.piece {
                    let source = FrameError::PieceDigest { expected: job.row.raw, found: Digest::of(&again) };
                    return Err(failed(source));
                }
                return Ok(Made { kind: Kind::Patch, record });
            }
        }
        Ok(Made { kind: Kind::Full, record: Vec::new() })
    }

    /// For each block of the piece, where the base has it: right behind where the one before it was found, else nearest to where the
    /// piece itself stands, moved as the last find was.
    fn find(&self, job: &Job) -> Vec<Option<u32>> {
        let mut expected = job.offset / BLOCK_SIZE;
        job.piece
            .chunks(BLOCK)
            .map(|block| {
                let key = key(block);
                let found = if self.map.holds(expected, key) {
                    u32::try_from(expected).ok()
                } else {
                    self.map.nearest(key, expected)
                };
                expected = found.map_or(expected, u64::from).saturating_add(1);
                found
            })
            .collect()
    }

    /// What a patch of this piece refers to: blocks that it has from elsewhere, those around anchors that its other blocks have from
    /// elsewhere, then a stretch around the place that most of its blocks stand at: that place itself, and one piece to either side
    /// or as much of it as there is room for.
    fn reference(&self, job: &Job, found: &[Option<u32>]) -> Runs {
        let first = job.offset / BLOCK_SIZE;
        let mut votes: HashMap<i64, (usize, usize)> = HashMap::new();
        for (at, block) in found.iter().enumerate() {
            if let Some(block) = block {
                let stands = i64::try_from(first).unwrap_or(i64::MAX).saturating_add_unsigned(at as u64);
                let vote = votes.entry(i64::from(*block).saturating_sub(stands)).or_insert((0, at));
                vote.0 += 1;
            }
        }
        // Of equal ones the one that was found first, so that the same images give the same bytes.
        let moved = votes.iter().max_by_key(|(_, (count, at))| (*count, usize::MAX - at));
        let moved = moved.map_or(0, |(moved, _)| *moved);
        let blocks = job.piece.len() as u64 / BLOCK_SIZE;
        let middle = first.saturating_add_signed(moved);
        let room = u64::from(MAX_REFERENCE) / BLOCK_SIZE;
        let beside = blocks.min(room.saturating_sub(blocks) / 2);
        let start = middle.saturating_sub(beside).min(self.map.count());
        let end = middle.saturating_add(blocks).saturating_add(beside).min(self.map.count());
        let mut left = room.saturating_sub(end - start);
        let mut runs = Runs::default();
        for block in found.iter().flatten().filter(|block| !(start..end).contains(&u64::from(**block))) {
            if left == 0 {
                break;
            }
            runs.push(*block);
            left -= 1;
        }
        let there: BTreeSet<u32> = found.iter().flatten().copied().collect();
        for block in self.anchored(job, found) {
            if left == 0 {
                break;
            }
            if !(start..end).contains(&u64::from(block)) && !there.contains(&block) {
                runs.push(block);
                left -= 1;
            }
        }
        let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        runs.push_run(Run { start: narrow(start), blocks: narrow(end - start) });
        runs
    }

    /// Blocks of the base around what the piece has from there at other borders: a file that has moved by some bytes.
    fn anchored(&self, job: &Job, found: &[Option<u32>]) -> BTreeSet<u32> {
        let mut around = BTreeSet::new();
        if found.iter().all(Option::is_some) {
            return around;
        }
        let first = job.offset / BLOCK_SIZE;
        let last = u32::try_from(self.map.count()).unwrap_or(u32::MAX).saturating_sub(1);
        let mut moved = 0;
        Scan::default().bytes(&job.piece, |key, at| {
            let stands = first.saturating_add((at / BLOCK) as u64);
            if !matches!(found.get(at / BLOCK), Some(None)) {
                return;
            }
            if let Some(block) = self.map.anchors().nearest(key, stands.saturating_add_signed(moved)) {
                moved = i64::from(block).saturating_sub_unsigned(stands);
                around.extend(block.saturating_sub(AROUND)..=block.saturating_add(AROUND).min(last));
            }
        });
        around
    }

    fn read(&self, runs: &Runs) -> Result<Vec<u8>, WriteError> {
        let mut bytes = vec![0; usize::try_from(runs.length()).unwrap_or(0)];
        match rebuild::read(self.base, runs, &mut bytes) {
            Ok(()) => Ok(bytes),
            Err(DeltaError::Base(source)) => Err(WriteError::Base(source)),
            Err(error) => Err(WriteError::Table(Box::new(error))),
        }
    }
}

fn joined(blocks: Vec<u32>) -> Runs {
    let mut runs = Runs::default();
    for block in blocks {
        runs.push(block);
    }
    runs
}

/// Blocks to either side of an anchor: those of one file overlap, being 4 KiB apart in the mean.
const AROUND: u32 = 4;
/// Pieces on their way per thread: one being made, one waiting.
const DEPTH: usize = 2;
/// As for full frames: made once, fetched by a fleet.
const LEVEL: i32 = 19;
