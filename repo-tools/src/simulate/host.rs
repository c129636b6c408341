//! One host: what the machine says is done to it, in memory.

use chrono::{DateTime, Utc};
use partition_core::{Flags, Refusal, Slot, SlotSet, Slots, Standing, choose, verbs};
use release::ReleaseId;
use release::manifest::Manifest;
use updater_core::records::{By, Failed, Held, Intent, Outcome, Pending, Wish};
use updater_core::{
    Health, Host, Observed, Policy, Question, Settled, Sight, Step, candidates, next_step, offer, record,
    settle,
};

/// What is the same for all hosts at one time.
#[derive(Debug)]
pub(super) struct World<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) policy: &'a Policy,
}

/// What a turn came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Turn {
    /// An update was fetched and written.
    pub(super) took: bool,
    /// The machine restarted, once or more.
    pub(super) restarted: bool,
    /// When the answer can change by itself.
    pub(super) until: Option<DateTime<Utc>>,
}

/// A host that runs a confirmed release in slot A; what it takes goes to slot B.
#[derive(Debug)]
pub(super) struct VirtualHost {
    host: Host,
    observed: Observed,
    outcome: Outcome,
    failed: Failed,
    boot_id: String,
    /// What the next release does on it.
    next: Health,
}

impl VirtualHost {
    /// `next` says whether the release in the manifest proves itself on this host.
    pub(super) fn new(host: Host, next: Health) -> Self {
        let tries = partition_core::Tries::default();
        let observed = Observed {
            running: Slot::A,
            slots: Slots::new(Some(Flags::of(1, tries.confirmed(), true)), Some(Flags::of(0, 0, false))),
            standing: Standing::ConfirmedThisBoot,
            health: Health::Good,
            settled: Settled::Steady,
            pending: None,
            tries,
            staged: None,
            cancelled: None,
            sight: Sight::Unknown,
            permit: updater_core::Permit::None,
            floor: chrono::DateTime::UNIX_EPOCH,
        };
        let outcome = Outcome { confirmed: Some(Slot::A), ..Outcome::default() };
        Self { host, observed, outcome, failed: Failed::default(), boot_id: "boot 0".to_owned(), next }
    }

    /// What the timer starts: looks, does what is to be done, restarts, and goes on until there is nothing left but to wait.
    pub(super) fn turn(&mut self, world: &World<'_>, now: DateTime<Utc>) -> Turn {
        self.observed.sight = Sight::Unknown;
        let mut turn = Turn::default();
        for _ in 0..MOST_STEPS {
            let step = next_step(&self.observed, world.policy, now);
            let done = match step {
                // After a restart the next question is the next timer's.
                Step::Check if turn.restarted => return turn,
                Step::Check => {
                    self.look(world, now);
                    Ok(())
                }
                Step::Stage(release) => {
                    turn.took = true;
                    self.observed.staged = Some(release);
                    self.set(verbs::retire(
                        &self.observed.slots,
                        self.observed.running,
                        self.observed.standing,
                    ))
                }
                Step::Arm(release) => self.arm(release, world, now),
                Step::Reboot => {
                    turn.restarted = true;
                    self.restart(world);
                    Ok(())
                }
                Step::Confirm => {
                    let done = self.set(verbs::confirm(
                        &self.observed.slots,
                        self.observed.running,
                        world.policy.tries,
                    ));
                    self.observed.standing = Standing::ConfirmedThisBoot;
                    self.settle(world);
                    done
                }
                Step::Settle(settled) => {
                    self.record(settled, now);
                    self.settle(world);
                    Ok(())
                }
                Step::TrialOver => {
                    let after =
                        verbs::trial_over(&self.observed.slots, self.observed.running, self.observed.tries);
                    self.set(after.map(|slots| slots.unwrap_or(self.observed.slots)))
                }
                Step::Cancel => {
                    self.observed.pending = None;
                    self.outcome.intent = None;
                    self.set(verbs::cancel(
                        &self.observed.slots,
                        self.observed.running,
                        partition_core::ArmedBy::Arm,
                    ))
                }
                Step::Wait(refusal) => return Turn { until: refusal.until, ..turn },
                // The last two: a virtual host has no group.
                Step::Rest(_) | Step::Offline | Step::TakePermit | Step::ReturnPermit => return turn,
            };
            if done.is_err() {
                // A refused verb leaves the flags as they are; the next turn asks again.
                return turn;
            }
        }
        turn
    }

    fn look(&mut self, world: &World<'_>, now: DateTime<Utc>) {
        let candidates = candidates(world.manifest, &self.host, world.policy, &self.failed, now);
        let offer = match offer(&candidates, &self.host, world.policy) {
            Ok(offer) => offer.release().ok_or_else(|| {
                updater_core::Refusal::new(updater_core::Reason::NoIndex, "it is published without an index")
            }),
            Err(none) => Err(none.refusal),
        };
        self.observed.sight = Sight::Seen { offer, armed: None };
    }

    fn arm(&mut self, release: ReleaseId, world: &World<'_>, now: DateTime<Utc>) -> Result<(), Refusal> {
        let (running, tries) = (self.observed.running, world.policy.tries);
        // The intent before the flags, as in the program.
        self.outcome.intent = Some(Intent {
            by: By::Arm,
            wish: Wish::Auto,
            target: running.other(),
            tries: tries.trial(),
            boot_id: Some(self.boot_id.clone()),
            at: now,
            held: Some(Held { version: self.next_version(world), release: Some(release) }),
            fallback: false,
            extra: serde_json::Map::new(),
        });
        self.observed.pending = self.outcome.intent.as_ref().map(Pending::from);
        let done = self.set(verbs::arm(&self.observed.slots, running, self.observed.standing, tries));
        self.settle(world);
        done
    }

    /// The selector starts what the flags say; a bad release shows it on every try.
    fn restart(&mut self, world: &World<'_>) {
        let Some(choice) = choose(&self.observed.slots, SlotSet::EMPTY) else { return };
        let observed = &mut self.observed;
        (observed.slots, observed.running) = (choice.after, choice.slot);
        (observed.standing, observed.staged, observed.sight) = (Standing::NotThisBoot, None, Sight::Unknown);
        observed.health = if choice.slot == Slot::B { self.next } else { Health::Good };
        self.boot_id.push('\'');
        self.settle(world);
    }

    fn record(&mut self, settled: Settled, now: DateTime<Utc>) {
        let recorded = record(&self.outcome, settled, self.observed.running, None, now);
        self.outcome = recorded.outcome;
        if let Some(failure) = recorded.failure {
            self.failed.remember(failure);
        }
        self.observed.pending = None;
        if settled == Settled::Updated
            && let Some(version) = self.outcome.holds.get(self.observed.running)
            && let Ok(version) = version.version.parse()
        {
            self.host.version = version;
        }
    }

    fn settle(&mut self, world: &World<'_>) {
        self.observed.settled = settle(&Question {
            outcome: Some(&self.outcome),
            running: self.observed.running,
            slots: &self.observed.slots,
            boot_id: Some(&self.boot_id),
            tries: world.policy.tries,
        });
    }

    fn set(&mut self, slots: Result<Slots, Refusal>) -> Result<(), Refusal> {
        self.observed.slots = slots?;
        Ok(())
    }

    fn next_version(&self, world: &World<'_>) -> String {
        let listed = world.manifest.updates.first();
        listed.map_or_else(|| self.host.version.to_string(), |update| update.version.to_string())
    }
}

/// An update that fails on every try takes under twenty.
const MOST_STEPS: usize = 64;
