//! The way from the release that runs: tables of deltas, and the running slot as their base.

use std::io;
use std::sync::{Mutex, PoisonError};

use partition_core::Slot;
use partition_disk::{Aligned, Disk, ImageIo};
use release::delta::{BaseBlocks, Table};
use release::manifest::{Delta, MAX_DELTA_HEADER, Ours};
use release::payload::Index;
use release::{Digest, Image, Images, ReleaseId};
use trust_client::Target;
use updater_core::Likeness;

use super::error::Error;
use super::likeness::{look, said};
use super::plan::Fetched;
use super::repository::Repository;
use super::slot_io::part;
use super::source::{FrameSource, SourceError};
use crate::Context;

/// Deltas that lead from what runs to what is planned.
#[derive(Debug)]
pub struct Deltas<'a> {
    /// Their tables; `None`: there is none for this image.
    pub tables: Images<Option<Table>>,
    /// Where their records are.
    pub source: &'a dyn FrameSource,
    /// What is known of what runs.
    pub likeness: Images<Likeness>,
}

/// Tables, and what the metadata says about their files.
pub(super) type Found = Images<Option<(Target, Table)>>;

/// Looks for deltas from `base`, in slot `running`, and fetches their tables where it is like it. Whatever is wrong with one is a note: the
/// full frames are there.
pub(super) fn find(
    ctx: &Context<'_>,
    (repository, disk): (&mut Repository, &Disk),
    (ours, fetched): (&Ours, &Fetched),
    (base, running): (ReleaseId, Slot),
) -> Result<(Found, Images<Likeness>), Error> {
    // A bundle carries releases whole, and no deltas.
    let mut deltas = ours.deltas.iter().filter(|delta| delta.from == base);
    if !deltas.any(|delta| repository.may_hold(&delta.target)) {
        return Ok((Found::default(), Images::default()));
    }
    let likeness = look(ctx, (disk, running), base)?;
    if let Some(said) = said(running, &likeness, 0) {
        ctx.note(said);
    }
    let found = Images::try_from_fn(|image| {
        let of = |delta: &&Delta| delta.from == base && delta.image == image.name();
        let (Some(delta), None) = (ours.deltas.iter().find(of), likeness.get(image).unlike()) else {
            return Ok(None);
        };
        if !repository.may_hold(&delta.target) {
            return Ok(None);
        }
        let target = repository.target(&delta.target);
        let index = (fetched.indexes.get(image), Digest::of(fetched.bytes.get(image)));
        let table = target.and_then(|target| {
            let header = (delta.header_length, delta.header_sha256);
            let table = table(repository, image, &target, header, index)?;
            Ok((target, table))
        });
        match table {
            Ok(found) => Ok(Some(found)),
            Err(Error::Interrupted) => Err(Error::Interrupted),
            Err(error) => {
                let why = crate::answer::chain(&error);
                ctx.note(format!("{} is left out, full frames are taken: {why}", delta.target));
                Ok(None)
            }
        }
    })?;
    // Nothing is tried of an image without a table.
    let kept = |image, likeness| if found.get(image).is_some() { likeness } else { Likeness::default() };
    let likeness = likeness.map(kept);
    Ok((found, likeness))
}

/// The table of one delta: as long as the manifest says, with the digest that it says, for this index.
fn table(
    repository: &Repository,
    image: Image,
    target: &Target,
    (length, expected): (u64, Digest),
    index: (&Index, Digest),
) -> Result<Table, Error> {
    if length > MAX_DELTA_HEADER || length > target.length {
        return Err(Error::DeltaHeader {
            image,
            expected: target.length.min(MAX_DELTA_HEADER),
            found: length,
        });
    }
    let mut targets = Images::default();
    *targets.get_mut(image) = Some(target.clone());
    let source = repository.files(targets);
    let right = || {
        let bytes = beginning(&*source, image, length, target.length).map_err(|source| match source {
            SourceError::Interrupted => Error::Interrupted,
            source => Error::Fetch { image, source },
        })?;
        let found = Digest::of(&bytes);
        if found == expected { Ok(bytes) } else { Err(Error::DeltaDigest { image, expected, found }) }
    };
    let bytes = loop {
        match right() {
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(_) if source.elsewhere(image, false) => {}
            other => break other?,
        }
    };
    let table = Table::parse(&bytes).map_err(|source| Error::Delta { image, source })?;
    let base = table.base_index();
    table.fits(index, base).map_err(|source| Error::Delta { image, source })?;
    Ok(table)
}

/// The first bytes of a file, by range, or from a download that is given up after them.
fn beginning(
    source: &dyn FrameSource,
    image: Image,
    length: u64,
    total: u64,
) -> Result<Vec<u8>, SourceError> {
    let mut stream = match source.range(image, 0..length, total) {
        Err(SourceError::NoRanges) => source.whole(image, total)?,
        stream => stream?,
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let Some(some) = stream.next()? else { break };
        bytes.extend_from_slice(&some);
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// The images of the running slot, as what records refer to. What they hold is not trusted: pieces that come out are checked.
#[derive(Debug)]
pub(super) struct Base(Images<BaseImage>);

#[derive(Debug)]
pub(super) struct BaseImage {
    io: ImageIo,
    /// Past the page cache goes only what is aligned.
    scratch: Mutex<Aligned>,
}

impl Base {
    /// Opens the partitions of a slot for reading.
    pub(super) fn open(disk: &Disk, slot: Slot) -> Result<Base, Error> {
        Images::try_from_fn(|image| {
            let io = disk.image_for_reading(slot, part(image));
            let io = io.map_err(|source| Error::Open { image, slot, source })?;
            Ok(BaseImage { io, scratch: Mutex::new(Aligned::zeroed(SCRATCH)) })
        })
        .map(Base)
    }

    pub(super) fn image(&self, image: Image) -> &BaseImage {
        self.0.get(image)
    }
}

impl BaseImage {
    /// Bytes of the partition.
    pub(super) fn length(&self) -> u64 {
        self.io.len()
    }
}

impl BaseBlocks for BaseImage {
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at = offset;
        for part in out.chunks_mut(SCRATCH) {
            scratch.resize(part.len());
            self.io.read_at(at, &mut scratch)?;
            part.copy_from_slice(&scratch);
            at = at.saturating_add(part.len() as u64);
        }
        Ok(())
    }
}

/// Bytes read at once.
const SCRATCH: usize = 1 << 20;
