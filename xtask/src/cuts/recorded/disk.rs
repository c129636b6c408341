//! The disk as it is durable: the untouched copy, and over it the sectors that the log made durable.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use fixtures::crash::Random;

/// The disk before the first entry of the log.
#[derive(Debug)]
pub(super) struct Before {
    path: PathBuf,
    file: File,
    bytes: u64,
}

/// What a sector holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    Bytes(&'a [u8]),
    /// Discarded. The drive may answer anything, so it answers noise: zeros may happen to be what an image holds.
    Undefined,
}

/// The durable contents at one point of the log.
#[derive(Debug)]
pub(super) struct Durable<'a> {
    before: &'a Before,
    sector_size: usize,
    over: HashMap<u64, Content<'a>>,
}

impl Before {
    pub(super) fn open(path: &Path) -> Result<Before> {
        let named = || format!("failed to open {}", path.display());
        let file = File::open(path).with_context(named)?;
        let bytes = file.metadata().with_context(named)?.len();
        Ok(Before { path: path.to_owned(), file, bytes })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn read(&self, off: u64, buf: &mut [u8]) -> Result<()> {
        let read = self.file.read_exact_at(buf, off);
        read.with_context(|| format!("failed to read {} at byte {off}", self.path.display()))
    }
}

impl Content<'_> {
    /// The bytes of the sector with this number.
    pub(super) fn fill(self, sector: u64, buf: &mut [u8]) {
        match self {
            Content::Bytes(bytes) => buf.copy_from_slice(bytes),
            Content::Undefined => {
                let mut random = Random::new(sector ^ NOISE);
                buf.chunks_mut(8).for_each(|word| {
                    let noise = random.next().to_le_bytes();
                    word.copy_from_slice(noise.get(..word.len()).unwrap_or_default());
                });
            }
        }
    }
}

impl<'a> Durable<'a> {
    pub(super) fn new(before: &'a Before, sector_size: usize) -> Durable<'a> {
        Durable { before, sector_size, over: HashMap::new() }
    }

    pub(super) fn read(&self, sector: u64, buf: &mut [u8]) -> Result<()> {
        match self.over.get(&sector) {
            Some(content) => content.fill(sector, buf),
            None => self.before.read(sector * self.sector_size as u64, buf)?,
        }
        Ok(())
    }

    pub(super) fn write(&mut self, sector: u64, content: Content<'a>) {
        self.over.insert(sector, content);
    }

    /// Makes a disk image file with these contents and, over them, `arrived`.
    pub(super) fn save(&self, path: &Path, arrived: impl Iterator<Item = (u64, Content<'a>)>) -> Result<()> {
        let named = || format!("failed to write {}", path.display());
        let mut copy = crate::process::program("cp", &["--sparse=always", "--reflink=auto"]);
        crate::process::run(copy.arg(&self.before.path).arg(path))?;
        let file = File::options().write(true).open(path).with_context(named)?;
        let mut bytes = vec![0; self.sector_size];
        for (sector, content) in self.over.iter().map(|(&sector, &content)| (sector, content)).chain(arrived)
        {
            content.fill(sector, &mut bytes);
            file.write_all_at(&bytes, sector * self.sector_size as u64).with_context(named)?;
        }
        Ok(())
    }

    /// Compares with the disk as it was left; discarded sectors may hold anything.
    pub(super) fn equals(&self, after: &Before) -> Result<()> {
        ensure!(after.bytes == self.before.bytes, "the disk changed its size while it was recorded");
        let mut piece = vec![0; PIECE];
        let mut left = vec![0; PIECE];
        for off in (0..after.bytes).step_by(PIECE) {
            let length = usize::try_from(after.bytes - off).unwrap_or(PIECE).min(PIECE);
            let (piece, left) = (&mut piece[..length], &mut left[..length]);
            self.before.read(off, piece)?;
            after.read(off, left)?;
            let sectors = piece.chunks_mut(self.sector_size).zip(left.chunks(self.sector_size));
            for (sector, (own, left)) in (off / self.sector_size as u64..).zip(sectors) {
                match self.over.get(&sector) {
                    Some(Content::Undefined) => continue,
                    Some(content) if own.len() == self.sector_size => content.fill(sector, own),
                    _ => {}
                }
                ensure!(
                    own == left,
                    "the log does not lead to the disk that was left: sector {sector} differs"
                );
            }
        }
        Ok(())
    }
}

/// Bytes compared at once: whole sectors of either size.
const PIECE: usize = 1 << 20;
/// So that noise is not what some other test writes.
const NOISE: u64 = 0x6e6f_6973_6521;
