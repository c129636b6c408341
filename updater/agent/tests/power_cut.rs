//! P1 over the engine: stage and arm cut at every operation, the unflushed rest lost, torn or reordered. Whatever is left, each slot that
//! the selector may start is whole, compared with the source and not by our own verify code; and the same command ends in the same
//! bytes. Two wrong builds must fail the same sweep.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of small disks fit every type")]

mod common;

use common::{Made, Run, apply, disk, make};
use fixtures::CrashDisk;
use fixtures::crash::{DiskOp, Fault, Limits, Report, Rerun, Sweep, selector_finds_whole_images};
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

#[test]
fn a_killed_run_and_then_a_cut() {
    // A process that is killed leaves its writes in caches: they read right and are not durable. The next run finds the slot
    // retired, or whole, and must not take that for durable. Every write of the first run is a place to kill it.
    let (one, two, three) = (make(1), make(2), make(3));
    let releases = [one.images.clone(), two.images.clone(), three.images.clone()];
    let start = disk(&one, Some((&two, Flags::of(1, 7, true))));
    let first = disk(&one, Some((&two, Flags::of(1, 7, true)))).with_fault(Fault::ForgetFlushes);
    staged_and_armed(&first, &three).unwrap();
    let writes = first.log().ops;
    let (mut states, mut bad) = (std::collections::HashSet::new(), Vec::new());
    for killed in 0..=writes.len() {
        let mut log = start.log();
        log.ops = writes[..killed].to_vec();
        let mut bytes = start.live();
        for op in &log.ops {
            if let DiskOp::Write { off, bytes: written } = op {
                bytes[*off as usize..*off as usize + written.len()].copy_from_slice(written);
            }
        }
        let second = CrashDisk::new(bytes, 512);
        staged_and_armed(&second, &three).unwrap();
        let before_the_second = log.ops.len();
        log.ops.extend(second.log().ops);
        // Cuts before the second run has flushed are the first run's own; nobody can help there but its own flushes.
        let flushed = log.ops.iter().position(|op| *op == DiskOp::Flush).unwrap_or(0).max(before_the_second);
        log.durable_states(limits(), &mut states, |state| {
            let check = selector_finds_whole_images(&state.bytes, 512, &releases);
            if let (true, Err(error)) = (state.after_flush_at > flushed, check) {
                bad.push(format!(
                    "killed after write {killed}, cut after operation {}: {error}",
                    state.after_flush_at
                ));
            }
        });
    }
    println!("cuts: engine killed, then cut states={} unbootable={}", states.len(), bad.len());
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
