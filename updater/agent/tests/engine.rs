//! What stage promises on one disk: pieces that are right are kept, nothing that boots changes before there is something to write, only
//! bytes that were read back can be armed.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of small disks fit every type")]

mod common;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use common::{Asked, LENGTHS, PIECE, Run, apply, disk, image_writes, make, make_of, slots};
use fixtures::CrashDisk;
use fixtures::crash::{self, DiskOp, table_of};
use partition_core::{Flags, Part, Slot};
use release::Image;
use updater_core::{Exit, Reason};
use updog::engine::hint::Hints;
use updog::engine::source::{ByteStream, FrameSource, MemoryFrames, SourceError};
use updog::interrupt::Interrupt;

const RAW: u64 = (LENGTHS[0] + LENGTHS[1] + LENGTHS[2]) as u64;

fn slot_a(crash: &CrashDisk) -> Vec<u8> {
    let layout = table_of(&crash.live(), 512).unwrap().layout().unwrap();
    let bytes = crash.live();
    let part = |part: Part| {
        let entry = layout.a.part(part);
        bytes[entry.first_lba as usize * 512..(entry.last_lba as usize + 1) * 512].to_vec()
    };
    Part::ALL.map(part).concat()
}

#[test]
fn a_release_is_written_once_and_a_rerun_does_nothing() {
    let (one, two) = (make(1), make(2));
    let crash = disk(&one, None);
    let state = tempfile::tempdir().unwrap();
    let staged = Run::default().stage(&crash.disk(), &two, state.path()).unwrap();
    assert_eq!((staged.moved.written, staged.moved.reused), (RAW, 0));
    assert!(staged.moved.fetched > 0);
    assert_eq!(staged.verified.slot(), Slot::B);
    drop(staged);
    let writes = crash.log().ops.iter().filter(|op| matches!(op, DiskOp::Write { .. })).count();

    let asked = Asked::of(&two.frames);
    let again =
        Run { source: Some(&asked), ..Run::default() }.stage(&crash.disk(), &two, state.path()).unwrap();
    assert_eq!((again.moved.fetched, again.moved.written, again.moved.reused), (0, 0, RAW));
    assert!(asked.ranges.into_inner().unwrap().is_empty(), "a finished slot needs no server");
    let after = crash.log().ops.iter().filter(|op| matches!(op, DiskOp::Write { .. })).count();
    assert_eq!(writes, after, "a finished slot is not written, nor its flags");
    assert_eq!(std::fs::read_dir(state.path().join("staged")).unwrap().count(), 0, "no hint is left behind");
}

#[test]
fn an_armed_slot_that_is_whole_stays_armed() {
    let (one, two) = (make(1), make(2));
    let crash = disk(&one, None);
    let state = tempfile::tempdir().unwrap();
    let armed = apply(&crash.disk(), &two, state.path()).unwrap();
    let flags = armed.after();
    drop(armed);
    drop(Run::default().stage(&crash.disk(), &two, state.path()).unwrap());
    assert_eq!(slots(&crash), flags);
}

#[test]
fn one_rotten_piece_is_one_frame() {
    let (one, two) = (make(1), make(2));
    let crash = disk(&one, None);
    let state = tempfile::tempdir().unwrap();
    drop(Run::default().stage(&crash.disk(), &two, state.path()).unwrap());
    let mut bytes = crash.live();
    let layout = table_of(&bytes, 512).unwrap().layout().unwrap();
    let root = layout.part(Slot::B, Part::Root).unwrap().first_lba as usize * 512;
    bytes[root + PIECE + 77] ^= 1;
    let crash = CrashDisk::new(bytes, 512);
    let asked = Asked::of(&two.frames);
    let staged =
        Run { source: Some(&asked), ..Run::default() }.stage(&crash.disk(), &two, state.path()).unwrap();
    assert_eq!(staged.moved.written, PIECE as u64);
    let range = two.indexes.root.frame_range(1).unwrap();
    assert_eq!(asked.ranges.into_inner().unwrap(), [(Image::Root, range)]);
}

/// Breaks off after so many bytes in all, as a network does; with `interrupt`, raises that instead.
#[derive(Debug)]
struct Breaks {
    inner: MemoryFrames,
    left: AtomicUsize,
    interrupt: Option<Interrupt>,
}

struct BreaksStream<'a>(Box<dyn ByteStream + 'a>, &'a Breaks);

impl FrameSource for Breaks {
    fn range(
        &self,
        image: Image,
        range: Range<u64>,
        total: u64,
    ) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        Ok(Box::new(BreaksStream(self.inner.range(image, range, total)?, self)))
    }

    fn whole(&self, image: Image, total: u64) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        self.range(image, 0..total, total)
    }
}

impl ByteStream for BreaksStream<'_> {
    fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let next = self.0.next()?;
        let length = next.as_ref().map_or(0, Bytes::len);
        let left = self.1.left.load(Ordering::SeqCst);
        if length > left {
            if let Some(interrupt) = &self.1.interrupt {
                interrupt.raise();
            }
            return Err(SourceError::Transient("cut".into()));
        }
        self.1.left.store(left - length, Ordering::SeqCst);
        Ok(next)
    }
}

/// A release whose frames do not compress, of 64 pieces, so that a part of it is a part of its bytes.
fn large(name: u8) -> common::Made {
    let mut state = u64::from(name) + 1;
    let mut noise = |length: usize| {
        let mut bytes = vec![0; length];
        for byte in &mut bytes {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 33) as u8;
        }
        bytes
    };
    make_of(name, crash::Release { boot: noise(PIECE), root: noise(64 * PIECE), hash: noise(4096) })
}

fn large_disk() -> CrashDisk {
    let spec = fixtures::disk::DiskSpec {
        boot: 2 * PIECE as u64,
        root: 65 * PIECE as u64,
        hash: PIECE as u64,
        ..fixtures::disk::DiskSpec::default()
    };
    CrashDisk::new(spec.build(), 512)
}

#[test]
fn a_download_cut_at_half_goes_on_from_there() {
    let made = large(9);
    let total: u64 = made.indexes.iter().map(|(_, index)| index.frames_length()).sum();
    let crash = large_disk();
    let state = tempfile::tempdir().unwrap();
    let half = AtomicUsize::new(total as usize / 2);
    let breaks = Breaks { inner: made.frames.clone(), left: half, interrupt: None };
    let error = Run { source: Some(&breaks), ..Run::default() }
        .stage(&crash.disk(), &made, state.path())
        .unwrap_err();
    assert_eq!(error.exit(), Exit::Transient, "{error:?}");
    assert_eq!(slots(&crash).get(Slot::B), Some(Flags::default()));
    assert!(state.path().join("staged/partial.json").exists());
    assert!(!state.path().join("staged/partial.room").exists());

    let staged = Run::default().stage(&crash.disk(), &made, state.path()).unwrap();
    assert!(staged.moved.fetched * 100 <= total * 52, "{:?} of {total}", staged.moved);
    assert_eq!(
        staged.moved.written + staged.moved.reused,
        made.indexes.iter().map(|(_, i)| i.raw_length()).sum::<u64>()
    );
}

#[test]
fn a_hint_is_checked_and_its_loss_costs_no_safety() {
    let made = large(9);
    let total: u64 = made.indexes.iter().map(|(_, index)| index.frames_length()).sum();
    let former = large(10);
    // Hints that lie in both directions: the indexes of a release that the slot does not hold, and those of one it does.
    for (holds, hint) in [(None, &made), (Some(&made), &former), (Some(&former), &made)] {
        let crash = large_disk();
        let state = tempfile::tempdir().unwrap();
        if let Some(held) = holds {
            drop(Run::default().stage(&crash.disk(), held, state.path()).unwrap());
        }
        let hints = Hints { former: Some(hint.indexes.clone()), ..Hints::default() };
        let staged = Run { hints, ..Run::default() }.stage(&crash.disk(), &made, state.path()).unwrap();
        assert!(staged.moved.fetched <= total);
        assert_eq!(staged.verified.release(), made.release.id);
        drop(staged);
        let again = Run::default().stage(&crash.disk(), &made, state.path()).unwrap();
        assert_eq!(again.moved.written, 0, "whatever the hint said, the slot is whole");
    }
}

#[test]
fn an_interrupt_keeps_what_is_written() {
    let made = large(9);
    let crash = large_disk();
    let state = tempfile::tempdir().unwrap();
    let total: u64 = made.indexes.iter().map(|(_, index)| index.frames_length()).sum();
    let interrupt = Interrupt::default();
    let left = AtomicUsize::new(total as usize / 2);
    let breaks = Breaks { inner: made.frames.clone(), left, interrupt: Some(interrupt.clone()) };
    let run = Run { source: Some(&breaks), interrupt, ..Run::default() };
    let error = run.stage(&crash.disk(), &made, state.path()).unwrap_err();
    assert_eq!(error.exit(), Exit::Transient);
    assert_eq!(crash.log().ops.last(), Some(&DiskOp::Flush), "what was written is made durable");
    let staged = Run::default().stage(&crash.disk(), &made, state.path()).unwrap();
    assert!(staged.moved.reused > 0, "{:?}", staged.moved);
}

/// Gives wrong bytes at one place of one image, over ranges, over plain downloads, or both.
#[derive(Debug)]
struct Lies {
    inner: MemoryFrames,
    image: Image,
    at: usize,
    ranges: Answer,
    whole: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Honest,
    Tampered,
    NoRanges,
    Short,
}

impl Lies {
    fn answer(&self, image: Image, how: Answer) -> Result<MemoryFrames, SourceError> {
        let mut frames = self.inner.clone();
        if image == self.image {
            let file = frames.files.get_mut(image);
            match how {
                Answer::Honest => {}
                Answer::Tampered => file[self.at] ^= 0x40,
                Answer::NoRanges => return Err(SourceError::NoRanges),
                Answer::Short => file.truncate(self.at),
            }
        }
        Ok(frames)
    }
}

struct Owned(std::vec::IntoIter<u8>);

impl ByteStream for Owned {
    fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let some: Vec<u8> = self.0.by_ref().take(5000).collect();
        Ok((!some.is_empty()).then(|| some.into()))
    }
}

impl FrameSource for Lies {
    fn range(
        &self,
        image: Image,
        range: Range<u64>,
        _: u64,
    ) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        let file = self.answer(image, self.ranges)?.files.get(image).clone();
        let part =
            file.get(range.start as usize..(range.end as usize).min(file.len())).unwrap_or_default().to_vec();
        Ok(Box::new(Owned(part.into_iter())))
    }

    fn whole(&self, image: Image, _: u64) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        Ok(Box::new(Owned(self.answer(image, self.whole)?.files.get(image).clone().into_iter())))
    }
}

#[test]
fn a_lying_source_is_found_out_and_a_plain_download_helps_where_it_can() {
    let (one, two, three) = (make(1), make(2), make(3));
    for image in Image::ALL {
        let at = two.frames.files.get(image).len() / 2;
        for ranges in [Answer::Honest, Answer::Tampered, Answer::NoRanges, Answer::Short] {
            for whole in [Answer::Honest, Answer::Tampered, Answer::Short] {
                let crash = disk(&one, Some((&three, Flags::of(1, 7, true))));
                let (before, a) = (slots(&crash), slot_a(&crash));
                let state = tempfile::tempdir().unwrap();
                let lies = Lies { inner: two.frames.clone(), image, at, ranges, whole };
                let staged =
                    Run { source: Some(&lies), ..Run::default() }.stage(&crash.disk(), &two, state.path());
                let case = format!("{image}: ranges {ranges:?}, whole {whole:?}");
                let exit = match (ranges, whole) {
                    (Answer::Honest, _) | (Answer::Tampered | Answer::NoRanges, Answer::Honest) => None,
                    (Answer::Short, _) | (_, Answer::Short) => Some(Exit::Transient),
                    _ => Some(Exit::Untrusted),
                };
                assert_eq!(staged.as_ref().err().map(updog::Error::exit), exit, "{case}: {staged:?}");
                assert_eq!(slot_a(&crash), a, "{case}");
                if exit.is_some() && image == Image::Boot {
                    // The first frame never was right, so nothing was retired and nothing written.
                    assert_eq!(slots(&crash), before, "{case}");
                    assert_eq!(image_writes(&crash), 0, "{case}");
                }
            }
        }
    }
}

#[test]
fn what_does_not_fit_or_is_not_allowed_changes_nothing() {
    let (one, two) = (make(1), make(2));
    let good = Flags::of(1, 7, true);

    // An image larger than its partition.
    let crash = disk(&one, Some((&two, good)));
    let big = make_of(4, crash::Release::filled(4, PIECE, 4 * PIECE, 4096));
    let state = tempfile::tempdir().unwrap();
    let error = Run::default().stage(&crash.disk(), &big, state.path()).unwrap_err();
    assert_eq!((error.exit(), error.reason()), (Exit::Blocked, Some(Reason::Space)), "{error:?}");
    assert!(error.to_string().contains("root"), "{error}");
    assert!(crash.log().ops.is_empty());

    // The running slot is on trial.
    let crash = disk(&one, Some((&two, good)));
    let layout = crash.disk().layout().unwrap();
    let mut table = crash.disk().table().unwrap();
    table = table.with_attributes(layout.a.boot.index, Flags::of(2, 2, false).bits());
    let mut bytes = crash.live();
    for op in table.writes() {
        if let partition_core::Op::Write { lba, bytes: sectors } = op {
            bytes[lba as usize * 512..lba as usize * 512 + sectors.len()].copy_from_slice(&sectors);
        }
    }
    let crash = CrashDisk::new(bytes, 512);
    let error = Run::default().stage(&crash.disk(), &make(3), state.path()).unwrap_err();
    assert_eq!((error.exit(), error.reason()), (Exit::Blocked, Some(Reason::NotConfirmed)), "{error:?}");
    assert!(crash.log().ops.is_empty());

    // One slot only.
    let spec = fixtures::disk::DiskSpec {
        slots: partition_core::Slots::new(Some(good), None),
        ..fixtures::disk::DiskSpec::default()
    };
    let crash = CrashDisk::new(spec.build(), 512);
    let error = Run::default().stage(&crash.disk(), &two, state.path()).unwrap_err();
    assert_eq!(error.exit(), Exit::Blocked, "{error:?}");
    assert!(crash.log().ops.is_empty());
}
