//! Reads pieces of a slot and says which are right. Survey and read-back are both this one function, so a piece that was
//! found right and one that was read back have passed the same test.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use partition_disk::{Aligned, ImageIo};
use release::payload::Index;
use release::{Digest, Image};

use super::error::Error;
use super::pool::{Lender, Pool, depth, pool};
use crate::interrupt::Interrupt;

/// One image of a slot and what it is to hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) image: Image,
    pub(super) index: &'a Index,
    pub(super) io: &'a ImageIo,
}

/// What the slot holds where a piece should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) piece: usize,
    /// Bytes of the piece.
    pub(super) length: u64,
    /// Digest of what was read.
    pub(super) digest: Digest,
    /// It is the digest in the index.
    pub(super) right: bool,
}

/// Reads these pieces (ascending) from the device, past every cache, and tells their digests. Reading and hashing overlap.
pub(super) fn scan(
    target: Target<'_>,
    pieces: &[usize],
    interrupt: &Interrupt,
    tell: &mut dyn FnMut(Seen) -> Result<(), Error>,
) -> Result<(), Error> {
    let size = target.index.piece_size();
    let depth = depth(size);
    let (buffers, lender) = pool(size, depth.saturating_add(2));
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(depth);
        let reader = scope.spawn(move || read(target, pieces, &buffers, &sender));
        let compared = compare(target.index, &receiver, &lender, |seen| {
            if interrupt.raised() {
                return Err(Error::Interrupted);
            }
            tell(seen)
        });
        // A reader that waits for either sees that nobody is left.
        drop((receiver, lender));
        let read = reader.join().map_err(|_| Error::Thread)?;
        compared.and(read)
    })
}

fn read(
    target: Target<'_>,
    pieces: &[usize],
    buffers: &Pool,
    sender: &SyncSender<(usize, Aligned)>,
) -> Result<(), Error> {
    let Target { image, index, io } = target;
    for &piece in pieces {
        let Some(range) = index.piece_range(piece) else { continue };
        let Some(mut buffer) = buffers.take(range.end.saturating_sub(range.start)) else { break };
        io.read_at(range.start, &mut buffer).map_err(|source| Error::Read { image, piece, source })?;
        if sender.send((piece, buffer)).is_err() {
            break; // the other end has its own reason
        }
    }
    Ok(())
}

fn compare(
    index: &Index,
    receiver: &Receiver<(usize, Aligned)>,
    lender: &Lender,
    mut tell: impl FnMut(Seen) -> Result<(), Error>,
) -> Result<(), Error> {
    for (piece, buffer) in receiver {
        let digest = Digest::of(&buffer);
        let length = buffer.len() as u64;
        lender.give_back(buffer);
        let right = index.pieces().get(piece).is_some_and(|row| row.raw == digest);
        tell(Seen { piece, length, digest, right })?;
    }
    Ok(())
}
