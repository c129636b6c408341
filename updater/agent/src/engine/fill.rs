//! Makes missing pieces right: fetch, check and decode, write, each on its own thread with bounded queues between.
//!
//! The caller's thread is the only one that writes. It writes nothing before the first frame has passed its digest, been decoded and
//! passed the digest of its piece; right before that first write it calls `first`, where the slot is retired.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use partition_disk::{Aligned, ImageIo};
use release::payload::Index;
use release::{Image, Images};
use updater_core::Likeness;

use super::decode::{Block, Make, decode};
use super::delta::{Base, Deltas};
use super::error::Error;
use super::fetch::{Fetch, Gone};
use super::files::File;
use super::likeness::{Gate, Lost};
use super::pool::{Lender, depth, pool};
use super::source::FrameSource;
use super::work::Work;
use crate::interrupt::Interrupt;

/// Everything that a fill needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fill<'a> {
    pub(super) images: &'a Images<ImageIo>,
    pub(super) indexes: &'a Images<Index>,
    pub(super) work: &'a Work,
    pub(super) source: &'a dyn FrameSource,
    /// The shorter way, and what it starts from.
    pub(super) delta: Option<(&'a Deltas<'a>, &'a Base)>,
    /// What of a piece is written.
    pub(super) writes: Writes,
    pub(super) stop: &'a Interrupt,
}

/// What of a piece that is not right is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writes {
    /// All of it: the slot holds bytes of which nothing is known.
    All,
    /// The blocks that differ from what is there, which is read for it: the slot holds an earlier release, most of whose blocks stay.
    Differing,
}

/// What a fill moved, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) fetched: u64,
    pub(super) written: u64,
    /// Pieces whose records did not lead to the right bytes.
    pub(super) fallen: usize,
}

/// What the writing thread tells.
pub(super) trait Watch {
    /// Right before the first byte is written.
    fn first(&mut self) -> crate::Result<()>;

    /// A piece was written; `fetched` bytes have come in so far.
    fn wrote(&mut self, image: Image, piece: usize, fetched: u64);

    /// What a delta could not do, full frames will; what of this image, and why.
    fn without(&mut self, image: Image, lost: &Lost);

    /// The records of so many pieces did not lead to them, as full frames will; what was found of the base.
    fn fell(&mut self, pieces: usize, likeness: &Images<Likeness>);
}

impl Fill<'_> {
    /// Writes every missing piece and flushes: first those that have records, from what runs, then the rest, and what the records did
    /// not lead to, from full frames, then zeros, which nobody fetches. These come last, so that the slot is not retired before something
    /// came in that is right. What was written when it ends early is right, and stays.
    pub(super) fn run(&self, watch: &mut dyn Watch) -> crate::Result<Filled> {
        let mut done = Done::default();
        let fetched = AtomicU64::new(0);
        let zeros = self.work.zeros(self.indexes);
        let wanted = self.work.without(&zeros);
        if let Some((deltas, base)) = self.delta {
            let files = deltas.tables.as_ref().map(|_, table| table.as_ref().map(File::Records));
            let work = wanted.of(&files);
            let gate = Gate::new(deltas.likeness);
            let (source, stop, gate) = (deltas.source, self.stop, &gate);
            let fetch = Fetch { source, files, work: &work, stop, fetched: &fetched, gate: Some(gate) };
            let passed = self.pass(&fetch, &Make::Records(&deltas.tables, base, gate), &mut done, watch);
            done.fallen = gate.wrong();
            if done.fallen > 0 {
                watch.fell(done.fallen, &gate.likeness());
            }
            gate.lost().map(|image, lost| watch.without(image, &lost));
            passed?;
        }
        let files = self.indexes.as_ref().map(|_, index| Some(File::Frames(index)));
        let work = wanted.but(&done.pieces);
        let (source, stop) = (self.source, self.stop);
        let fetch = Fetch { source, files, work: &work, stop, fetched: &fetched, gate: None };
        self.pass(&fetch, &Make::Frames, &mut done, watch)?;
        self.zero(&zeros, &fetched, &mut done, watch)?;
        Ok(Filled { fetched: fetched.load(Ordering::Relaxed), written: done.written, fallen: done.fallen })
    }

    /// One way through all three images.
    fn pass(
        &self,
        fetch: &Fetch<'_>,
        make: &Make<'_>,
        done: &mut Done,
        watch: &mut dyn Watch,
    ) -> crate::Result<()> {
        let piece_size = u32::try_from(self.piece_size()).unwrap_or(u32::MAX);
        let depth = depth(piece_size);
        // One being decoded, one being written, the rest waiting.
        let (buffers, lender) = pool(piece_size, depth.saturating_add(2));
        thread::scope(|scope| {
            let (frames_out, frames_in) = sync_channel(depth);
            let (blocks_out, blocks_in) = sync_channel(depth);
            let Fill { indexes, .. } = *self;
            let fetching =
                scope.spawn(move || fetch.run(&mut |frame| frames_out.send(frame).map_err(|_| Gone)));
            let spare = lender.clone();
            let decoding =
                scope.spawn(move || decode(indexes, make, (&buffers, &spare), &frames_in, &blocks_out));
            let written = self.write((&blocks_in, &lender), fetch.fetched, done, watch);
            // A thread that waits for either end sees that nobody is left.
            drop((blocks_in, lender));
            let decoded = decoding.join().map_err(|_| Error::Thread)?;
            let fetched = fetching.join().map_err(|_| Error::Thread)?;
            written?;
            decoded?;
            Ok(fetched?)
        })
    }

    fn write(
        &self,
        (blocks, lender): (&Receiver<Block>, &Lender),
        fetched: &AtomicU64,
        done: &mut Done,
        watch: &mut dyn Watch,
    ) -> crate::Result<()> {
        let mut there = self.looking_room();
        loop {
            if self.stop.raised() {
                // What was written so far is worth keeping, and a flush is what keeps it.
                self.flush()?;
                return Err(Error::Interrupted.into());
            }
            let block = match blocks.recv_timeout(POLL) {
                Ok(block) => block,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            self.put(&block, &mut there, done, watch)?;
            watch.wrote(block.image, block.piece, fetched.load(Ordering::Relaxed));
            lender.give_back(block.bytes);
        }
        Ok(self.flush()?)
    }

    /// Writes what of a piece is not there yet. `there` is room to look.
    fn put(
        &self,
        block: &Block,
        there: &mut Aligned,
        done: &mut Done,
        watch: &mut dyn Watch,
    ) -> crate::Result<()> {
        let Block { image, piece, offset, ref bytes } = *block;
        let io = self.images.get(image);
        let runs = match self.writes {
            Writes::All => whole(bytes),
            Writes::Differing => {
                there.resize(bytes.len());
                // A device that does not read may still write.
                match io.read_at(offset, there) {
                    Ok(()) => differing(there, bytes),
                    Err(_) => whole(bytes),
                }
            }
        };
        for run in runs {
            if done.written == 0 {
                watch.first()?;
            }
            done.written = done.written.saturating_add(run.len() as u64);
            let written = io.write_part_at(offset, bytes, run);
            written.map_err(|source| Error::Write { image, piece, source })?;
        }
        done.pieces.get_mut(image).push(piece);
        Ok(())
    }

    /// Writes these pieces, of zeros, and flushes.
    fn zero(
        &self,
        zeros: &Work,
        fetched: &AtomicU64,
        done: &mut Done,
        watch: &mut dyn Watch,
    ) -> crate::Result<()> {
        if zeros.is_empty() {
            return Ok(());
        }
        let (mut bytes, mut there) = (Aligned::zeroed(self.piece_size()), self.looking_room());
        for image in Image::ALL {
            for &piece in zeros.missing(image) {
                if self.stop.raised() {
                    self.flush()?;
                    return Err(Error::Interrupted.into());
                }
                let range = self.indexes.get(image).piece_range(piece).unwrap_or_default();
                bytes.resize(usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX));
                let block = Block { image, piece, offset: range.start, bytes };
                self.put(&block, &mut there, done, watch)?;
                watch.wrote(image, piece, fetched.load(Ordering::Relaxed));
                bytes = block.bytes;
            }
        }
        Ok(self.flush()?)
    }

    /// Room for what is there, where that is looked at.
    fn looking_room(&self) -> Aligned {
        match self.writes {
            Writes::All => Aligned::zeroed(0),
            Writes::Differing => Aligned::zeroed(self.piece_size()),
        }
    }

    /// Bytes of the longest piece.
    fn piece_size(&self) -> usize {
        let size = self.indexes.iter().map(|(_, index)| index.piece_size()).max().unwrap_or(0);
        usize::try_from(size).unwrap_or(usize::MAX)
    }

    fn flush(&self) -> Result<(), Error> {
        for (image, io) in self.images.iter() {
            io.flush().map_err(|source| Error::Flush { image, source })?;
        }
        Ok(())
    }
}

/// What a fill has done so far.
#[derive(Debug, Default)]
struct Done {
    written: u64,
    /// Pieces that were written, ascending.
    pieces: Images<Vec<usize>>,
    fallen: usize,
}

/// One run of all of it.
fn whole(bytes: &[u8]) -> Vec<Range<usize>> {
    std::iter::once(0..bytes.len()).collect()
}

/// Runs of blocks in which the two differ. Both are as long; gaps shorter than [`GAP`] are written along, which is quicker than one
/// more write.
fn differing(there: &[u8], wanted: &[u8]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let pairs = there.chunks(Aligned::ALIGN).zip(wanted.chunks(Aligned::ALIGN)).enumerate();
    for (number, _) in pairs.filter(|(_, (there, wanted))| there != wanted) {
        let start = number.saturating_mul(Aligned::ALIGN);
        let end = start.saturating_add(Aligned::ALIGN).min(wanted.len());
        match runs.last_mut() {
            Some(run) if start.saturating_sub(run.end) < GAP => run.end = end,
            _ => runs.push(start..end),
        }
    }
    runs
}

/// One block may be written for nothing between two that must be.
const GAP: usize = 2 * Aligned::ALIGN;
/// How long a stop flag can go unseen.
const POLL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_hold_every_block_that_differs_and_at_most_one_more_between_two() {
        let block = Aligned::ALIGN;
        let there = vec![7; 9 * block];
        let runs = |changed: &[usize]| -> Vec<(usize, usize)> {
            let mut wanted = there.clone();
            for number in changed {
                wanted[number * block + 11] ^= 1;
            }
            let runs = differing(&there, &wanted);
            runs.into_iter().map(|run| (run.start / block, run.end / block)).collect()
        };
        assert_eq!(runs(&[]), []);
        assert_eq!(runs(&[0]), [(0, 1)]);
        assert_eq!(runs(&[8]), [(8, 9)]);
        assert_eq!(runs(&[1, 2, 4]), [(1, 5)]);
        assert_eq!(runs(&[0, 3, 8]), [(0, 1), (3, 4), (8, 9)]);
    }
}
