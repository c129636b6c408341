//! P1 over the engine: stage and arm cut at every operation, the unflushed rest lost, torn or reordered. Whatever is left, each slot that
//! the selector may start is whole, compared with the source and not by our own verify code; and the same command ends in the same
//! bytes. Two wrong builds must fail the same sweep.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of small disks fit every type")]

mod common;

use std::collections::HashSet;

use common::{Made, Run, apply, disk, make, make_of};
use fixtures::CrashDisk;
use fixtures::crash::{
    DiskOp, Fault, Limits, Log, Release, Report, Rerun, Sweep, selector_finds_whole_images, table_of,
};
use partition_core::{Flags, Slot, Standing, Tries, verbs};
use partition_disk::Edit;

fn limits() -> Limits {
    // `cargo xtask cuts` asks for so many distinct states in all.
    let wanted = std::env::var("UPDOG_CUTS").ok().and_then(|text| text.parse::<usize>().ok());
    let samples = wanted.map_or(12, |wanted| (wanted / 250).max(12));
    Limits { samples, ..Limits::default() }
}

/// Cuts `command` on a host that runs release 1 and holds `other`; releases 1 to 3 are whole images.
fn sweep(
    name: &str,
    start: &CrashDisk,
    made: &[&Made],
    command: &dyn Fn(&CrashDisk) -> Result<(), String>,
) -> Report {
    let releases: Vec<_> = made.iter().map(|made| made.images.clone()).collect();
    let mut sweep = Sweep::new(name, limits());
    sweep.cut(start, Rerun::SameBytes, command, &|bytes| selector_finds_whole_images(bytes, 512, &releases));
    let report = sweep.report();
    println!("{report}");
    report.clone()
}

fn staged_and_armed(crash: &CrashDisk, made: &Made) -> Result<(), String> {
    let state = tempfile::tempdir().unwrap();
    apply(&crash.disk(), made, state.path()).map(|_| ()).map_err(|error| format!("{error:?}"))
}

fn holds(report: &Report) {
    assert_eq!(report.unbootable, 0, "{:#?}", report.examples);
    assert!(report.strayed.is_empty(), "{:#?}", report.strayed);
}

/// Pieces out of the running slot, some by copy and some by patch, the rest as full frames: the same promises.
#[test]
fn apply_with_deltas_over_another_release() {
    let (one, three) = (make(1), make(3));
    let moved = [&three.images.root[..4096], &one.images.root[..one.images.root.len() - 4096]].concat();
    let mut changed = one.images.boot.clone();
    changed[5000] ^= 1;
    let two = make_of(2, Release { boot: changed, root: moved, hash: three.images.hash.clone() });
    let start = disk(&one, Some((&three, Flags::of(1, 7, true))));
    let command = |crash: &CrashDisk| {
        let (state, disk) = (tempfile::tempdir().unwrap(), crash.disk());
        let staged = Run { base: Some(&one), ..Run::default() }.stage(&disk, &two, state.path());
        let staged = staged.map_err(|error| format!("{error:?}"))?;
        assert_eq!(staged.moved.fallen, 0);
        let armed = staged.verified.arm(&disk, Standing::ConfirmedThisBoot, Tries::default());
        armed.map(|_| ()).map_err(|error| format!("{error:?}"))
    };
    let report = sweep("engine apply with deltas", &start, &[&one, &two, &three], &command);
    assert!(report.states > 100, "{report}");
    holds(&report);
}

#[test]
fn apply_over_an_empty_slot() {
    let (one, two) = (make(1), make(2));
    let start = disk(&one, None);
    let report =
        sweep("engine apply, slot empty", &start, &[&one, &two], &|crash| staged_and_armed(crash, &two));
    assert!(report.states > 200, "{report}");
    holds(&report);
}

#[test]
fn apply_over_a_slot_that_may_be_started() {
    let (one, two, three) = (make(1), make(2), make(3));
    // What is left of a rollback: confirmed, and next in line when slot A fails.
    let start = disk(&one, Some((&two, Flags::of(1, 7, true))));
    let report = sweep("engine apply, slot good", &start, &[&one, &two, &three], &|crash| {
        staged_and_armed(crash, &three)
    });
    assert!(report.states > 200, "{report}");
    holds(&report);
}

#[test]
fn apply_over_another_release_that_is_armed() {
    let (one, two, three) = (make(1), make(2), make(3));
    let start = disk(&one, None);
    staged_and_armed(&start, &two).unwrap();
    let start = CrashDisk::new(start.live(), 512);
    let report = sweep("engine apply, other armed", &start, &[&one, &two, &three], &|crash| {
        staged_and_armed(crash, &three)
    });
    holds(&report);
}

#[test]
fn apply_and_confirm_in_the_new_slot() {
    let (one, two) = (make(1), make(2));
    let start = disk(&one, None);
    staged_and_armed(&start, &two).unwrap();
    let start = CrashDisk::new(start.live(), 512);
    let confirm = |crash: &CrashDisk| {
        let change = crash
            .disk()
            .change(|layout| verbs::confirm(&layout.slots(), Slot::B, Tries::default()).map(Edit::slots));
        change.map(|_| ()).map_err(|error| error.to_string())
    };
    holds(&sweep("engine confirm after apply", &start, &[&one, &two], &confirm));
}

/// The states that a cut of `log` can leave, each with what the selector would find wrong with it.
fn judge(log: &Log, releases: &[Release], what: &str, judged: &mut HashSet<u64>) -> Vec<String> {
    let mut bad = Vec::new();
    log.durable_states(limits(), &mut HashSet::new(), |state| {
        judged.insert(state.digest);
        if let Err(error) = selector_finds_whole_images(&state.bytes, 512, releases) {
            bad.push(format!("{what}, cut after operation {}: {error}", state.after_flush_at));
        }
    });
    bad
}

/// What a reader sees after these operations.
fn after(start: &CrashDisk, ops: &[DiskOp]) -> Vec<u8> {
    let mut bytes = start.live();
    for op in ops {
        if let DiskOp::Write { off, bytes: written } = op {
            bytes[*off as usize..*off as usize + written.len()].copy_from_slice(written);
        }
    }
    bytes
}

#[test]
fn a_killed_run_and_then_a_cut() {
    // A process that is killed leaves its writes in caches: they read right and are not durable. The next run finds the slot
    // retired, or whole, and must not take that for durable. Every operation of the first run is a place to kill it.
    let (one, two, three) = (make(1), make(2), make(3));
    let releases = [one.images.clone(), two.images.clone(), three.images.clone()];
    let start = disk(&one, Some((&two, Flags::of(1, 7, true))));
    let first = CrashDisk::new(start.live(), 512);
    staged_and_armed(&first, &three).unwrap();
    let ops = first.log().ops;
    let (mut judged, mut bad) = (HashSet::new(), Vec::new());
    for killed in 0..=ops.len() {
        let second = CrashDisk::new(after(&start, &ops[..killed]), 512);
        staged_and_armed(&second, &three).unwrap();
        let mut log = start.log();
        log.ops = ops[..killed].to_vec();
        log.ops.extend(second.log().ops);
        bad.extend(judge(&log, &releases, &format!("killed after operation {killed}"), &mut judged));
    }
    println!("cuts: engine killed, then cut states={} unbootable={}", judged.len(), bad.len());
    assert!(bad.is_empty(), "{:#?}", &bad[..bad.len().min(5)]);
}

#[test]
fn a_flush_that_failed_is_not_believed_by_the_next_run() {
    // After an I/O error the cache calls clean what the disk never got. The next run must look at the disk itself: a slot that
    // is retired in the cache alone may come back, half overwritten, at the next cut.
    let (one, two, three) = (make(1), make(2), make(3));
    let releases = [one.images.clone(), two.images.clone(), three.images.clone()];
    let (mut judged, mut bad) = (HashSet::new(), Vec::new());
    for failing in 0.. {
        let start = disk(&one, Some((&two, Flags::of(1, 7, true)))).with_fault(Fault::DropFlush(failing));
        if staged_and_armed(&start, &three).is_ok() {
            // There are not so many flushes.
            assert!(failing > 4, "{failing} flushes for a retire, images and an arm");
            break;
        }
        staged_and_armed(&start, &three).unwrap();
        let log = start.log();
        bad.extend(judge(&log, &releases, &format!("flush {failing} failed"), &mut judged));
        let end = table_of(&after(&CrashDisk::new(log.before.to_vec(), 512), &log.ops), 512).unwrap();
        assert_eq!(
            end.layout().unwrap().slots().get(Slot::B),
            Some(Flags::of(2, 3, false)),
            "flush {failing}"
        );
    }
    println!("cuts: engine flush failed, then cut states={} unbootable={}", judged.len(), bad.len());
    assert!(bad.is_empty(), "{:#?}", &bad[..bad.len().min(5)]);
}

#[test]
fn without_flushes_the_sweep_fails() {
    let (one, two, three) = (make(1), make(2), make(3));
    let start = disk(&one, Some((&two, Flags::of(1, 7, true)))).with_fault(Fault::ForgetFlushes);
    let releases = [one.images.clone(), two.images.clone(), three.images.clone()];
    let mut sweep = Sweep::new("wrong: no flush", limits());
    sweep.cut(&start, Rerun::Boots, &|crash| staged_and_armed(crash, &three), &|bytes| {
        selector_finds_whole_images(bytes, 512, &releases)
    });
    assert!(sweep.report().unbootable > 0, "{}", sweep.report());
}

#[test]
fn armed_before_verify_the_sweep_fails() {
    let (one, two) = (make(1), make(2));
    // The disk loses one of the five pieces and says nothing.
    for lost in 0..5 {
        let start = disk(&one, None).with_fault(Fault::LoseWrite(lost));
        let releases = [one.images.clone(), two.images.clone()];
        let wrong = |crash: &CrashDisk| {
            let state = tempfile::tempdir().unwrap();
            // Written, perhaps not verified; armed all the same.
            let _ = Run::default().stage(&crash.disk(), &two, state.path());
            let arm = crash.disk().change(|layout| {
                let slots = layout.slots();
                verbs::arm(&slots, Slot::A, Standing::ConfirmedThisBoot, Tries::default()).map(Edit::slots)
            });
            arm.map(|_| ()).map_err(|error| error.to_string())
        };
        let mut sweep = Sweep::new("wrong: armed before verify", limits());
        sweep.cut(&start, Rerun::Boots, &wrong, &|bytes| selector_finds_whole_images(bytes, 512, &releases));
        assert!(sweep.report().unbootable > 0, "write {lost}: {}", sweep.report());

        // The right build on the same disk refuses, and what boots is whole.
        let start = disk(&one, None).with_fault(Fault::LoseWrite(lost));
        let error = staged_and_armed(&start, &two).unwrap_err();
        assert!(error.contains("Differs"), "{error}");
        selector_finds_whole_images(&start.live(), 512, &releases).unwrap();
    }
}
