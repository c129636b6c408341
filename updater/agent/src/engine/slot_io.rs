//! The three images of one slot on their device: open, survey, flush, read back.

use partition_core::{Guid, Layout, Part, Slot};
use partition_disk::{Disk, ImageIo};
use release::payload::Index;
use release::{Image, Images};
use updater_core::{Reason, Refusal};

use super::error::Error;
use super::hint::Hints;
use super::scan::{Seen, Target, scan};
use super::work::Work;
use crate::interrupt::Interrupt;

/// Where the partitions of a slot lie: unique GUID, first and last sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Places(Images<(Guid, u64, u64)>);

impl Places {
    /// Those of `slot`; `None` when the disk lacks it.
    pub(super) fn of(layout: &Layout, slot: Slot) -> Option<Places> {
        let place = |image| {
            let entry = layout.part(slot, part(image))?;
            Some((entry.guid, entry.first_lba, entry.last_lba))
        };
        Images::try_from_fn(|image| place(image).ok_or(())).ok().map(Places)
    }
}

/// One slot, its images open past the page cache.
#[derive(Debug)]
pub(super) struct SlotIo {
    pub(super) slot: Slot,
    pub(super) images: Images<ImageIo>,
    places: Places,
}

/// What a survey found.
#[derive(Debug)]
pub(super) enum Survey {
    /// All was right, so the survey was a read-back.
    Whole(ReadBack),
    /// What is left to write.
    Missing(SlotIo, Work),
}

/// Proof that every byte of the three images was read from the device after a flush, and was right. Made only in this file.
///
/// It keeps the partitions open as they were opened, `O_EXCL`: until it is dropped nobody can mount what was read, and with
/// that change it, before it is armed.
#[derive(Debug)]
pub(super) struct ReadBack(SlotIo);

impl ReadBack {
    /// Which slot was read.
    pub(super) fn slot(&self) -> Slot {
        self.0.slot
    }

    /// Where its partitions lay.
    pub(super) fn places(&self) -> Places {
        self.0.places
    }
}

/// Bytes a step has looked at, and where.
pub(super) type Tell<'a> = dyn FnMut(Image, Seen) + 'a;

/// Which end the images are opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// Filling, and reading back what is to be armed: `O_EXCL`, so that the kernel refuses a slot that is in use.
    Writing,
    /// Comparing only; the slot may be the one that runs.
    Reading,
}

impl SlotIo {
    /// Opens the partitions, and checks that the images fit.
    pub(super) fn open(
        disk: &Disk,
        slot: Slot,
        indexes: &Images<Index>,
        access: For,
    ) -> crate::Result<SlotIo> {
        let layout = disk.layout().map_err(crate::Error::disk("look at the partitions"))?;
        let Some(places) = Places::of(&layout, slot) else {
            return Err(crate::Error::no_other(slot.other()));
        };
        let images = Images::try_from_fn(|image| {
            let io = match access {
                For::Writing => disk.image(slot, part(image)),
                For::Reading => disk.image_for_reading(slot, part(image)),
            };
            io.map_err(|source| Error::Open { image, slot, source })
        })?;
        for (image, io) in images.iter() {
            fits(image, slot, indexes.get(image), io)?;
        }
        Ok(SlotIo { slot, images, places })
    }

    /// Finds out what is missing. Reads the pieces that the hints name; what they do not name is missing unread.
    ///
    /// It flushes first: a run that was killed may have left right bytes in a cache, and who finds everything right here
    /// arms next.
    pub(super) fn survey(
        self,
        indexes: &Images<Index>,
        hints: &Hints,
        interrupt: &Interrupt,
        tell: &mut Tell<'_>,
    ) -> Result<Survey, Error> {
        self.flush()?;
        let missing = Images::try_from_fn(|image| {
            let target = self.target(image, indexes);
            let candidates = hints.candidates(image, target.index);
            let mut right = Vec::with_capacity(candidates.len());
            scan(target, &candidates, interrupt, &mut |seen| {
                if seen.right {
                    right.push(seen.piece);
                }
                tell(image, seen);
                Ok(())
            })?;
            Ok::<_, Error>(all_but(target.index.pieces().len(), &right))
        })?;
        let work = Work::new(missing);
        // Right means read, so when nothing is missing every piece was read.
        Ok(if work.is_empty() { Survey::Whole(ReadBack(self)) } else { Survey::Missing(self, work) })
    }

    /// The proof that leads to `arm`, from a slot that was opened for it.
    pub(super) fn read_back(
        self,
        indexes: &Images<Index>,
        interrupt: &Interrupt,
        tell: &mut Tell<'_>,
    ) -> Result<ReadBack, Error> {
        self.compare(indexes, interrupt, tell)?;
        Ok(ReadBack(self))
    }

    /// Flushes, then reads every byte of the images back from the device. The first piece that differs is an error. The rest
    /// of each partition is not looked at.
    pub(super) fn compare(
        &self,
        indexes: &Images<Index>,
        interrupt: &Interrupt,
        tell: &mut Tell<'_>,
    ) -> Result<(), Error> {
        self.flush()?;
        for image in Image::ALL {
            let target = self.target(image, indexes);
            let pieces: Vec<usize> = (0..target.index.pieces().len()).collect();
            scan(target, &pieces, interrupt, &mut |seen| {
                if seen.right {
                    tell(image, seen);
                    Ok(())
                } else {
                    Err(differs(self.slot, target, seen))
                }
            })?;
        }
        Ok(())
    }

    /// Returns when every write before is durable.
    pub(super) fn flush(&self) -> Result<(), Error> {
        for (image, io) in self.images.iter() {
            io.flush().map_err(|source| Error::Flush { image, source })?;
        }
        Ok(())
    }

    fn target<'a>(&'a self, image: Image, indexes: &'a Images<Index>) -> Target<'a> {
        Target { image, index: indexes.get(image), io: self.images.get(image) }
    }
}

/// The partition that an image goes to.
pub(super) fn part(image: Image) -> Part {
    match image {
        Image::Boot => Part::Boot,
        Image::Root => Part::Root,
        Image::Hash => Part::Hash,
    }
}

fn fits(image: Image, slot: Slot, index: &Index, io: &ImageIo) -> Result<(), Refusal> {
    let (needs, has) = (index.raw_length(), io.len());
    if needs <= has {
        return Ok(());
    }
    let detail =
        format!("the {image} image does not fit into slot {slot}: it has {needs} bytes, the partition {has}");
    Err(Refusal::new(Reason::Space, detail))
}

fn differs(slot: Slot, target: Target<'_>, seen: Seen) -> Error {
    let Target { image, index, .. } = target;
    let row = index.pieces().get(seen.piece);
    Error::Differs {
        slot,
        image,
        piece: seen.piece,
        offset: index.piece_range(seen.piece).map_or(0, |range| range.start),
        expected: row.map_or(seen.digest, |row| row.raw),
        found: seen.digest,
    }
}

/// The numbers below `count` that are not in `right` (ascending).
fn all_but(count: usize, right: &[usize]) -> Vec<usize> {
    let mut right = right.iter().copied().peekable();
    (0..count).filter(|piece| right.next_if_eq(piece).is_none()).collect()
}
