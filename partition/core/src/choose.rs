//! The boot rule: one function for the firmware, for `status` and for every guard.

use crate::{Flags, Slot, SlotSet, Slots};

/// What the selector does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The slot to start.
    pub slot: Slot,
    /// Why this one.
    pub rule: Rule,
    /// The flags that must be on disk before anything of the slot is loaded.
    pub after: Slots,
    /// Whether `after` differs from what is on disk.
    pub writes: bool,
}

impl Choice {
    /// Whether the slot may be started although `after` could not be written: a confirmed one only, since a trial
    /// that spends no tries would never end.
    pub fn may_start_unwritten(&self) -> bool {
        !self.writes || self.after.get(self.slot).is_some_and(Flags::successful)
    }
}

/// The rule that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// It has tries left, and the highest priority among those; one try is spent.
    TriesLeft,
    /// No slot has tries left: two take turns.
    Turns,
    /// No slot has tries left and there is no other one: it is started and nothing is written.
    Only,
}

/// The slot that boots next, leaving out those `tried` in this firmware run; `None` when no slot may be started.
///
/// Only slots with priority > 0 are candidates, so a half-written slot is never among them.
pub fn choose(slots: &Slots, tried: SlotSet) -> Option<Choice> {
    let candidates = || slots.iter().filter(|&(slot, flags)| flags.priority() > 0 && !tried.contains(slot));

    if let Some((slot, flags)) = best(candidates().filter(|(_, flags)| flags.tries() > 0), Flags::priority) {
        let after = slots.with(slot, flags.with_tries(flags.tries() - 1));
        return Some(Choice { slot, rule: Rule::TriesLeft, after, writes: true });
    }
    let (slot, flags) = best(candidates(), |flags| (flags.successful(), flags.priority()))?;
    let Some((other, rest)) = candidates().find(|&(other, _)| other != slot) else {
        return Some(Choice { slot, rule: Rule::Only, after: *slots, writes: false });
    };
    // Both get a try and this one spends it at once, so that the other has its turn when this boot fails too.
    let after = slots.with(slot, flags.with_tries(0)).with(other, rest.with_tries(1));
    Some(Choice { slot, rule: Rule::Turns, after, writes: true })
}

/// The slots that [`choose`] could ever name: priority > 0.
pub fn bootable(slots: &Slots) -> SlotSet {
    let startable = slots.iter().filter(|(_, flags)| flags.priority() > 0);
    startable.fold(SlotSet::EMPTY, |set, (slot, _)| set.with(slot))
}

/// The first of the greatest in table order.
fn best<K: Ord>(
    slots: impl Iterator<Item = (Slot, Flags)>,
    key: impl Fn(Flags) -> K,
) -> Option<(Slot, Flags)> {
    slots.reduce(|best, next| if key(next.1) > key(best.1) { next } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(a: (u8, u8, u8), b: (u8, u8, u8)) -> Slots {
        let flags = |(p, t, s): (u8, u8, u8)| Some(Flags::of(p, t, s == 1));
        Slots::new(flags(a), flags(b))
    }

    #[test]
    fn rules_in_order() {
        use Rule::{Only, TriesLeft, Turns};
        use Slot::{A, B};
        type Case = ((u8, u8, u8), (u8, u8, u8), Option<(Slot, Rule, (u8, u8, u8), (u8, u8, u8))>);
        let cases: &[Case] = &[
            // priority among those with tries; a tie goes to the first
            ((1, 7, 1), (2, 3, 0), Some((B, TriesLeft, (1, 7, 1), (2, 2, 0)))),
            ((1, 7, 1), (1, 3, 1), Some((A, TriesLeft, (1, 6, 1), (1, 3, 1)))),
            ((2, 0, 1), (1, 1, 0), Some((B, TriesLeft, (2, 0, 1), (1, 0, 0)))),
            // no tries anywhere: confirmed, priority, order; both get a try, one is spent
            ((2, 0, 0), (1, 0, 1), Some((B, Turns, (2, 1, 0), (1, 0, 1)))),
            ((1, 0, 1), (2, 0, 1), Some((B, Turns, (1, 1, 1), (2, 0, 1)))),
            ((1, 0, 0), (1, 0, 0), Some((A, Turns, (1, 0, 0), (1, 1, 0)))),
            // one only: nothing to write
            ((1, 0, 0), (0, 5, 1), Some((A, Only, (1, 0, 0), (0, 5, 1)))),
            ((0, 7, 1), (0, 7, 1), None),
        ];
        for &(a, b, want) in cases {
            let found = choose(&slots(a, b), SlotSet::EMPTY).map(|c| (c.slot, c.rule, c.after, c.writes));
            let want = want.map(|(slot, rule, a, b)| (slot, rule, slots(a, b), rule != Only));
            assert_eq!(found, want, "{a:?} {b:?}");
        }
    }

    #[test]
    fn a_tried_slot_is_left_out() {
        let both = slots((1, 7, 1), (2, 3, 0));
        let next = choose(&both, SlotSet::EMPTY.with(Slot::B)).unwrap();
        assert_eq!((next.slot, next.after), (Slot::A, slots((1, 6, 1), (2, 3, 0))));
        assert_eq!(choose(&both, SlotSet::EMPTY.with(Slot::A).with(Slot::B)), None);
    }

    #[test]
    fn an_unwritten_try_starts_confirmed_slots_only() {
        let trial = choose(&slots((1, 7, 1), (2, 3, 0)), SlotSet::EMPTY).unwrap();
        assert!(!trial.may_start_unwritten());
        let confirmed = choose(&slots((1, 7, 1), (0, 0, 0)), SlotSet::EMPTY).unwrap();
        assert!(confirmed.may_start_unwritten());
    }
}
