//! Bottlerocket's GRUB and our selector, over every table that Bottlerocket's own verbs reach.

use std::collections::BTreeSet;

use partition_core::bottlerocket::{self, Unmet};
use partition_core::{Flags, Slot, SlotSet, Slots, Tries, choose};

/// `gptprio.next` (facts: the highest priority among the entries with tries left or successful; priority 0 never).
fn grub(slots: &Slots) -> Option<Slot> {
    let mut best: Option<(Slot, u8)> = None;
    for (slot, flags) in slots.iter() {
        let eligible = flags.tries() > 0 || flags.successful();
        if eligible && flags.priority() > best.map_or(0, |(_, priority)| priority) {
            best = Some((slot, flags.priority()));
        }
    }
    best.map(|(slot, _)| slot)
}

type Verb = fn(&Slots, Slot) -> Result<Slots, Unmet>;

/// Every state (table, running slot) from the factory; `mark-inactive-valid` on a slot with priority 0 only, as
/// Bottlerocket's updater uses it.
fn reached(refill: Option<Tries>) -> BTreeSet<(Slots, Slot)> {
    let factory = Slots::new(Some(Flags::of(1, 0, true)), Some(Flags::default()));
    let mut seen = BTreeSet::from([(factory, Slot::A)]);
    let mut queue = vec![(factory, Slot::A)];
    while let Some((slots, running)) = queue.pop() {
        let mark: Verb = match refill {
            None => |slots, active| bottlerocket::mark_successful_boot(slots, active, None),
            Some(_) => {
                |slots, active| bottlerocket::mark_successful_boot(slots, active, Some(Tries::default()))
            }
        };
        let verbs: [Verb; 5] = [
            mark,
            bottlerocket::clear_inactive,
            bottlerocket::upgrade_to_inactive,
            bottlerocket::cancel_upgrade,
            bottlerocket::rollback_to_inactive,
        ];
        let mut next: Vec<_> =
            verbs.iter().filter_map(|verb| Some((verb(&slots, running).ok()?, running))).collect();
        let inactive = slots.get(running.other()).unwrap_or_default();
        if inactive.priority() == 0 {
            next.extend(bottlerocket::mark_inactive_valid(&slots, running).map(|slots| (slots, running)));
        }
        if let Some(started) = grub(&slots) {
            let flags = slots.get(started).unwrap_or_default();
            next.push((slots.with(started, flags.with_tries(flags.tries().saturating_sub(1))), started));
        }
        queue.extend(next.into_iter().filter(|&state| seen.insert(state)));
    }
    seen
}

#[test]
fn wherever_grub_starts_a_slot_ours_starts_the_same() {
    let states = reached(None);
    let tables: BTreeSet<Slots> = states.iter().map(|(slots, _)| *slots).collect();
    assert_eq!((states.len(), tables.len()), (46, 40), "as in the independent model");
    let mut given_up = 0;
    for slots in tables {
        let ours = choose(&slots, SlotSet::EMPTY).map(|choice| choice.slot);
        if let Some(slot) = grub(&slots) {
            assert_eq!(ours, Some(slot), "{slots:?}");
        } else {
            given_up += 1;
            let startable = slots.iter().any(|(_, flags)| flags.priority() > 0);
            assert_eq!(ours.is_some(), startable, "where GRUB gives up, ours still tries one: {slots:?}");
        }
    }
    assert_eq!(given_up, 14);
}

#[test]
fn a_rollback_goes_to_the_slot_it_means_also_where_tries_are_refilled() {
    // `signpost mark-successful-boot` refills tries, and Bottlerocket's own does not: whoever of them marked which slot, both
    // loaders start the slot that `rollback-to-inactive` names.
    for refill in [None, Some(Tries::default())] {
        for (slots, active) in reached(refill) {
            let Ok(after) = bottlerocket::rollback_to_inactive(&slots, active) else { continue };
            let ours = choose(&after, SlotSet::EMPTY).map(|choice| choice.slot);
            assert_eq!((ours, grub(&after)), (Some(active.other()), Some(active.other())), "{slots:?}");
        }
    }
    let mixed = Slots::new(Some(Flags::of(1, 7, true)), Some(Flags::of(1, 0, true)));
    let after = bottlerocket::rollback_to_inactive(&mixed, Slot::A).unwrap();
    assert_eq!(choose(&after, SlotSet::EMPTY).map(|choice| choice.slot), Some(Slot::B));
}

#[test]
fn preconditions_are_bottlerockets() {
    let slots = |a: (u8, u8, bool), b: (u8, u8, bool)| {
        Slots::new(Some(Flags::of(a.0, a.1, a.2)), Some(Flags::of(b.0, b.1, b.2)))
    };
    let here = Slot::A;
    let upgrade = |b| bottlerocket::upgrade_to_inactive(&slots((1, 0, true), b), here);
    assert_eq!(upgrade((0, 1, false)), Ok(slots((1, 0, true), (2, 1, false))));
    assert_eq!(upgrade((2, 1, false)), Err(Unmet::AlreadyMarked(Slot::B)));
    assert_eq!(upgrade((0, 1, true)), Err(Unmet::AlreadyMarked(Slot::B)));
    assert_eq!(upgrade((0, 0, false)), Err(Unmet::NotMarkedValid(Slot::B)));

    let rollback = |b| bottlerocket::rollback_to_inactive(&slots((2, 0, true), b), here);
    assert_eq!(rollback((0, 0, true)), Ok(slots((1, 0, true), (2, 0, true))));
    assert_eq!(rollback((1, 1, false)), Ok(slots((1, 0, true), (2, 1, false))));
    assert_eq!(rollback((1, 0, false)), Err(Unmet::NotBootable(Slot::B, Flags::of(1, 0, false))));

    let cancelled = bottlerocket::cancel_upgrade(&slots((1, 0, true), (2, 1, false)), here);
    assert_eq!(cancelled, Ok(slots((2, 0, true), (0, 1, false))));
    let one = Slots::new(Some(Flags::of(1, 0, true)), None);
    assert_eq!(bottlerocket::clear_inactive(&one, here), Err(Unmet::NoSlot(Slot::B)));
}
