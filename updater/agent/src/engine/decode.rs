//! Turns checked bytes, frames or records, into checked pieces.

use std::sync::mpsc::{Receiver, SyncSender};

use partition_disk::Aligned;
use release::delta::{Rebuilder, Table};
use release::payload::{Decoder, FrameError, Index};
use release::{Image, Images};

use super::delta::Base;
use super::error::Error;
use super::fetch::Frame;
use super::likeness::Gate;
use super::pool::{Lender, Pool};

/// A piece on its way to the device.
pub(super) struct Block {
    pub(super) image: Image,
    pub(super) piece: usize,
    pub(super) offset: u64,
    pub(super) bytes: Aligned,
}

/// How bytes that came in become pieces.
#[derive(Clone, Copy, Debug)]
pub(super) enum Make<'a> {
    /// They are frames.
    Frames,
    /// They are records of these tables, about these images; what comes of each is told at the gate.
    Records(&'a Images<Option<Table>>, &'a Base, &'a Gate),
}

/// Decodes until there are no more, or nobody is left to take them.
pub(super) fn decode(
    indexes: &Images<Index>,
    make: &Make<'_>,
    buffers: (&Pool, &Lender),
    frames: &Receiver<Frame>,
    blocks: &SyncSender<Block>,
) -> Result<(), Error> {
    let decoded = decode_all(indexes, make, buffers, frames, blocks);
    if let Make::Records(_, _, gate) = make {
        // Who waits there sees that nobody is left.
        gate.close();
    }
    decoded
}

fn decode_all(
    indexes: &Images<Index>,
    make: &Make<'_>,
    (buffers, spare): (&Pool, &Lender),
    frames: &Receiver<Frame>,
    blocks: &SyncSender<Block>,
) -> Result<(), Error> {
    let fail = |image, piece| move |source: FrameError| Error::Frame { image, piece, source };
    let mut decoder = Decoder::new().map_err(|_| Error::Thread)?;
    let mut rebuilders = Images::<Rebuilder>::default();
    for Frame { image, piece, bytes: frame } in frames {
        let index = indexes.get(image);
        let (Some(row), Some(range)) = (index.pieces().get(piece), index.piece_range(piece)) else {
            continue;
        };
        let Some(mut bytes) = buffers.take(range.end.saturating_sub(range.start)) else { return Ok(()) };
        match make {
            Make::Frames => decoder.decode_piece(row, &frame, &mut bytes).map_err(fail(image, piece))?,
            Make::Records(tables, base, gate) => {
                let record = tables.get(image).as_ref().and_then(|table| table.rows().get(piece));
                let base = base.image(image);
                let rebuilt = record.is_some_and(|record| {
                    rebuilders
                        .get_mut(image)
                        .rebuild((record, &frame), (base, base.length()), row, &mut bytes)
                        .is_ok()
                });
                let length = frame.len() as u64;
                if !rebuilt {
                    // The base is not what it should be, here at least; the full frame follows.
                    gate.tell(image, |likeness| likeness.wrong_one(length));
                    spare.give_back(bytes);
                    continue;
                }
                gate.tell(image, |likeness| likeness.right(length, row.frame_length.into()));
            }
        }
        if blocks.send(Block { image, piece, offset: range.start, bytes }).is_err() {
            return Ok(()); // the writer has its own reason
        }
    }
    Ok(())
}
