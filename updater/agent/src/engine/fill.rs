//! Makes missing pieces right: fetch, check and decode, write, each on its own thread with bounded queues between.
//!
//! The caller's thread is the only one that writes. It writes nothing before the first frame has passed its digest, been decoded and
//! passed the digest of its piece; right before that first write it calls `first`, where the slot is retired.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use partition_disk::{Aligned, ImageIo};
use release::payload::{Decoder, FrameError, Index};
use release::{Image, Images};

use super::error::Error;
use super::fetch::{Fetch, Frame, Gone};
use super::pool::{Lender, Pool, depth, pool};
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
    pub(super) stop: &'a Interrupt,
}

/// What a fill moved, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) fetched: u64,
    pub(super) written: u64,
}

/// What the writing thread tells.
pub(super) trait Watch {
    /// Right before the first byte is written.
    fn first(&mut self) -> crate::Result<()>;

    /// A piece was written; `fetched` bytes have come in so far.
    fn wrote(&mut self, image: Image, piece: usize, fetched: u64);
}

/// A piece on its way to the device.
struct Block {
    image: Image,
    piece: usize,
    offset: u64,
    bytes: Aligned,
}

impl Fill<'_> {
    /// Writes every missing piece and flushes. What was written when it ends early is right, and stays.
    pub(super) fn run(&self, watch: &mut dyn Watch) -> crate::Result<Filled> {
        let piece_size = self.indexes.iter().map(|(_, index)| index.piece_size()).max().unwrap_or(0);
        let depth = depth(piece_size);
        // One being decoded, one being written, the rest waiting.
        let (buffers, lender) = pool(piece_size, depth.saturating_add(2));
        let fetched = AtomicU64::new(0);
        thread::scope(|scope| {
            let (frames_out, frames_in) = sync_channel(depth);
            let (blocks_out, blocks_in) = sync_channel(depth);
            let Fill { indexes, work, source, stop, .. } = *self;
            let fetch = Fetch { source, indexes, work, stop, fetched: &fetched };
            let fetching =
                scope.spawn(move || fetch.run(&mut |frame| frames_out.send(frame).map_err(|_| Gone)));
            let decoding = scope.spawn(move || decode(indexes, &buffers, &frames_in, &blocks_out));
            let written = self.write(&blocks_in, &lender, &fetched, watch);
            // A thread that waits for either end sees that nobody is left.
            drop((blocks_in, lender));
            let decoded = decoding.join().map_err(|_| Error::Thread)?;
            let fetch = fetching.join().map_err(|_| Error::Thread)?;
            let written = written?;
            decoded?;
            fetch?;
            Ok(Filled { fetched: fetched.load(Ordering::Relaxed), written })
        })
    }

    fn write(
        &self,
        blocks: &Receiver<Block>,
        lender: &Lender,
        fetched: &AtomicU64,
        watch: &mut dyn Watch,
    ) -> crate::Result<u64> {
        let mut written = 0_u64;
        loop {
            if self.stop.raised() {
                // What was written so far is worth keeping, and a flush is what keeps it.
                self.flush()?;
                return Err(Error::Interrupted.into());
            }
            let Block { image, piece, offset, bytes } = match blocks.recv_timeout(POLL) {
                Ok(block) => block,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if written == 0 {
                watch.first()?;
            }
            let io = self.images.get(image);
            io.write_at(offset, &bytes).map_err(|source| Error::Write { image, piece, source })?;
            written = written.saturating_add(bytes.len() as u64);
            lender.give_back(bytes);
            watch.wrote(image, piece, fetched.load(Ordering::Relaxed));
        }
        self.flush()?;
        Ok(written)
    }

    fn flush(&self) -> Result<(), Error> {
        for (image, io) in self.images.iter() {
            io.flush().map_err(|source| Error::Flush { image, source })?;
        }
        Ok(())
    }
}

/// Turns checked frames into checked pieces.
fn decode(
    indexes: &Images<Index>,
    buffers: &Pool,
    frames: &Receiver<Frame>,
    blocks: &SyncSender<Block>,
) -> Result<(), Error> {
    let fail = |image, piece| move |source: FrameError| Error::Frame { image, piece, source };
    let mut decoder = Decoder::new().map_err(|_| Error::Thread)?;
    for Frame { image, piece, bytes: frame } in frames {
        let index = indexes.get(image);
        let (Some(row), Some(range)) = (index.pieces().get(piece), index.piece_range(piece)) else {
            continue;
        };
        let Some(mut bytes) = buffers.take(range.end.saturating_sub(range.start)) else { return Ok(()) };
        decoder.decode_piece(row, &frame, &mut bytes).map_err(fail(image, piece))?;
        if blocks.send(Block { image, piece, offset: range.start, bytes }).is_err() {
            return Ok(()); // the writer has its own reason
        }
    }
    Ok(())
}

/// How long a stop flag can go unseen.
const POLL: Duration = Duration::from_millis(100);
