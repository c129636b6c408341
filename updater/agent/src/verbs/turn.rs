//! One turn of the machine: looks at what is, asks [`next_step`] for one step, does it, and looks again, until there is nothing
//! to do, or not yet, or the machine restarts.

use chrono::{DateTime, Utc};
use partition_core::{Slot, Slots, Standing, verbs};
use partition_disk::Access;
use serde_json::{Value, json};
use updater_core::records::Wish;
use updater_core::{
    Exit, Health, Observed, Permit, Policy, Reason, Refusal, Settled, Sight, Step, Strategy, against,
    may_still_restart, next_step, no_index,
};

use super::observed::observe;
use super::{arm, cancel, confirm, ending, flags, looks, stage};
use crate::answer::{Answer, chain};
use crate::cli::Restart;
use crate::engine::check::Checked;
use crate::engine::route::Verified;
use crate::inhibitors::{self, HeldUp};
use crate::report::Event;
use crate::{Context, Error, Options, Result, engine, permit};

/// Takes one turn.
pub(super) fn take(ctx: &Context<'_>, restart: Restart) -> Result<Answer> {
    let policy = ctx.policy(&Options::default());
    let mut turn = Turn {
        ctx,
        policy: &policy,
        restart,
        sight: Sight::Unknown,
        checked: None,
        verified: None,
        unreachable: None,
        permit: None,
        said: Vec::new(),
        data: json!({}),
    };
    let ended = turn.run();
    // What was seen counts only once it was had as well.
    match (&turn.sight, &ended) {
        // That a group cannot be asked comes after all that is asked of a repository.
        (Sight::Seen { .. }, Ok(_) | Err(Error::Group { .. })) => looks::settled(ctx),
        (Sight::Seen { .. }, Err(error)) if looks::is_of_the_network(error) => looks::in_vain(ctx),
        _ => {}
    }
    ended
}

struct Turn<'a> {
    ctx: &'a Context<'a>,
    policy: &'a Policy,
    restart: Restart,
    sight: Sight,
    /// What was looked at, until it is staged.
    checked: Option<Checked>,
    /// What was read back, until it is armed; holds the run lock.
    verified: Option<Verified>,
    /// Why nobody could look.
    unreachable: Option<Error>,
    /// What the group has said; what is noted counts until it was asked.
    permit: Option<Permit>,
    /// A line for each thing that was done.
    said: Vec<String>,
    /// The same for programs.
    data: Value,
}

impl Turn<'_> {
    fn run(&mut self) -> Result<Answer> {
        let mut before = None;
        loop {
            self.ctx.interrupt.check()?;
            let now = self.ctx.clock();
            let observed = self.observed(now)?;
            let step = next_step(&observed, self.policy, now);
            self.ctx.reporter.event(&Event::Next { next: step.name() });
            if before.as_ref() == Some(&step) {
                // The machine's own rules end; that a step changes nothing is a device or a state folder that forgets.
                return Err(Error::Stuck { step: step.name() });
            }
            if let Some(answer) = self.step(&observed, &step)? {
                return Ok(answer);
            }
            before = Some(step);
        }
    }

    fn observed(&self, now: DateTime<Utc>) -> Result<Observed> {
        let slots = self.ctx.disk(Access::Read)?.layout().map_err(Error::disk("find the slots"))?.slots();
        let there = (self.ctx.running()?, slots);
        let mut observed = observe(self.ctx, self.policy, there, self.sight.clone(), now);
        if let Some(permit) = &self.permit {
            observed.permit = permit.clone();
        }
        Ok(observed)
    }

    /// Does a step; an answer ends the turn.
    fn step(&mut self, observed: &Observed, step: &Step) -> Result<Option<Answer>> {
        let ctx = self.ctx;
        match step {
            Step::Settle(settled) => self.settle(*settled, observed.running, &observed.slots)?,
            Step::TrialOver => {
                flags::end_trial(&ctx.disk(Access::Write)?, observed.running, observed.tries)?;
            }
            Step::Confirm => self.did(confirm::run(ctx)?),
            Step::Check => self.look(observed)?,
            Step::Stage(_) => self.stage()?,
            Step::Arm(_) => self.arm()?,
            Step::Cancel => self.did(cancel::run(ctx, Wish::Auto)?),
            // Nobody has asked for a restart, or there is nothing to restart.
            Step::TakePermit if !self.restart.reboot || !ctx.machine.runs() => {
                return self.reboot(observed).map(Some);
            }
            Step::TakePermit => {
                let held = flags::held(ctx, observed.running.other());
                let to = held.as_ref().map(|held| &*held.version);
                let taken = permit::take(ctx, to, ctx.clock());
                self.permit = Some(taken.map_err(|error| error.after(&self.said.join("\n")))?);
            }
            Step::ReturnPermit if observed.permit == Permit::Over => {
                self.permit = Some(permit::spend(ctx, ctx.clock())?);
            }
            Step::ReturnPermit => self.return_permit(),
            Step::Reboot => return self.reboot(observed).map(Some),
            Step::Wait(refusal) if of_the_restart(refusal) && !self.restart.reboot => {
                return self.reboot(observed).map(Some);
            }
            Step::Wait(refusal) | Step::Rest(refusal) => return Ok(Some(self.end(observed, refusal))),
            Step::Offline => return self.offline().map(Some),
        }
        Ok(None)
    }

    fn settle(&self, settled: Settled, running: Slot, slots: &Slots) -> Result<()> {
        let found = ending::find(self.ctx, running, slots);
        if found.settled == settled && ending::keep(self.ctx, &found, running) {
            return Ok(());
        }
        Err(Error::Stuck { step: "settle" })
    }

    /// Asks the repository. That it cannot be reached is a fact too. What is armed was trusted when it was armed, so whatever
    /// keeps us from hearing that it was taken back since does not keep the host from restarting into it.
    fn look(&mut self, observed: &Observed) -> Result<()> {
        let is_armed = verbs::armed(&observed.slots, observed.running);
        let found = looks::too_early(self.ctx).map_or_else(
            || {
                // What is armed may be a lower release, and is asked about as well.
                let options = Options { whole: observed.pending.is_some(), ..Options::default() };
                let found = engine::check(self.ctx, &options);
                looks::keep(self.ctx, &found);
                found
            },
            |refusal| Err(Error::Refused(refusal)),
        );
        match found {
            Ok(checked) => {
                self.sight = seen(&checked, observed);
                self.checked = Some(checked);
            }
            Err(error) if is_armed => {
                self.ctx.interrupt.check()?;
                self.ctx
                    .note(format!("whether what is armed is still wanted is not known: {}", chain(&error)));
                self.sight = Sight::Unreachable;
            }
            Err(error) if matches!(error.exit(), Exit::Transient | Exit::MustWait) => {
                self.sight = Sight::Unreachable;
                self.unreachable = Some(error);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn stage(&mut self) -> Result<()> {
        // Looked at in this turn, or there were no release to stage.
        let checked = self.checked.take().ok_or_else(|| Error::Stuck { step: "check" })?;
        let planned = engine::plan(self.ctx, &Options::default(), checked)?;
        let staged = stage::carry_out(self.ctx, planned)?;
        self.said.push(stage::moved(&staged.moved));
        let (slot, version) = (staged.verified.slot(), staged.verified.version());
        self.said.push(format!("slot {slot} staged: {version}, read back"));
        self.tell(stage::data(&staged));
        self.verified = Some(staged.verified);
        Ok(())
    }

    /// What was read back in this turn is armed as it is; anything else is read back first.
    fn arm(&mut self) -> Result<()> {
        let verified = match self.verified.take() {
            Some(verified) => verified,
            None => engine::prove_slot(self.ctx, self.ctx.running()?.other())?,
        };
        let (message, data) = arm::arm(self.ctx, verified, Wish::Auto)?;
        self.said.push(message);
        self.tell(data);
        Ok(())
    }

    fn reboot(&mut self, observed: &Observed) -> Result<Answer> {
        if observed.health == Health::Bad && observed.standing == Standing::NotThisBoot {
            // The gate writes down why and restarts; doing it here could come before the reason is kept.
            let detail = format!("slot {} is unhealthy: its health gate leaves it", observed.running);
            return Ok(self.end(observed, &Refusal::new(Reason::NotConfirmed, detail)));
        }
        // The restart waits, so that others need not; but not one that may be under way.
        let idle = observed.permit == Permit::Held && !permit::is_asked(self.ctx);
        let held_up = if self.restart.reboot { inhibitors::held_up(self.ctx)? } else { None };
        let left = match held_up {
            Some(held_up) => Ok(Left::Not(Box::new(observed.clone()), self.hold(held_up))),
            None => self.leave(observed),
        };
        if idle && !matches!(left, Ok(Left::Restarts(_))) {
            self.return_permit();
        }
        Ok(match left? {
            Left::Restarts(message) => Answer::done(message, self.data.take()),
            Left::Not(observed, refusal) => self.end(&observed, &refusal),
        })
    }

    fn leave(&mut self, observed: &Observed) -> Result<Left> {
        let (ctx, done) = (self.ctx, self.said.len());
        self.name_what_is_armed(observed);
        let message = self.said.join("\n");
        if self.restart.reboot {
            flags::agreed(ctx, &message)?;
            if ctx.config.reboot.strategy == Strategy::Etcd && ctx.machine.runs() {
                permit::renew(ctx, ctx.clock()).map_err(|error| error.after(&message))?;
            }
            if let Some((observed, refusal)) = self.kept_since()? {
                self.said.truncate(done);
                return Ok(Left::Not(Box::new(observed), refusal));
            }
        }
        Ok(Left::Restarts(flags::leave(ctx, self.restart, message)?))
    }

    /// Hooks and a group take their time: what keeps the host from its restart by now, and how things are. Flags and clock are read
    /// last.
    fn kept_since(&mut self) -> Result<Option<(Observed, Refusal)>> {
        if !self.ctx.machine.runs() {
            return Ok(None);
        }
        let held_up = inhibitors::held_up(self.ctx)?;
        let now = self.ctx.clock();
        let observed = self.observed(now)?;
        let refusal = match (may_still_restart(&observed, self.policy, now), held_up) {
            (Err(refusal), _) => refusal,
            (Ok(()), Some(held_up)) => self.hold(held_up),
            (Ok(()), None) => return Ok(None),
        };
        Ok(Some((observed, refusal)))
    }

    fn hold(&mut self, HeldUp { holders, refusal }: HeldUp) -> Refusal {
        self.tell(json!({ "holders": holders }));
        refusal
    }

    /// That the group cannot be asked keeps this host from nothing but its restart, and its lease ends by itself.
    fn return_permit(&mut self) {
        if let Err(error) = permit::give_back(self.ctx) {
            self.ctx.note(format!("the permit to restart is not given back yet: {}", chain(&error)));
        }
        self.permit = Some(Permit::None);
    }

    /// Where this turn has not armed it.
    fn name_what_is_armed(&mut self, observed: &Observed) {
        if self.said.is_empty() {
            let other = observed.running.other();
            let held = flags::held(self.ctx, other);
            self.said.push(format!("{} is armed", flags::spell(other, held.as_ref())));
            self.tell(json!({ "slot": other.to_string() }));
        }
    }

    /// The rule that ends the turn, after what was done before it.
    fn end(&mut self, observed: &Observed, refusal: &Refusal) -> Answer {
        self.tell(json!({ "until": refusal.until }));
        let waits_for_gate = refusal.reason == Reason::NotConfirmed && observed.health == Health::Open;
        let of_the_offer = matches!(&self.sight, Sight::Seen { offer: Err(offer), .. } if offer == refusal);
        let armed_waits = of_the_restart(refusal)
            || (verbs::armed(&observed.slots, observed.running) && of_its_turn(refusal));
        // What is said of something that is armed is no help with what is not.
        let of_no_hand = refusal.reason == Reason::ByHand && !verbs::armed(&observed.slots, observed.running);
        if armed_waits {
            self.name_what_is_armed(observed);
        }
        match self.said.last_mut().filter(|_| armed_waits) {
            Some(last) => *last = format!("{last}; {refusal}"),
            None if of_the_offer => self.said.push(format!("No update: {refusal}.")),
            None => self.said.push(refusal.to_string()),
        }
        Answer {
            exit: if waits_for_gate { Exit::MustWait } else { refusal.exit() },
            reason: Some(refusal.reason),
            hint: Error::Refused(refusal.clone()).hint().filter(|_| !of_no_hand),
            ..Answer::done(self.said.join("\n"), self.data.take())
        }
    }

    fn offline(&mut self) -> Result<Answer> {
        Err(self.unreachable.take().unwrap_or_else(|| Error::Stuck { step: "check" }))
    }

    fn did(&mut self, answer: Answer) {
        self.said.push(answer.message);
        self.tell(answer.data);
    }

    fn tell(&mut self, data: Value) {
        if let (Some(all), Value::Object(more)) = (self.data.as_object_mut(), data) {
            all.extend(more);
        }
    }
}

/// What came of leaving this boot.
enum Left {
    Restarts(String),
    /// As things are by now, by this rule.
    Not(Box<Observed>, Refusal),
}

/// Whether a rule keeps the host from nothing but its restart.
fn of_the_restart(refusal: &Refusal) -> bool {
    matches!(refusal.reason, Reason::Window | Reason::Coordinated | Reason::Inhibited)
}

/// Whether a rule keeps a release that is armed from being restarted into for now.
fn of_its_turn(refusal: &Refusal) -> bool {
    matches!(refusal.reason, Reason::Paused | Reason::Wave | Reason::Soak)
}

/// What the repository says, as the machine is told.
fn seen(checked: &Checked, observed: &Observed) -> Sight {
    let offer = match checked.offer() {
        Ok(offer) => offer.release().ok_or_else(|| no_index(offer.version())),
        Err(none) => Err(none.refusal.clone()),
    };
    let armed = observed.pending.and_then(|pending| pending.release);
    let armed = armed.and_then(|release| against(checked.candidates(), release)).cloned();
    Sight::Seen { offer, armed }
}
