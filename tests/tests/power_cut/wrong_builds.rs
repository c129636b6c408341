//! Builds that are wrong on purpose. The sweep must find each of them, or it would find nothing.

use fixtures::CrashDisk;
use fixtures::crash::{Fault, Limits, Report, Rerun, Sweep};
use partition_core::{Flags, Slot, Slots};

use crate::scene::{Damage, Scene};
use crate::steps::{Order, update};

/// Slot A confirmed, an older release that works in slot B.
fn scene() -> Scene {
    let slots = Slots::new(Some(Flags::of(2, 7, true)), Some(Flags::of(1, 7, true)));
    Scene { sector_size: 512, slots, running: Slot::A, damage: Damage::None }
}

fn swept(disk: &CrashDisk, order: Order) -> Report {
    let scene = scene();
    let mut sweep = Sweep::new("wrong build", Limits { samples: 16, ..Limits::default() });
    sweep.cut(disk, Rerun::Boots, &|disk| update(&scene, &disk.disk(), order), &|bytes| scene.check(bytes));
    sweep.report().clone()
}

#[test]
fn the_right_build_passes() {
    let report = swept(&scene().disk(), Order::VerifyThenArm);
    assert_eq!((report.unbootable, report.strayed.len()), (0, 0), "{report:?}");
}

#[test]
fn a_build_that_leaves_out_a_flush_is_found() {
    // retire's last two flushes: between the copies of the table, and before the first byte of the image
    for forgotten in [Fault::ForgetFlush(1), Fault::ForgetFlush(2), Fault::ForgetFlushes] {
        let report = swept(&scene().disk().with_fault(forgotten), Order::VerifyThenArm);
        assert!(report.unbootable > 0, "{forgotten:?} was not found in {} states", report.states);
    }
}

#[test]
fn a_build_that_arms_before_it_verifies_is_found() {
    // The disk says it has written a page of the root image, and has not. Retire makes the first four writes.
    let lies = || scene().disk().with_fault(Fault::LoseWrite(4 + 3));

    let right = swept(&lies(), Order::VerifyThenArm);
    assert_eq!(right.unbootable, 0, "{right:?}");
    assert_eq!(right.strayed, ["the command failed uncut: root differs at 4096"]);

    let wrong = swept(&lies(), Order::ArmThenVerify);
    assert!(wrong.unbootable > 0, "not found in {} states", wrong.states);
}

#[test]
fn a_run_that_is_killed_and_run_again_is_safe_from_cuts() {
    // Killed, the first run leaves writes in the page cache that no flush has made durable.
    let writes = (0..4).map(Fault::FailWrite);
    for killed_at in writes.chain((0..3).map(Fault::FailFlush)) {
        let scene = scene();
        let limits = Limits { exhaustive_sectors: 4, samples: 4, seed: 1 };
        let mut sweep = Sweep::new("killed", limits);
        let twice = |disk: &CrashDisk| {
            let _killed = update(&scene, &disk.disk(), Order::VerifyThenArm);
            update(&scene, &disk.disk(), Order::VerifyThenArm)
        };
        sweep.cut(&scene.disk().with_fault(killed_at), Rerun::SameBytes, &twice, &|bytes| scene.check(bytes));
        let report = sweep.report();
        assert_eq!((report.unbootable, report.strayed.len()), (0, 0), "{killed_at:?}: {report:?}");
    }
}
