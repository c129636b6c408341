//! What stands between written and armed: a read-back that finds out a disk that lies, a lock, and partitions that stay where
//! they were read.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of small disks fit every type")]

mod common;

use std::ops::Range;

use common::{LENGTHS, PIECE, Run, apply, disk, image_writes, make, slots};
use fixtures::CrashDisk;
use fixtures::crash::{Fault, table_of};
use partition_core::{Flags, Part, Slot, Standing, Tries};
use release::Image;
use updater_core::Exit;
use updog::engine::Error;
use updog::engine::hint::Hints;
use updog::engine::source::{ByteStream, FrameSource, SourceError};

#[test]
fn a_state_folder_that_takes_no_record_ends_the_run_before_anything_is_retired() {
    let (one, two, three) = (make(1), make(2), make(3));
    let crash = disk(&one, Some((&two, Flags::of(1, 7, true))));
    let before = slots(&crash);
    let state = tempfile::tempdir().unwrap();
    std::fs::write(state.path().join("staged"), "a file where the folder should be").unwrap();
    let error = Run::default().stage(&crash.disk(), &three, state.path()).unwrap_err();
    assert_eq!(error.exit(), Exit::Disk, "{error:?}");
    assert_eq!(slots(&crash), before);
    assert_eq!(image_writes(&crash), 0);
}

#[test]
fn a_disk_that_loses_or_refuses_a_write_is_found_out() {
    let (one, two) = (make(1), make(2));
    for number in 0..5 {
        let crash = disk(&one, None).with_fault(Fault::LoseWrite(number));
        let state = tempfile::tempdir().unwrap();
        let error = Run::default().stage(&crash.disk(), &two, state.path()).unwrap_err();
        assert!(matches!(error, updog::Error::Engine(Error::Differs { slot: Slot::B, .. })), "{error:?}");
        assert_eq!(error.exit(), Exit::Disk);
        assert_eq!(slots(&crash).get(Slot::B), Some(Flags::default()));
        // The fault hits once: the same command repairs the one piece.
        let repaired = Run::default().stage(&crash.disk(), &two, state.path()).unwrap();
        assert!(repaired.moved.written <= PIECE as u64);

        let crash = disk(&one, None).with_fault(Fault::FailWrite(number));
        let error = Run::default().stage(&crash.disk(), &two, state.path()).unwrap_err();
        assert_eq!(error.exit(), Exit::Disk, "{error:?}");
    }
}

#[test]
fn two_runs_at_once_are_one() {
    let (one, two) = (make(1), make(2));
    let crash = disk(&one, None);
    let state = tempfile::tempdir().unwrap();
    let staged = Run::default().stage(&crash.disk(), &two, state.path()).unwrap();
    // The read-back is not over before it is armed or dropped.
    let error = Run::default().stage(&crash.disk(), &two, state.path()).unwrap_err();
    assert!(matches!(error, updog::Error::LockFile(partition_disk::RunLockError::Held { .. })), "{error:?}");
    drop(staged);
    Run::default().stage(&crash.disk(), &two, state.path()).unwrap();
}

#[test]
fn partitions_that_moved_since_the_read_back_are_not_armed() {
    let (one, two) = (make(1), make(2));
    let crash = disk(&one, None);
    let state = tempfile::tempdir().unwrap();
    let staged = Run::default().stage(&crash.disk(), &two, state.path()).unwrap();
    // Somebody made another table meanwhile: the same partitions, one of them a block further on.
    let other = fixtures::disk::DiskSpec {
        foreign: 9,
        boot: 80 << 10,
        root: 208 << 10,
        hash: 16 << 10,
        ..Default::default()
    };
    let other = CrashDisk::new(other.build(), 512);
    let before = slots(&other);
    let error =
        staged.verified.arm(&other.disk(), Standing::ConfirmedThisBoot, Tries::default()).unwrap_err();
    assert!(matches!(error, updog::Error::Engine(Error::Moved { slot: Slot::B })), "{error:?}");
    assert_eq!(slots(&other), before);
}

#[test]
fn the_rest_of_each_partition_is_neither_read_nor_written() {
    let (one, two) = (make(1), make(2));
    let crash = disk(&one, None);
    let mut bytes = crash.live();
    let layout = table_of(&bytes, 512).unwrap().layout().unwrap();
    let tails: Vec<Range<usize>> = Part::ALL
        .into_iter()
        .zip(LENGTHS)
        .map(|(part, length)| {
            let entry = layout.part(Slot::B, part).unwrap();
            entry.first_lba as usize * 512 + length..(entry.last_lba as usize + 1) * 512
        })
        .collect();
    for tail in &tails {
        bytes[tail.clone()].fill(0x5a);
    }
    let crash = CrashDisk::new(bytes, 512);
    let state = tempfile::tempdir().unwrap();
    drop(Run::default().stage(&crash.disk(), &two, state.path()).unwrap());
    for tail in tails {
        assert!(crash.live()[tail].iter().all(|byte| *byte == 0x5a));
    }
}

/// A server that is gone.
#[derive(Debug)]
struct Gone;

impl FrameSource for Gone {
    fn range(&self, _: Image, _: Range<u64>, _: u64) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        Err(SourceError::NoRanges)
    }

    fn whole(&self, _: Image, _: u64) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        Err(SourceError::NoRanges)
    }
}

#[test]
fn an_armed_slot_that_is_found_broken_boots_no_more_even_if_it_cannot_be_repaired() {
    let (one, two) = (make(1), make(2));
    let crash = disk(&one, None);
    let state = tempfile::tempdir().unwrap();
    drop(apply(&crash.disk(), &two, state.path()).unwrap());
    let mut bytes = crash.live();
    let layout = table_of(&bytes, 512).unwrap().layout().unwrap();
    bytes[layout.part(Slot::B, Part::Root).unwrap().first_lba as usize * 512] ^= 1;
    let crash = CrashDisk::new(bytes, 512);
    assert_eq!(slots(&crash).get(Slot::B), Some(Flags::of(2, 3, false)));
    let hints = Hints { former: Some(two.indexes.clone()), ..Hints::default() };
    let run = Run { hints, source: Some(&Gone), ..Run::default() };
    run.stage(&crash.disk(), &two, state.path()).unwrap_err();
    assert_eq!(slots(&crash).get(Slot::B), Some(Flags::default()));
    assert_eq!(image_writes(&crash), 0);
}
