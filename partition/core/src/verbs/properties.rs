//! What the verbs promise on any table, also one that none of them would make.

use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::bootable;

type Verb = fn(&Slots, Slot, Tries) -> Result<Slots, Refusal>;

/// Every verb with what it changes: the slot that must boot after it is the running one, or the other one.
const VERBS: [(&str, Verb, bool); 8] = [
    ("retire", |slots, running, _| retire(slots, running, Standing::ConfirmedThisBoot), true),
    ("arm", |slots, running, tries| arm(slots, running, Standing::ConfirmedThisBoot, tries), false),
    ("confirm", confirm, true),
    ("trial over", |s, running, tries| trial_over(s, running, tries).map(|after| after.unwrap_or(*s)), true),
    ("cancel, arm", |slots, running, _| cancel(slots, running, ArmedBy::Arm), true),
    ("cancel, fallback", |slots, running, _| cancel(slots, running, ArmedBy::ArmOverFallback), true),
    ("cancel, rollback", |slots, running, _| cancel(slots, running, ArmedBy::Rollback), true),
    ("rollback", rollback, false),
];

fn slot() -> impl Strategy<Value = Slot> {
    prop_oneof![Just(Slot::A), Just(Slot::B)]
}

fn tries() -> impl Strategy<Value = Tries> {
    (1u8..=7, 2u8..=15).prop_filter_map("M > N", |(n, m)| Tries::new(n, m).ok())
}

fn flags() -> impl Strategy<Value = Flags> {
    // Mostly values that some tool would write, over any other bits.
    (any::<u64>(), 0u8..=4, prop_oneof![0u8..=4, 0u8..=15], any::<bool>()).prop_map(
        |(bits, priority, tries, successful)| Flags::from_bits(bits).with(priority, tries, successful),
    )
}

proptest! {
    #[test]
    fn other_bits_stay_and_the_meant_slot_boots(
        a in flags(), b in flags(), running in slot(), tries in tries(),
    ) {
        let before = Slots::new(Some(a), Some(b));
        for (name, verb, keeps_running) in VERBS {
            let Ok(after) = verb(&before, running, tries) else { continue };
            for (slot, flags) in after.iter() {
                let ours = 0x1ff << 48;
                prop_assert_eq!(flags.bits() & !ours, before.get(slot).unwrap().bits() & !ours, "{}", name);
            }
            if name != "trial over" || after != before {
                let meant = if keeps_running { running } else { running.other() };
                prop_assert_eq!(next(&after), Some(meant), "{}", name);
            }
            let again = if name.starts_with("cancel") { Err(Refusal::NothingArmed) } else { Ok(after) };
            prop_assert_eq!(verb(&after, running, tries), again, "{} twice", name);
        }
    }

    #[test]
    fn arm_and_cancel_leave_things_as_they_were(
        a in flags(), b in flags(), running in slot(), tries in tries(),
    ) {
        // `arm` follows a write, so the other slot is retired: priority 0.
        let before = Slots::new(Some(a), Some(b));
        let before = before.with(running.other(), before.get(running.other()).unwrap().with_priority(0));
        let Ok(armed) = arm(&before, running, Standing::ConfirmedThisBoot, tries) else { return Ok(()) };
        let after = cancel(&armed, running, ArmedBy::Arm).unwrap();
        if bootable(&before).contains(running) {
            prop_assert_eq!(next(&after), next(&before));
            prop_assert_eq!(bootable(&after), bootable(&before));
        } else {
            // Nothing could boot before; now the running slot can.
            prop_assert_eq!(next(&after), Some(running));
        }
    }

    #[test]
    fn arming_a_fallback_and_cancelling_keeps_it(
        a in flags(), b in flags(), running in slot(), tries in tries(),
    ) {
        // Nothing had to be written, so the other slot was not retired.
        let before = Slots::new(Some(a), Some(b));
        let fallback = before.get(running.other()).unwrap();
        prop_assume!(fallback.priority() > 0 && fallback.successful());
        prop_assume!(bootable(&before).contains(running));
        let Ok(armed) = arm(&before, running, Standing::ConfirmedThisBoot, tries) else { return Ok(()) };
        let after = cancel(&armed, running, ArmedBy::ArmOverFallback).unwrap();
        prop_assert_eq!(next(&after), Some(running));
        prop_assert_eq!(bootable(&after), bootable(&before));
        prop_assert!(after.get(running.other()).unwrap().successful());
    }

    #[test]
    fn one_slot_is_shown_and_confirmed_but_never_updated(a in flags(), running in slot(), tries in tries()) {
        let one = Slots::new(Some(a), None);
        for (name, verb, _) in VERBS {
            let touches_other = !matches!(name, "confirm" | "trial over");
            let answer = verb(&one, running, tries);
            if touches_other {
                prop_assert_eq!(answer, Err(Refusal::NoSlot(Slot::B)));
            }
        }
        if a.priority() > 0 {
            prop_assert!(confirm(&one, Slot::A, tries).is_ok());
        }
    }
}

#[test]
fn rows_of_the_design() {
    let slots = |a: (u8, u8, u8), b: (u8, u8, u8)| {
        let flags = |(p, t, s): (u8, u8, u8)| Some(Flags::of(p, t, s == 1));
        Slots::new(flags(a), flags(b))
    };
    let tries = Tries::default();
    let here = Slot::A;
    let this_boot = Standing::ConfirmedThisBoot;
    let rows: Vec<(Result<Slots, Refusal>, Result<Slots, Refusal>)> = alloc::vec![
        (retire(&slots((1, 7, 1), (2, 3, 1)), here, this_boot), Ok(slots((1, 7, 1), (0, 0, 0)))),
        (retire(&slots((1, 7, 0), (1, 3, 1)), here, this_boot), Err(Refusal::RunningNotConfirmed(Slot::A)),),
        (
            retire(&slots((1, 7, 1), (1, 3, 1)), here, Standing::NotThisBoot),
            Err(Refusal::NotConfirmedThisBoot(Slot::A)),
        ),
        (arm(&slots((2, 7, 1), (0, 0, 0)), here, this_boot, tries), Ok(slots((1, 7, 1), (2, 3, 0)))),
        (
            arm(&slots((2, 7, 1), (0, 0, 0)), here, Standing::NotThisBoot, tries),
            Err(Refusal::NotConfirmedThisBoot(Slot::A)),
        ),
        (confirm(&slots((2, 2, 0), (1, 6, 1)), here, tries), Ok(slots((2, 7, 1), (1, 6, 1)))),
        (
            confirm(&slots((1, 6, 1), (2, 3, 0)), here, tries),
            Err(Refusal::WouldBoot { meant: Slot::A, found: Some(Slot::B) }),
        ),
        (cancel(&slots((1, 7, 1), (2, 3, 0)), here, ArmedBy::Arm), Ok(slots((2, 7, 1), (0, 0, 0)))),
        (
            cancel(&slots((1, 7, 1), (2, 3, 0)), here, ArmedBy::ArmOverFallback),
            Ok(slots((2, 7, 1), (1, 3, 1))),
        ),
        (cancel(&slots((1, 7, 1), (2, 3, 1)), here, ArmedBy::Rollback), Ok(slots((2, 7, 1), (1, 3, 1)))),
        (cancel(&slots((1, 7, 1), (0, 0, 0)), here, ArmedBy::Arm), Err(Refusal::NothingArmed)),
        // a trial whose tries are spent has armed nothing
        (cancel(&slots((2, 0, 0), (1, 7, 1)), here, ArmedBy::Arm), Err(Refusal::NothingArmed)),
        (rollback(&slots((2, 7, 1), (1, 6, 1)), here, tries), Ok(slots((1, 7, 1), (2, 3, 1)))),
        (rollback(&slots((2, 7, 1), (1, 6, 0)), here, tries), Err(Refusal::OtherNotConfirmed(Slot::B))),
        (rollback(&slots((2, 0, 0), (1, 6, 1)), here, tries), Ok(slots((1, 1, 0), (2, 6, 1)))),
        (rollback(&slots((2, 2, 0), (0, 6, 1)), here, tries), Err(Refusal::OtherNotBootable(Slot::B))),
    ];
    for (row, (found, expected)) in rows.into_iter().enumerate() {
        assert_eq!(found, expected, "row {row}");
    }
    let over = |a, b| trial_over(&slots(a, b), here, tries);
    assert_eq!(over((1, 6, 1), (2, 1, 0)), Ok(Some(slots((1, 6, 1), (0, 0, 0)))));
    assert_eq!(over((1, 6, 1), (2, 3, 0)), Ok(None), "armed and untouched");
    assert_eq!(over((1, 6, 1), (2, 1, 1)), Ok(None), "confirmed");
    assert_eq!(over((1, 6, 1), (0, 1, 0)), Ok(None), "retired");
}
