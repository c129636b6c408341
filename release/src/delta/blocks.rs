//! Where in a base image blocks stand.

use std::io;

use super::anchors::{Anchors, Scan};
use crate::Digest;

/// The base image, read anywhere and from several threads.
pub trait BaseBlocks: Sync {
    /// Fills `out`, a whole number of blocks, from this byte on.
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;
}

impl BaseBlocks for [u8] {
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).ok();
        let bytes = start.and_then(|start| self.get(start..)?.get(..out.len()));
        out.copy_from_slice(bytes.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?);
        Ok(())
    }
}

/// The blocks of a base image by what they hold, and its anchors: 20 bytes for each block in the mean. Digests are cut to 64 bits
/// here; who uses a find checks what comes out.
#[derive(Clone, Debug, Default)]
pub struct BlockMap {
    /// In the order of the image.
    by_place: Vec<u64>,
    /// Numbers of blocks in the order of their digests, then of their places.
    by_digest: Vec<u32>,
    anchors: Anchors,
}

impl BlockMap {
    /// Reads the whole base, of `length` bytes.
    pub fn of(base: &(impl BaseBlocks + ?Sized), length: u64) -> io::Result<BlockMap> {
        BlockMap::read(base, length, |_| {})
    }

    /// The same; `progress` is told how many bytes are read.
    pub fn read(
        base: &(impl BaseBlocks + ?Sized),
        length: u64,
        mut progress: impl FnMut(u64),
    ) -> io::Result<BlockMap> {
        // As many as there are: one that grows would take up to twice the room.
        let mut by_place = Vec::new();
        by_place.try_reserve_exact(usize::try_from(length / BLOCK as u64).unwrap_or(usize::MAX))?;
        let (mut anchors, mut scan) = (Anchors::default(), Scan::default());
        let mut buffer = vec![0; READ];
        let mut offset = 0;
        while offset < length {
            let rest = usize::try_from(length - offset).unwrap_or(READ).min(READ);
            let piece = buffer.get_mut(..rest).unwrap_or_default();
            base.read(offset, piece)?;
            for block in piece.chunks(BLOCK) {
                let number = u32::try_from(by_place.len()).unwrap_or(u32::MAX);
                anchors.block(&mut scan, number, block);
                by_place.push(key(block));
            }
            offset += rest as u64;
            progress(offset);
        }
        let mut by_digest: Vec<u32> = (0..u32::try_from(by_place.len()).unwrap_or(u32::MAX)).collect();
        by_digest.sort_unstable_by_key(|block| (by_place.get(*block as usize).copied(), *block));
        anchors.sort();
        Ok(BlockMap { by_place, by_digest, anchors })
    }

    /// Blocks in all.
    pub fn count(&self) -> u64 {
        self.by_place.len() as u64
    }

    /// Where blocks of other borders have gone.
    pub(super) fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Whether this block of the base holds these bytes.
    pub(super) fn holds(&self, block: u64, key: u64) -> bool {
        usize::try_from(block).ok().and_then(|block| self.by_place.get(block)) == Some(&key)
    }

    /// The block with these bytes that is nearest to `near`; `None`: the base has none.
    pub(super) fn nearest(&self, key: u64, near: u64) -> Option<u32> {
        let place = |block: &u32| self.by_place.get(*block as usize).copied();
        let from = self.by_digest.partition_point(|block| place(block) < Some(key));
        let found = self.by_digest.get(from..)?;
        let found = found.get(..found.partition_point(|block| place(block) == Some(key)))?;
        // In the order of places: the nearest is beside where `near` would stand.
        let after = found.partition_point(|block| u64::from(*block) < near);
        let beside = [after.checked_sub(1).and_then(|before| found.get(before)), found.get(after)];
        beside.into_iter().flatten().copied().min_by_key(|block| u64::from(*block).abs_diff(near))
    }
}

/// What stands for a block.
pub(super) fn key(block: &[u8]) -> u64 {
    let digest = Digest::of(block);
    u64::from_le_bytes(*digest.bytes().first_chunk().unwrap_or(&[0; 8]))
}

/// Bytes of a block.
pub(super) const BLOCK: usize = 4096;
/// Bytes read at once.
const READ: usize = 1 << 20;
