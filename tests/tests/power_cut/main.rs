//! Promise P1: cut power after any disk operation, tear or reorder what was not flushed, and the selector still picks a
//! slot whose images are whole; running the same command again ends in the same bytes.
//!
//! `UPDOG_CUTS` says how many distinct durable states are wanted (`cargo xtask cuts`: 20,000).
#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

mod scene;
mod steps;
mod wrong_builds;

use fixtures::crash::{Limits, Rerun, Sweep};

use scene::{Damage, Scene};
use steps::Step;

#[test]
fn power_cuts() {
    let wanted: usize = std::env::var("UPDOG_CUTS").map_or(2_000, |text| text.parse().unwrap());
    let mut sweep = Sweep::new(steps::ALL[0].name, Limits::default());
    let mut unbootable = 0;
    for (n, step) in steps::ALL.iter().enumerate() {
        // A scene may give more states than its share; no step goes without for that.
        let share = wanted.saturating_sub(sweep.total()) / (steps::ALL.len() - n);
        sweep_step(&mut sweep, step, share.max(wanted / steps::ALL.len() / 2));
        let next = steps::ALL.get(n + 1).map_or("", |step| step.name);
        let report = sweep.report_and_go_on(next);
        println!("{report}");
        assert_eq!(report.examples, Vec::<String>::new(), "{}: unbootable", report.name);
        assert_eq!(report.strayed, Vec::<String>::new(), "{}: reruns", report.name);
        assert!(report.states > 0, "{}: nothing was cut", report.name);
        unbootable += report.unbootable;
    }
    println!("power cuts: {} distinct durable states, {unbootable} unbootable", sweep.total());
    assert!(sweep.total() >= wanted, "{} of {wanted} states", sweep.total());
}

/// Cuts a step in one scene after the other, in an order that mixes them, until there are enough states.
fn sweep_step(sweep: &mut Sweep, step: &Step, share: usize) {
    let scenes = Scene::all(step.damage);
    for n in 0..scenes.len() {
        // A stride that shares no factor with the number of scenes visits each of them once.
        let scene = &scenes[n * 7_919 % scenes.len()];
        if sweep.states() >= share {
            return;
        }
        if !(step.fits)(scene) {
            continue;
        }
        let rerun = if step.once { Rerun::Boots } else { Rerun::SameBytes };
        sweep.cut(&scene.disk(), rerun, &|disk| (step.run)(scene, &disk.disk()), &|bytes| scene.check(bytes));
    }
}

#[test]
fn every_kind_of_damage_is_swept() {
    for damage in Damage::ALL {
        let found = Scene::all(&[damage]).iter().any(|scene| {
            let disk = scene.disk().disk();
            disk.table().unwrap().condition() != partition_core::Condition::Good
        });
        assert_eq!(found, damage != Damage::None, "{damage:?}");
    }
}
