//! The machine, walked over an enumerated model: every observation has an answer, and doing it and asking again comes to an
//! end without passing the same place twice.

use std::collections::BTreeSet;

use partition_core::{ArmedBy, Flags, Slot, Slots, Standing, bootable, verbs};
use release::ReleaseId;
use updater_core::records::{By, Outcome, Pending, Wish};
use updater_core::{
    Health, Mode, Observed, Permit, Policy, Question, Reason, Refusal, Settled, Sight, Step, Strategy,
    Window, next_step, record, settle,
};

use crate::permits::worlds_with;
use crate::world::{at, intent, pending, release, slots};

/// A host and a repository, as a step changes them.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) running: Slot,
    pub(crate) slots: Slots,
    pub(crate) standing: Standing,
    pub(crate) health: Health,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) staged: Option<ReleaseId>,
    pub(crate) sight: Sight,
    /// What the repository will say when it is asked.
    pub(crate) answer: Sight,
    pub(crate) permit: Permit,
    /// What the group will say when it is asked.
    pub(crate) group: Permit,
}

impl World {
    pub(crate) fn observe(&self, policy: &Policy) -> Observed {
        let intent = self.outcome.as_ref().and_then(|outcome| outcome.intent.as_ref());
        Observed {
            running: self.running,
            slots: self.slots,
            standing: self.standing,
            health: self.health,
            settled: settle(&Question {
                outcome: self.outcome.as_ref(),
                running: self.running,
                slots: &self.slots,
                boot_id: Some("boot-2"),
                tries: policy.tries,
            }),
            tries: self
                .outcome
                .as_ref()
                .map_or(policy.tries, |outcome| outcome.tries(self.running, policy.tries)),
            pending: intent.map(Pending::from),
            staged: self.staged,
            cancelled: None,
            sight: self.sight.clone(),
            permit: self.permit.clone(),
            floor: chrono::DateTime::UNIX_EPOCH,
        }
    }

    /// Does the step, by the same verbs that updog uses. `false`: the walk ends here.
    pub(crate) fn take(&mut self, step: &Step, policy: &Policy) -> bool {
        let (running, other) = (self.running, self.running.other());
        match step {
            Step::Settle(settled) => {
                let outcome = self.outcome.clone().unwrap_or_default();
                self.outcome = Some(record(&outcome, *settled, running, None, now()).outcome);
                if *settled != Settled::NotArmed && *settled != Settled::FellBack {
                    self.staged = None;
                }
            }
            Step::TrialOver => {
                self.slots = verbs::trial_over(&self.slots, running, policy.tries).unwrap().unwrap();
            }
            Step::Confirm => {
                self.slots = verbs::confirm(&self.slots, running, policy.tries).unwrap();
                self.standing = Standing::ConfirmedThisBoot;
            }
            Step::Check => self.sight = self.answer.clone(),
            Step::Stage(release) => {
                self.slots = verbs::retire(&self.slots, running, self.standing).unwrap();
                self.staged = Some(*release);
            }
            Step::Arm(release) => {
                let mut outcome = self.outcome.clone().unwrap_or_default();
                let mut intent = intent(By::Arm, other, "1.1.0");
                intent.boot_id = Some("boot-2".to_owned());
                intent.held.as_mut().unwrap().release = Some(*release);
                outcome.intent = Some(intent);
                self.outcome = Some(outcome);
                self.slots = verbs::arm(&self.slots, running, self.standing, policy.tries).unwrap();
            }
            Step::Cancel => {
                self.slots = verbs::cancel(&self.slots, running, ArmedBy::Arm).unwrap();
                if let Some(outcome) = &mut self.outcome {
                    outcome.intent = None;
                }
            }
            Step::TakePermit => self.permit = self.group.clone(),
            Step::ReturnPermit => {
                self.permit = match self.permit {
                    Permit::Over => Permit::Refused(Refusal::new(Reason::NeverTried, "over")),
                    _ => Permit::None,
                }
            }
            Step::Reboot | Step::Wait(_) | Step::Rest(_) | Step::Offline => return false,
        }
        true
    }
}

/// The same record, written in the boot that asks.
fn of_this_boot(mut outcome: Outcome) -> Outcome {
    outcome.intent.as_mut().unwrap().boot_id = Some("boot-2".to_owned());
    outcome
}

/// The same record, armed by hand.
fn by_hand(mut outcome: Outcome) -> Outcome {
    outcome.intent.as_mut().unwrap().wish = Wish::Hand;
    outcome
}

pub(crate) fn worlds() -> Vec<World> {
    let flags: Vec<(u8, u8, bool)> = (0..=2)
        .flat_map(|priority| [0, 1, 3, 7].map(|tries| [(priority, tries, false), (priority, tries, true)]))
        .flatten()
        .collect();
    let outcomes = [
        None,
        Some(Outcome { confirmed: Some(Slot::A), ..Outcome::default() }),
        Some(Outcome { confirmed: Some(Slot::B), ..Outcome::default() }),
        Some(pending(intent(By::Arm, Slot::B, "1.1.0"))),
        Some(pending(intent(By::Rollback, Slot::B, "1.0.0"))),
        Some(of_this_boot(pending(intent(By::Arm, Slot::B, "1.1.0")))),
        Some(of_this_boot(pending(intent(By::Rollback, Slot::B, "1.0.0")))),
        Some(of_this_boot(by_hand(pending(intent(By::Arm, Slot::B, "1.1.0"))))),
    ];
    let none = |reason| Sight::Seen { offer: Err(Refusal::new(reason, "test")), armed: None };
    let armed = |reason| Sight::Seen {
        offer: Err(Refusal::new(reason, "test")),
        armed: Some(Refusal::new(reason, "test")),
    };
    let some = |name| Sight::Seen { offer: Ok(release(name)), armed: None };
    let answers = [
        Sight::Unreachable,
        some("1.1.0"),
        some("1.2.0"),
        none(Reason::NotNewer),
        none(Reason::Wave),
        armed(Reason::Yanked),
        armed(Reason::Locked),
        armed(Reason::Soak),
    ];
    let mut worlds = Vec::new();
    for &a in &flags {
        for b in flags.iter().copied().map(Some).chain([None]) {
            for outcome in &outcomes {
                for answer in &answers {
                    for (standing, health) in [
                        (Standing::ConfirmedThisBoot, Health::Good),
                        (Standing::NotThisBoot, Health::Good),
                        (Standing::NotThisBoot, Health::Open),
                        (Standing::NotThisBoot, Health::Bad),
                    ] {
                        let slots = match b {
                            Some(b) => slots(a, b),
                            None => Slots::new(Some(Flags::of(a.0, a.1, a.2)), None),
                        };
                        worlds.push(World {
                            running: Slot::A,
                            slots,
                            standing,
                            health,
                            outcome: outcome.clone(),
                            staged: (a.1 == 3).then(|| release("1.1.0")),
                            sight: Sight::Unknown,
                            answer: answer.clone(),
                            permit: Permit::None,
                            group: Permit::Held,
                        });
                    }
                }
            }
        }
    }
    worlds
}

pub(crate) fn now() -> chrono::DateTime<chrono::Utc> {
    at("2026-01-02T12:00:00Z")
}

#[test]
fn next_step_is_total_and_comes_to_an_end() {
    for mode in Mode::ALL {
        let seen = walk(&Policy { mode, ..Policy::default() });
        let expected = match mode {
            Mode::Off => 6,
            Mode::Check => 8,
            Mode::Stage => 9,
            Mode::Apply => 11,
        };
        assert_eq!(seen.len(), expected, "{mode}: {seen:?}");
    }
}

/// Walks all worlds; the kinds of steps that were taken.
fn walk(policy: &Policy) -> BTreeSet<&'static str> {
    walk_from(worlds(), policy)
}

pub(crate) fn walk_from(worlds: Vec<World>, policy: &Policy) -> BTreeSet<&'static str> {
    let mut seen = BTreeSet::new();
    assert!(worlds.len() > 80_000, "{}", worlds.len());
    for start in worlds {
        let mut world = start.clone();
        let mut passed: Vec<Observed> = Vec::new();
        loop {
            let observed = world.observe(policy);
            assert!(!passed.contains(&observed), "runs in a circle from {start:?}");
            let step = next_step(&observed, policy, now());
            assert_eq!(step, next_step(&observed, policy, now()), "same question, same answer");
            seen.insert(step.name());
            passed.push(observed);
            if !world.take(&step, policy) {
                break;
            }
            assert!(passed.len() <= 10, "{passed:#?}");
        }
        if !bootable(&start.slots).is_empty() {
            assert!(!bootable(&world.slots).is_empty(), "nothing may be started after {start:?}");
        }
    }
    seen
}

/// A host goes as far as it may by itself, and no further.
#[test]
fn a_mode_is_kept_to() {
    for mode in [Mode::Off, Mode::Check, Mode::Stage] {
        let policy = Policy { mode, ..Policy::default() };
        for world in worlds() {
            for sight in [Sight::Unknown, world.answer.clone()] {
                let mut observed = world.observe(&policy);
                observed.sight = sight;
                let allowed = match next_step(&observed, &policy, now()) {
                    Step::Check => mode >= Mode::Check,
                    Step::Stage(_) => mode >= Mode::Stage,
                    Step::Arm(_) | Step::Cancel => false,
                    // Leaving a trial is no update.
                    Step::Reboot => world.health == Health::Bad,
                    _ => true,
                };
                assert!(allowed, "{mode}: {observed:?}");
            }
        }
    }
}

/// Nothing is written while the running slot is not confirmed (P2), whatever else is.
#[test]
fn an_unconfirmed_host_writes_nothing() {
    let policy = Policy::default();
    for world in worlds() {
        let confirmed = world.slots.get(Slot::A).unwrap().successful();
        if confirmed && world.standing == Standing::ConfirmedThisBoot {
            continue;
        }
        for sight in [Sight::Unknown, world.answer.clone()] {
            let mut observed = world.observe(&policy);
            observed.sight = sight;
            let step = next_step(&observed, &policy, now());
            assert!(!matches!(step, Step::Stage(_) | Step::Arm(_) | Step::Cancel | Step::Check), "{step:?}");
        }
    }
}

/// A bad health gate restarts a trial and nothing else (P5).
#[test]
fn only_a_trial_is_left_for_its_health() {
    let mut observed = Observed {
        running: Slot::A,
        slots: slots((1, 6, true), (0, 0, false)),
        standing: Standing::NotThisBoot,
        health: Health::Bad,
        settled: Settled::Steady,
        pending: None,
        tries: partition_core::Tries::default(),
        staged: None,
        cancelled: None,
        sight: Sight::Unknown,
        permit: Permit::None,
        floor: chrono::DateTime::UNIX_EPOCH,
    };
    assert!(matches!(next_step(&observed, &Policy::default(), now()), Step::Wait(_)));
    observed.slots = slots((2, 2, false), (1, 7, true));
    assert_eq!(next_step(&observed, &Policy::default(), now()), Step::Reboot);
    // A factory disk that was never confirmed has nowhere else to go.
    observed.slots = slots((1, 7, false), (0, 0, false));
    assert!(matches!(next_step(&observed, &Policy::default(), now()), Step::Wait(_)));
}

/// What is typed is done: `auto` takes it back for nothing, and restarts into it only where it would have armed it too.
#[test]
fn what_a_hand_armed_is_not_undone() {
    for mode in Mode::ALL {
        let policy = Policy { mode, ..Policy::default() };
        for mut world in worlds() {
            let hand = world.outcome.as_ref().and_then(|outcome| outcome.intent.as_ref());
            if !hand.is_some_and(|intent| intent.wish == Wish::Hand)
                || !verbs::armed(&world.slots, Slot::A)
                || world.health == Health::Bad
            {
                continue;
            }
            loop {
                let observed = world.observe(&policy);
                let step = next_step(&observed, &policy, now());
                assert_ne!(step, Step::Cancel, "{observed:?}");
                if step == Step::Reboot {
                    let offer = Ok(release("1.1.0"));
                    assert_eq!(world.sight, Sight::Seen { offer, armed: None }, "{observed:?}");
                }
                if !world.take(&step, &policy) || !verbs::armed(&world.slots, Slot::A) {
                    break;
                }
            }
        }
    }
}

/// From 02:00 to 03:00 UTC.
fn window(days: &[chrono::Weekday]) -> Window {
    let hour = |hour| chrono::NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    Window { days: days.to_vec(), start: hour(2), end: hour(3), zone: "UTC".parse().unwrap() }
}

#[test]
fn a_restart_waits_for_its_window() {
    let policy = Policy { windows: vec![window(&[chrono::Weekday::Sat])], ..Policy::default() };
    let outcome = of_this_boot(pending(intent(By::Arm, Slot::B, "1.1.0")));
    let mut world = World {
        running: Slot::A,
        slots: slots((1, 7, true), (2, 3, false)),
        standing: Standing::ConfirmedThisBoot,
        health: Health::Good,
        outcome: Some(outcome),
        staged: None,
        sight: Sight::Unreachable,
        answer: Sight::Unreachable,
        permit: Permit::None,
        group: Permit::None,
    };
    // 2026-01-02 is a Friday.
    let Step::Wait(refusal) = next_step(&world.observe(&policy), &policy, now()) else {
        panic!("restarts outside")
    };
    assert_eq!((refusal.reason, refusal.until), (Reason::Window, Some(at("2026-01-03T02:00:00Z"))));
    assert_eq!(next_step(&world.observe(&policy), &policy, at("2026-01-03T02:59:59Z")), Step::Reboot);
    // What is known to be later than the clock makes it wrong.
    let mut late = world.observe(&policy);
    late.floor = at("2026-02-01T00:00:00Z");
    let Step::Wait(refusal) = next_step(&late, &policy, at("2026-01-03T02:30:00Z")) else {
        panic!("restarts by a wrong clock")
    };
    assert_eq!((refusal.reason, refusal.until), (Reason::Window, Some(at("2026-01-03T02:35:00Z"))));
    world.sight = Sight::Seen { offer: Ok(release("1.2.0")), armed: None };
    assert_eq!(next_step(&world.observe(&policy), &policy, now()), Step::Cancel);
}

/// What the machine itself refuses.
const OF_THE_MACHINE: [Reason; 6] = [
    Reason::Window,
    Reason::NotConfirmed,
    Reason::Mode,
    Reason::ByHand,
    Reason::NeverTried,
    Reason::Coordinated,
];

/// The reasons that a walk can end with.
pub(crate) fn waits() -> BTreeSet<Reason> {
    let windows = vec![window(&[])];
    let off = Policy { mode: Mode::Off, ..Policy::default() };
    let group = Policy { strategy: Strategy::Etcd, ..Policy::default() };
    let policies = [Policy::default(), Policy { windows, ..Policy::default() }, off, group];
    let reason = |step| match step {
        Step::Wait(refusal) | Step::Rest(refusal) => Some(refusal.reason),
        _ => None,
    };
    let full = Permit::Refused(Refusal::new(Reason::Coordinated, "test"));
    let worlds = worlds_with(&full, &full);
    let steps = policies
        .iter()
        .flat_map(|policy| worlds.iter().map(move |world| next_step(&world.observe(policy), policy, now())));
    // What the repository says is not this rule's word.
    steps.filter_map(reason).filter(|reason| OF_THE_MACHINE.contains(reason)).collect()
}
