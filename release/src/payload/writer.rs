//! From a raw image to frames and index, over all cores, in bounded memory.

use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::{BLOCK_SIZE, Encoder, FrameError, Index, PIECE_SIZE, PackError, Piece, max_frame_length};
use crate::{Digest, Hasher};

/// How an image is made into frames. The same image gives the same bytes with any number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameWriter {
    /// Length of a piece in bytes: a power of two from 64 KiB to 4 MiB.
    pub piece_size: u32,
    /// zstd level, 1 (fast) to 22 (small).
    pub level: i32,
    /// Encoding threads. Each holds two pieces, their frames and its encoder: 5 MiB in all at level 3, 22 MiB at
    /// level 19, with 1 MiB pieces.
    pub threads: NonZeroUsize,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the raw image that are through.
    pub raw: u64,
    /// Bytes of frames that are through.
    pub frames: u64,
    /// Length of the raw image, where it is known.
    pub total: Option<u64>,
}

impl Default for FrameWriter {
    /// 1 MiB pieces, level 19, all cores.
    fn default() -> FrameWriter {
        FrameWriter {
            piece_size: PIECE_SIZE,
            level: LEVEL,
            threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

impl FrameWriter {
    /// Reads the raw image to its end, writes its frames in order, and returns their index. The image must be a whole
    /// number of 4 KiB blocks; nothing is padded.
    pub fn write(
        &self,
        raw: &mut impl Read,
        frames: &mut impl Write,
        mut progress: impl FnMut(Progress),
    ) -> Result<Index, PackError> {
        // Refuse before the first byte is read.
        Index::new(self.piece_size, BLOCK_SIZE, Digest::new([0; 32]), vec![SOME_PIECE])
            .map_err(PackError::Index)?;
        thread::scope(|scope| {
            let lanes: Vec<Lane> = (0..self.threads.get())
                .map(|_| {
                    let (jobs, todo) = sync_channel(DEPTH);
                    let (done, results) = sync_channel(DEPTH);
                    scope.spawn(move || encode(self.level, &todo, &done));
                    Lane { jobs, results }
                })
                .collect();
            Stream {
                writer: self,
                lanes,
                whole: Hasher::new(),
                raw_length: 0,
                frames_length: 0,
                pieces: Vec::new(),
            }
            .run(raw, frames, &mut progress)
        })
    }
}

/// One thread's way in and out. Pieces go round the lanes in turn, so taking results in the same turn keeps order.
struct Lane {
    jobs: SyncSender<Vec<u8>>,
    results: Receiver<Result<Encoded, FrameError>>,
}

/// A piece and its frame. The piece's memory comes back for the next one.
struct Encoded {
    piece: Vec<u8>,
    frame: Vec<u8>,
    row: Piece,
}

/// What runs on each thread.
fn encode(level: i32, todo: &Receiver<Vec<u8>>, done: &SyncSender<Result<Encoded, FrameError>>) {
    let mut encoder = Encoder::new(level);
    for piece in todo {
        let result = match &mut encoder {
            Ok(encoder) => encoder.encode(&piece),
            Err(_) => Encoder::new(level).and_then(|mut encoder| encoder.encode(&piece)),
        };
        let result = result.map(|frame| Encoded {
            row: Piece {
                // A frame is never longer than its bound, which is far below 4 GiB; `Index::new` checks it.
                frame_length: u32::try_from(frame.len()).unwrap_or(u32::MAX),
                frame: Digest::of(&frame),
                raw: Digest::of(&piece),
            },
            piece,
            frame,
        });
        if done.send(result).is_err() {
            return; // the other end gave up
        }
    }
}

/// The image on its way through.
struct Stream<'a> {
    writer: &'a FrameWriter,
    lanes: Vec<Lane>,
    whole: Hasher,
    raw_length: u64,
    frames_length: u64,
    pieces: Vec<Piece>,
}

impl Stream<'_> {
    fn run(
        mut self,
        raw: &mut impl Read,
        frames: &mut impl Write,
        progress: &mut impl FnMut(Progress),
    ) -> Result<Index, PackError> {
        let room = self.lanes.len().saturating_mul(DEPTH);
        let mut sent = 0_usize;
        let mut spare = Vec::new();
        loop {
            let piece = self.read_piece(raw, spare)?;
            if piece.is_empty() {
                break;
            }
            self.lane(sent)?.jobs.send(piece).map_err(|_| PackError::Thread)?;
            sent = sent.saturating_add(1);
            spare = if sent.saturating_sub(self.pieces.len()) >= room {
                self.take(frames, progress)?
            } else {
                Vec::new()
            };
        }
        while self.pieces.len() < sent {
            self.take(frames, progress)?;
        }
        frames.flush().map_err(PackError::Write)?;
        let whole = std::mem::take(&mut self.whole).finish();
        Index::new(self.writer.piece_size, self.raw_length, whole, self.pieces).map_err(PackError::Index)
    }

    /// The next piece of the image, shorter only at its end, empty after it.
    fn read_piece(&mut self, raw: &mut impl Read, mut piece: Vec<u8>) -> Result<Vec<u8>, PackError> {
        piece.clear();
        let size = u64::from(self.writer.piece_size);
        raw.by_ref().take(size).read_to_end(&mut piece).map_err(PackError::Read)?;
        self.whole.update(&piece);
        self.raw_length = self.raw_length.saturating_add(piece.len() as u64);
        Ok(piece)
    }

    /// Takes the next frame in order, writes it, and gives back the piece's memory.
    fn take(
        &mut self,
        frames: &mut impl Write,
        progress: &mut impl FnMut(Progress),
    ) -> Result<Vec<u8>, PackError> {
        let number = self.pieces.len();
        let result = self.lane(number)?.results.recv().map_err(|_| PackError::Thread)?;
        let encoded = result.map_err(|source| PackError::Encode { piece: number, source })?;
        frames.write_all(&encoded.frame).map_err(PackError::Write)?;
        self.frames_length = self.frames_length.saturating_add(encoded.frame.len() as u64);
        self.pieces.push(encoded.row);
        let through = (number as u64).saturating_add(1).saturating_mul(u64::from(self.writer.piece_size));
        progress(Progress { raw: through.min(self.raw_length), frames: self.frames_length, total: None });
        Ok(encoded.piece)
    }

    fn lane(&self, piece: usize) -> Result<&Lane, PackError> {
        self.lanes.get(piece % self.lanes.len().max(1)).ok_or(PackError::Thread)
    }
}

/// Pieces on their way per thread: one being encoded, one waiting.
const DEPTH: usize = 2;
/// Small frames matter more than the time to make them: each is made once and fetched by a fleet.
const LEVEL: i32 = 19;
const SOME_PIECE: Piece =
    Piece { frame_length: max_frame_length(0), frame: Digest::new([0; 32]), raw: Digest::new([0; 32]) };
