//! A host of two slots on a small disk, and releases for it.
#![allow(dead_code, reason = "each test target uses its part")]

pub(crate) mod large;
pub(crate) mod served;

use std::path::Path;
use std::sync::Mutex;

use fixtures::CrashDisk;
use fixtures::crash::{self, DiskOp, table_of};
use fixtures::disk::DiskSpec;
use partition_core::{Flags, Part, Slot, Slots, Standing, Tries};
use partition_disk::{Disk, RunLock};
use release::delta::{Between, BlockMap, DeltaWriter, Table};
use release::payload::{FrameWriter, Index};
use release::{Digest, Image, Images, ReleaseId, Version};
use updog::Result;
use updog::engine::delta::Deltas;
use updog::engine::hint::Hints;
use updog::engine::route::{Armed, Release};
use updog::engine::source::{FrameSource, MemoryFrames};
use updog::engine::stage::{Job, Staged};
use updog::interrupt::Interrupt;
use updog::report::Silent;

/// Smallest piece there is.
pub(crate) const PIECE: usize = 64 << 10;
/// Lengths of the images: one piece, two and a block, one block.
pub(crate) const LENGTHS: [usize; 3] = [PIECE, 2 * PIECE + 4096, 4096];

/// A release as published: raw images, frames, indexes.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) images: crash::Release,
    pub(crate) indexes: Images<Index>,
    pub(crate) frames: MemoryFrames,
    pub(crate) release: Release,
}

/// Release number `name`; no sector of it is like one of another release.
pub(crate) fn make(name: u8) -> Made {
    make_of(name, crash::Release::filled(name, LENGTHS[0], LENGTHS[1], LENGTHS[2]))
}

/// A release of these images.
pub(crate) fn make_of(name: u8, images: crash::Release) -> Made {
    let raw = |image| match image {
        Image::Boot => &images.boot,
        Image::Root => &images.root,
        Image::Hash => &images.hash,
    };
    let writer = FrameWriter { piece_size: PIECE as u32, level: 1, ..FrameWriter::default() };
    let packed = Images::from_fn(|image| {
        let mut frames = Vec::new();
        let index = writer.write(&mut raw(image).as_slice(), &mut frames, |_| {}).unwrap();
        (index, frames)
    });
    let indexes = packed.as_ref().map(|_, (index, _)| index.clone());
    let id = ReleaseId::of(&indexes.as_ref().map(|_, index| Digest::of(&index.encode())));
    let frames = MemoryFrames { files: packed.map(|_, (_, frames)| frames) };
    let release = Release { id, version: Version::new(1, u64::from(name), 0) };
    Made { images, indexes, frames, release }
}

/// The delta of an image: its table, and the whole file.
pub(crate) fn delta(base: &Made, made: &Made, image: Image) -> (Table, Vec<u8>) {
    let part = match image {
        Image::Boot => Part::Boot,
        Image::Root => Part::Root,
        Image::Hash => Part::Hash,
    };
    let (old, new) = (base.images.part(part), made.images.part(part));
    let (old_index, new_index) = (base.indexes.get(image), made.indexes.get(image));
    let map = BlockMap::of(old, old.len() as u64).unwrap();
    let digest = |index: &Index| Digest::of(&index.encode());
    let between =
        Between { new: (new_index, digest(new_index)), base: (old_index, digest(old_index)), map: &map };
    let mut records = Vec::new();
    let writer = DeltaWriter { level: 3, ..DeltaWriter::default() };
    let written = writer.write(&between, old, (&mut &new[..], &mut records), |_| {}).unwrap();
    let file = [written.table.encode(), records].concat();
    (written.table, file)
}

/// A disk with `running` in slot A, confirmed, and `other` in slot B if there is one.
pub(crate) fn disk(running: &Made, other: Option<(&Made, Flags)>) -> CrashDisk {
    let flags = other.map_or(Flags::default(), |(_, flags)| flags);
    let space = |length: usize| (length.next_multiple_of(PIECE) + 8192) as u64;
    let [boot, root, hash] = LENGTHS.map(space);
    let slots = Slots::new(Some(Flags::of(1, 7, true)), Some(flags));
    let mut bytes = DiskSpec { boot, root, hash, slots, ..DiskSpec::default() }.build();
    let layout = table_of(&bytes, 512).unwrap().layout().unwrap();
    running.images.place(&mut bytes, 512, &layout, Slot::A);
    if let Some((made, _)) = other {
        made.images.place(&mut bytes, 512, &layout, Slot::B);
    }
    CrashDisk::new(bytes, 512)
}

/// What a test changes about a run.
#[derive(Debug, Default)]
pub(crate) struct Run<'a> {
    pub(crate) hints: Hints,
    pub(crate) source: Option<&'a dyn FrameSource>,
    pub(crate) interrupt: Interrupt,
    /// The release that runs, when there are deltas from it.
    pub(crate) base: Option<&'a Made>,
}

impl Run<'_> {
    /// Stages `made` to slot B.
    pub(crate) fn stage(self, disk: &Disk, made: &Made, state: &Path) -> Result<Staged> {
        let lock = RunLock::acquire(state, "stage").map_err(updog::Error::LockFile)?;
        let deltas = Images::from_fn(|image| self.base.map(|base| delta(base, made, image)));
        let tables = deltas.as_ref().map(|_, delta| delta.as_ref().map(|(table, _)| table.clone()));
        let files = deltas.map(|_, delta| delta.map(|(_, file)| file).unwrap_or_default());
        let records = MemoryFrames { files };
        let job = Job {
            disk,
            running: Slot::A,
            standing: Standing::ConfirmedThisBoot,
            release: made.release.clone(),
            indexes: made.indexes.clone(),
            source: self.source.unwrap_or(&made.frames),
            deltas: self.base.map(|_| Deltas { tables, source: &records, likeness: Images::default() }),
            hints: self.hints,
            folder: &state.join("staged"),
            reporter: &Silent,
            interrupt: &self.interrupt,
        };
        job.run(lock, &mut || Ok(()))
    }
}

/// Stages and arms.
pub(crate) fn apply(disk: &Disk, made: &Made, state: &Path) -> Result<Armed> {
    let staged = Run::default().stage(disk, made, state)?;
    staged.verified.arm(disk, Standing::ConfirmedThisBoot, Tries::default())
}

/// Flags and images of slot A and flags of B, as bytes: what a run that fails early must not change.
pub(crate) fn slots(disk: &CrashDisk) -> Slots {
    table_of(&disk.live(), 512).unwrap().layout().unwrap().slots()
}

/// Remembers what was asked of it.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) inner: &'a dyn FrameSource,
    pub(crate) ranges: Mutex<Vec<(Image, std::ops::Range<u64>)>>,
}

impl<'a> Asked<'a> {
    pub(crate) fn of(inner: &'a dyn FrameSource) -> Asked<'a> {
        Asked { inner, ranges: Mutex::default() }
    }
}

impl FrameSource for Asked<'_> {
    fn range(
        &self,
        image: Image,
        range: std::ops::Range<u64>,
        total: u64,
    ) -> std::result::Result<
        Box<dyn updog::engine::source::ByteStream + '_>,
        updog::engine::source::SourceError,
    > {
        self.ranges.lock().unwrap().push((image, range.clone()));
        self.inner.range(image, range, total)
    }

    fn whole(
        &self,
        image: Image,
        total: u64,
    ) -> std::result::Result<
        Box<dyn updog::engine::source::ByteStream + '_>,
        updog::engine::source::SourceError,
    > {
        self.inner.whole(image, total)
    }
}

/// Bytes written outside the tables.
pub(crate) fn image_writes(crash: &CrashDisk) -> usize {
    let first = table_of(&crash.live(), 512).unwrap().layout().unwrap().a.boot.first_lba * 512;
    let last = (crash.live().len() - 34 * 512) as u64;
    let log = crash.log();
    let inside = log.ops.iter().filter_map(|op| match op {
        DiskOp::Write { off, bytes } if (first..last).contains(off) => Some(bytes.len()),
        _ => None,
    });
    inside.sum()
}
