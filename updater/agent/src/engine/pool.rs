//! A fixed number of piece buffers that go round between threads: this is what keeps memory constant.

use std::sync::mpsc::{Receiver, Sender, channel};

use partition_disk::Aligned;

/// The end that takes buffers.
#[derive(Debug)]
pub(super) struct Pool {
    spare: Receiver<Aligned>,
}

/// The end that gives them back.
#[derive(Clone, Debug)]
pub(super) struct Lender(Sender<Aligned>);

/// `count` buffers of one piece each.
pub(super) fn pool(piece_size: u32, count: usize) -> (Pool, Lender) {
    let (back, spare) = channel();
    let lender = Lender(back);
    for _ in 0..count {
        lender.give_back(Aligned::zeroed(usize::try_from(piece_size).unwrap_or(usize::MAX)));
    }
    (Pool { spare }, lender)
}

/// How many pieces may wait in a queue: 4 MiB of them, at least one.
pub(super) fn depth(piece_size: u32) -> usize {
    usize::try_from(QUEUE_BYTES.checked_div(piece_size).unwrap_or(1)).unwrap_or(1).clamp(1, MOST_WAITING)
}

impl Pool {
    /// A buffer that shows `length` bytes, once one is back; `None` when nobody is left who could give one back.
    pub(super) fn take(&self, length: u64) -> Option<Aligned> {
        let mut buffer = self.spare.recv().ok()?;
        buffer.resize(usize::try_from(length).unwrap_or(usize::MAX));
        Some(buffer)
    }
}

impl Lender {
    /// Gives a buffer back; once the taker is gone it is freed.
    pub(super) fn give_back(&self, buffer: Aligned) {
        let _ = self.0.send(buffer);
    }
}

const QUEUE_BYTES: u32 = 4 << 20;
/// Small pieces need no longer queues: sixteen are enough to keep every thread busy.
const MOST_WAITING: usize = 16;
