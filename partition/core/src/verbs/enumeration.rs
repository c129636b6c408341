//! Every state of two slots that verbs, failing boots, power cuts and rotting images can reach.
//!
//! The states, the counts and the bound of M + 2 boots are those of an independent model; what the model leaves out
//! (images that start but are never healthy, arming a slot that is whole already, rollback before the confirm of this
//! boot) is added by [`Alphabet::Wide`], which finds the guards that the narrow one cannot miss.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::{Rule, bootable};

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Image {
    Good,
    /// Starts, but its health checks never pass.
    Sick,
    Bad,
    Half,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Armed {
    Arm,
    Rollback,
    /// Rollback from a trial.
    Left,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    slots: Slots,
    images: [Image; 2],
    /// `None` while the machine is off.
    running: Option<Slot>,
    confirmed: bool,
    armed: Option<Armed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alphabet {
    /// The independent model's.
    Model,
    Wide,
}

/// How the selector may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Selector {
    Ours,
    ForgetsTheSpend,
    ForgetsTheTurn,
}

impl State {
    fn healthy(&self, slot: Slot) -> bool {
        self.images[slot.index()] == Image::Good && bootable(&self.slots).contains(slot)
    }
}

struct Machine {
    tries: Tries,
    guards: Guards,
    alphabet: Alphabet,
    selector: Selector,
}

struct Walk {
    states: usize,
    worst: usize,
    broken: Vec<String>,
}

impl Machine {
    fn ours(n: u8, m: u8, alphabet: Alphabet) -> Machine {
        Machine { tries: Tries::new(n, m).unwrap(), guards: Guards::ALL, alphabet, selector: Selector::Ours }
    }

    fn walk(&self) -> Walk {
        let mut seen = BTreeSet::from([self.factory()]);
        if self.alphabet == Alphabet::Wide {
            seen.extend(self.foreign());
        }
        let mut queue: VecDeque<State> = seen.iter().copied().collect();
        let mut walk = Walk { states: 0, worst: 0, broken: vec![] };
        while let Some(state) = queue.pop_front() {
            self.judge(&state, &mut walk);
            for next in self.steps(&state, &mut walk.broken) {
                if seen.insert(next) {
                    queue.push_back(next);
                }
            }
        }
        walk.states = seen.len();
        walk
    }

    fn factory(&self) -> State {
        State {
            slots: Slots::new(Some(Flags::of(1, self.tries.confirmed(), true)), Some(Flags::default())),
            images: [Image::Good, Image::Half],
            running: None,
            confirmed: false,
            armed: None,
        }
    }

    /// Tables that others left, with a healthy slot that may be started, running either slot or none.
    fn foreign(&self) -> Vec<State> {
        let (n, m) = (self.tries.trial(), self.tries.confirmed());
        let mut slots = vec![];
        for (priority, tries) in [0, 1, 2, 3].into_iter().flat_map(|p| [0, 1, n, m].map(|t| (p, t))) {
            for image in [Image::Good, Image::Bad, Image::Half] {
                if priority == 0 || image != Image::Half {
                    slots.extend([false, true].map(|s| (Flags::of(priority, tries, s), image)));
                }
            }
        }
        let pairs = slots.iter().flat_map(|a| slots.iter().map(move |b| (*a, *b)));
        let mut out = vec![];
        for ((a, image_a), (b, image_b)) in pairs {
            let off = State {
                slots: Slots::new(Some(a), Some(b)),
                images: [image_a, image_b],
                running: None,
                confirmed: false,
                armed: None,
            };
            if !Slot::ALL.into_iter().any(|slot| off.healthy(slot)) {
                continue;
            }
            out.push(off);
            for slot in Slot::ALL.into_iter().filter(|slot| off.images[slot.index()] == Image::Good) {
                out.extend([false, true].map(|confirmed| State { running: Some(slot), confirmed, ..off }));
            }
        }
        out
    }

    /// What must hold in every state.
    fn judge(&self, state: &State, walk: &mut Walk) {
        if !Slot::ALL.into_iter().any(|slot| state.healthy(slot)) {
            walk.broken.push(format!("no healthy slot may be started: {state:?}"));
        }
        if bootable(&state.slots).iter().any(|slot| state.images[slot.index()] == Image::Half) {
            walk.broken.push(format!("a half-written slot may be started: {state:?}"));
        }
        let mut slots = state.slots;
        let limit = usize::from(self.tries.confirmed()) + 2;
        for boots in 1..=limit {
            let Some((slot, after)) = self.boot(&slots) else { break };
            slots = after;
            if state.images[slot.index()] == Image::Good {
                walk.worst = walk.worst.max(boots);
                return;
            }
        }
        walk.broken.push(format!("no healthy slot is reached in {limit} boots: {state:?}"));
    }

    fn boot(&self, slots: &Slots) -> Option<(Slot, Slots)> {
        let choice = choose(slots, SlotSet::EMPTY)?;
        let after = match (self.selector, choice.rule) {
            (Selector::ForgetsTheSpend, Rule::TriesLeft) | (Selector::ForgetsTheTurn, Rule::Turns) => *slots,
            _ => choice.after,
        };
        Some((choice.slot, after))
    }

    fn steps(&self, state: &State, broken: &mut Vec<String>) -> Vec<State> {
        match state.running {
            None => self.power_on(state, broken),
            Some(running) => {
                let mut out = self.verbs(state, running, broken);
                out.push(State { running: None, confirmed: false, ..*state });
                out.extend(self.rot(state, running));
                out
            }
        }
    }

    /// The selector starts a slot; the boot comes up, or anything at all sends it back.
    fn power_on(&self, state: &State, broken: &mut Vec<String>) -> Vec<State> {
        let mut out = vec![];
        let written = self.boot(&state.slots);
        let unwritten = if self.alphabet == Alphabet::Wide { unwritten(&state.slots) } else { None };
        for (slot, slots) in written.into_iter().chain(unwritten) {
            let failed = State { slots, ..*state };
            if matches!(state.images[slot.index()], Image::Good | Image::Sick) {
                out.push(self.come_up(&failed, slot, broken));
            }
            out.push(failed);
        }
        out
    }

    fn come_up(&self, state: &State, slot: Slot, broken: &mut Vec<String>) -> State {
        let up = State { running: Some(slot), confirmed: false, ..*state };
        match trial_over_under(self.guards, &state.slots, slot, self.tries) {
            Ok(Some(slots)) => {
                let never_started = Some(Flags::of(2, self.tries.trial(), false));
                if state.slots.get(slot.other()) == never_started {
                    broken.push(format!("an armed slot is lost before it was started: {state:?}"));
                }
                State { slots, armed: None, ..up }
            }
            _ => up,
        }
    }

    fn verbs(&self, state: &State, running: Slot, broken: &mut Vec<String>) -> Vec<State> {
        let (other, tries, guards) = (running.other(), self.tries, self.guards);
        let standing = if state.confirmed { Standing::ConfirmedThisBoot } else { Standing::NotThisBoot };
        let wide = self.alphabet == Alphabet::Wide;
        let with = |slots: Slots| State { slots, ..*state };
        let image = |slot: Slot, image: Image| {
            let mut images = state.images;
            images[slot.index()] = image;
            images
        };
        let mut out = vec![];
        let mut means = |verb: &str, slots: &Slots, slot: Slot| {
            if next(slots) != Some(slot) {
                broken.push(format!("{verb} does not leave slot {slot} next: {state:?}"));
            }
            let successful = |slots: &Slots| slots.get(other).is_some_and(Flags::successful);
            if successful(slots) && !successful(&state.slots) {
                broken.push(format!("{verb} calls a slot successful that was never confirmed: {state:?}"));
            }
        };

        // A machine may also be brought up by other means than the selector, in a slot with priority 0.
        if wide && let Ok(Some(slots)) = trial_over_under(guards, &state.slots, running, tries) {
            means("trial over", &slots, running);
            out.push(State { armed: None, ..with(slots) });
        }
        // A slot whose health checks fail is never confirmed.
        if state.images[running.index()] == Image::Good
            && let Ok(slots) = confirm_under(guards, &state.slots, running, tries)
        {
            means("confirm", &slots, running);
            let settled = state.slots.get(running).is_some_and(|flags| flags.priority() == 2);
            let armed = if settled { None } else { state.armed };
            out.push(State { confirmed: true, armed, ..with(slots) });
        }
        if wide
            && state.images[running.index()] == Image::Good
            && let Ok(slots) = come_home_under(guards, &state.slots, running, tries)
        {
            means("come home", &slots, running);
            out.push(State { confirmed: true, armed: None, ..with(slots) });
        }
        if let Ok(slots) = retire_under(guards, &state.slots, running, standing) {
            means("retire", &slots, running);
            out.push(State { images: image(other, Image::Half), armed: None, ..with(slots) });
        }
        let empty = state.slots.get(other) == Some(Flags::default());
        if let Ok(slots) = arm_under(guards, &state.slots, running, (standing, tries)) {
            means("arm", &slots, other);
            let written: &[Image] = match (empty, wide) {
                (true, false) => &[Image::Good, Image::Bad],
                (true, true) => &[Image::Good, Image::Bad, Image::Sick],
                (false, _) => &[],
            };
            for &written in written {
                out.push(State { images: image(other, written), armed: Some(Armed::Arm), ..with(slots) });
            }
            // The slot holds the release already: nothing is written and nothing retired.
            if wide && !empty && state.images[other.index()] != Image::Half {
                out.push(State { armed: Some(Armed::Arm), ..with(slots) });
            }
        }
        let confirmed = state.slots.get(running).is_some_and(Flags::successful);
        if (wide || !confirmed || state.confirmed)
            && let Ok(slots) = rollback_under(guards, &state.slots, running, tries)
        {
            means("rollback", &slots, other);
            let armed = if confirmed { Armed::Rollback } else { Armed::Left };
            out.push(State { armed: Some(armed), ..with(slots) });
        }
        let recorded = state.armed.map(|armed| match armed {
            Armed::Arm => ArmedBy::Arm,
            Armed::Rollback | Armed::Left => ArmedBy::Rollback,
        });
        // The record of what was armed may be lost; then whoever cancels says `Arm`.
        for by in recorded.into_iter().chain(wide.then_some(ArmedBy::Arm)) {
            if let Ok(slots) = cancel_under(guards, &state.slots, running, by) {
                means("cancel", &slots, running);
                out.push(State { armed: None, ..with(slots) });
            }
        }
        out
    }

    /// A good image goes bad, as long as another good one may be started. It falls sick only beside a confirmed one: a
    /// sick slot that wakes ends the trial of the other.
    fn rot(&self, state: &State, running: Slot) -> Vec<State> {
        let mut out = vec![];
        for slot in Slot::ALL {
            if state.images[slot.index()] != Image::Good || !state.healthy(slot.other()) {
                continue;
            }
            let beside_confirmed = state.slots.get(slot.other()).is_some_and(Flags::successful);
            let sick = self.alphabet == Alphabet::Wide && beside_confirmed;
            for kind in [Some(Image::Bad), sick.then_some(Image::Sick)].into_iter().flatten() {
                let mut next = *state;
                next.images[slot.index()] = kind;
                if slot == running {
                    (next.running, next.confirmed) = (None, false);
                }
                out.push(next);
            }
        }
        out
    }
}

/// The boot of a machine whose disk takes no writes.
fn unwritten(slots: &Slots) -> Option<(Slot, Slots)> {
    let mut tried = SlotSet::EMPTY;
    while let Some(choice) = choose(slots, tried) {
        if choice.may_start_unwritten() {
            return Some((choice.slot, *slots));
        }
        tried = tried.with(choice.slot);
    }
    None
}

#[test]
fn the_independent_model_agrees() {
    // The model has the `choose` guard on retire only; with ours like that the counts are the same to the last state.
    const MODEL: Guards =
        Guards::without(&[Guard::ConfirmMeant, Guard::TrialMeant, Guard::CancelMeant, Guard::RollbackMeant]);
    for (n, m, states) in [(1, 2, 412), (2, 3, 566), (3, 7, 1136), (7, 15, 2696)] {
        let walk = Machine { guards: MODEL, ..Machine::ours(n, m, Alphabet::Model) }.walk();
        assert_eq!((walk.states, walk.worst), (states, usize::from(m) + 2), "N {n}, M {m}");
    }
}

#[test]
fn a_healthy_slot_is_always_reached() {
    for (n, m) in [(1, 2), (2, 3), (3, 7), (7, 15)] {
        let narrow = Machine::ours(n, m, Alphabet::Model).walk();
        let wide = Machine::ours(n, m, Alphabet::Wide).walk();
        for walk in [&narrow, &wide] {
            assert_eq!(walk.broken, Vec::<String>::new(), "N {n}, M {m}");
            assert_eq!(walk.worst, usize::from(m) + 2, "N {n}, M {m}");
        }
        assert!(wide.states > 10 * narrow.states);
    }
}

#[test]
fn every_guard_is_needed() {
    use Guard::*;
    const EACH: [&[Guard]; 12] = [
        &[RunningConfirmed],
        &[ConfirmedThisBoot],
        &[TrialUntouched],
        &[CancelArmed],
        &[CancelKeepsConfirmed],
        &[RollbackStartable],
        &[RollbackConfirmed],
        &[RetireMeant],
        &[ConfirmMeant],
        &[TrialMeant],
        &[CancelMeant],
        &[RollbackMeant],
    ];
    for missing in EACH {
        let walk = Machine { guards: Guards::without(missing), ..Machine::ours(2, 3, Alphabet::Wide) }.walk();
        assert!(!walk.broken.is_empty(), "{missing:?} can be taken away and nothing is lost");
    }
}

#[test]
fn both_writes_of_the_selector_are_needed() {
    for selector in [Selector::ForgetsTheSpend, Selector::ForgetsTheTurn] {
        let walk = Machine { selector, ..Machine::ours(3, 7, Alphabet::Wide) }.walk();
        assert!(!walk.broken.is_empty(), "{selector:?}");
    }
}
