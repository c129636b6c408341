//! The machine with a group that has to agree: the same walk, with permits.

use std::collections::BTreeSet;

use partition_core::{ArmedBy, Slot, Standing, verbs};
use updater_core::{Health, Permit, Policy, Reason, Refusal, Step, Strategy, may_still_restart, next_step};

use crate::next_step::{World, now, walk_from, worlds};

/// The same with a group, whatever the host has of it and whatever the group says.
#[test]
fn with_a_group_it_comes_to_an_end_too() {
    let policy = Policy { strategy: Strategy::Etcd, ..Policy::default() };
    let mut seen = BTreeSet::new();
    for (permit, group) in permits() {
        seen.extend(walk_from(worlds_with(&permit, &group), &policy));
    }
    assert_eq!(seen.len(), 13, "{seen:?}");
}

/// What a host may have of its group, and what that may say when it is asked.
fn permits() -> Vec<(Permit, Permit)> {
    let full = Permit::Refused(Refusal::new(Reason::Coordinated, "test"));
    let spent = Permit::Refused(Refusal::new(Reason::NeverTried, "over"));
    let has = [Permit::None, Permit::Noted, Permit::Asked, Permit::Over, Permit::Left, spent];
    let all = has.into_iter().flat_map(|has| [Permit::Held, full.clone()].map(|group| (has.clone(), group)));
    all.collect()
}

pub(crate) fn worlds_with(permit: &Permit, group: &Permit) -> Vec<World> {
    let with = |world| World { permit: permit.clone(), group: group.clone(), ..world };
    worlds().into_iter().map(with).collect()
}

/// A permit that the restart has not followed is given back before anything else is tried, and no other is asked for, whatever the
/// windows say.
#[test]
fn a_host_that_does_not_restart_gives_its_permit_back_and_says_so() {
    let hour = |hour| chrono::NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let closed =
        updater_core::Window { days: vec![], start: hour(2), end: hour(3), zone: "UTC".parse().unwrap() };
    for windows in [vec![], vec![closed]] {
        let policy = Policy { strategy: Strategy::Etcd, windows, ..Policy::default() };
        let mut said = 0;
        for mut world in worlds_with(&Permit::Over, &Permit::Held) {
            let mut gave_back = false;
            for _ in 0..9 {
                let observed = world.observe(&policy);
                let step = next_step(&observed, &policy, now());
                let confirmed = world.standing == Standing::ConfirmedThisBoot;
                assert_ne!(step, Step::TakePermit);
                assert!(step != Step::Reboot || !confirmed, "{world:?}");
                if let Step::Wait(Refusal { reason: Reason::NeverTried, .. }) = &step {
                    assert!(gave_back, "{world:?}");
                    said += 1;
                }
                gave_back |= step == Step::ReturnPermit;
                if !world.take(&step, &policy) {
                    break;
                }
            }
        }
        assert!(said > 0);
    }
}

/// A host restarts by itself with a permit or because its trial has failed, keeps none that it does not use, and gives none back
/// before it is confirmed.
#[test]
fn a_permit_is_held_for_the_restart_alone() {
    let policy = Policy { strategy: Strategy::Etcd, ..Policy::default() };
    for (permit, group) in permits() {
        for mut world in worlds_with(&permit, &group) {
            for _ in 0..9 {
                let observed = world.observe(&policy);
                let step = next_step(&observed, &policy, now());
                let confirmed = observed.standing == Standing::ConfirmedThisBoot
                    && observed.slots.get(Slot::A).unwrap().successful();
                match &step {
                    Step::Reboot if confirmed => assert_eq!(observed.permit, Permit::Held),
                    Step::Reboot => assert_eq!(observed.health, Health::Bad),
                    Step::TakePermit => assert!(confirmed && verbs::armed(&observed.slots, Slot::A)),
                    Step::ReturnPermit => assert!(confirmed && observed.permit != Permit::None),
                    Step::Wait(_) | Step::Rest(_) | Step::Offline if confirmed => {
                        // With one that was asked for it may be going down.
                        let idle = [Permit::Noted, Permit::Held, Permit::Over, Permit::Left];
                        let kept = idle.contains(&observed.permit);
                        assert!(!kept, "{step:?} with {:?}", observed.permit);
                    }
                    _ => {}
                }
                if !world.take(&step, &policy) {
                    break;
                }
            }
        }
    }
}

/// Hooks and a group take their time: what was armed, and within a window, has to be so when they have answered.
#[test]
fn a_restart_is_decided_again_before_it_is_done() {
    let hour = |hour| chrono::NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let closed =
        updater_core::Window { days: vec![], start: hour(2), end: hour(3), zone: "UTC".parse().unwrap() };
    let (mut decided, mut disarmed) = (0, 0);
    for strategy in [Strategy::Immediate, Strategy::Etcd] {
        let policy = Policy { strategy, ..Policy::default() };
        for mut world in worlds_with(&Permit::Held, &Permit::Held) {
            let step = next_step(&world.observe(&policy), &policy, now());
            if step != Step::Reboot || world.standing != Standing::ConfirmedThisBoot {
                continue;
            }
            decided += 1;
            assert_eq!(may_still_restart(&world.observe(&policy), &policy, now()), Ok(()));
            let later = Policy { windows: vec![closed.clone()], ..policy.clone() };
            let refused = may_still_restart(&world.observe(&policy), &later, now()).unwrap_err();
            assert_eq!(refused.reason, Reason::Window);
            // What another program wrote is not always ours to disarm.
            let Ok(slots) = verbs::cancel(&world.slots, world.running, ArmedBy::Arm) else { continue };
            world.slots = slots;
            disarmed += 1;
            let refused = may_still_restart(&world.observe(&policy), &policy, now()).unwrap_err();
            let detail =
                format!("slot {} was disarmed while its restart was prepared", world.running.other());
            assert_eq!((refused.reason, refused.detail), (Reason::ByHand, detail));
        }
    }
    assert!(decided > disarmed && disarmed > 0, "{decided} {disarmed}");
}
