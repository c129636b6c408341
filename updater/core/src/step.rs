//! The machine: looks at what is and names one step. No phase is stored; each step's effect is seen by the next look.

use chrono::{DateTime, Utc};
use partition_core::{Slot, Slots, Standing, Tries, verbs};
use release::ReleaseId;

use crate::armed::{self, Armed};
use crate::records::{Held, Pending};
use crate::{Mode, Permit, Policy, Reason, Refusal, Settled, Strategy, health, plain, window};

/// What is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The slot that runs.
    pub running: Slot,
    /// The flags of both.
    pub slots: Slots,
    /// Whether the running slot was confirmed in this boot.
    pub standing: Standing,
    /// What the health checks say.
    pub health: Health,
    /// What became of the last update; see [`settle`](crate::settle).
    pub settled: Settled,
    /// What is pending.
    pub pending: Option<Pending>,
    /// Tries by which an untouched trial is known; see [`Outcome::tries`](crate::records::Outcome::tries).
    pub tries: Tries,
    /// What lies in the other slot, read back, not armed.
    pub staged: Option<ReleaseId>,
    /// What a hand has cancelled.
    pub cancelled: Option<Held>,
    /// What the repository says.
    pub sight: Sight,
    /// What it has of its group; see [`Strategy::Etcd`].
    pub permit: Permit,
    /// No time is earlier: when the running image was built, or what was signed last.
    pub floor: DateTime<Utc>,
}

/// The verdict over the running system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// Checks are still running.
    Open,
    /// All passed.
    Good,
    /// One failed.
    Bad,
}

/// What is known of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Nobody has looked yet.
    Unknown,
    /// Somebody tried, in vain.
    Unreachable,
    /// Looked.
    Seen {
        /// The release that is open for this host, or the rule against the closest one.
        offer: Result<ReleaseId, Refusal>,
        /// What the rules say against the release that is armed, where it is listed.
        armed: Option<Refusal>,
    },
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write down what became of the last update.
    Settle(Settled),
    /// Clear the flags of a trial that was left.
    TrialOver,
    /// Say that the running slot is good.
    Confirm,
    /// Ask the repository.
    Check,
    /// Write this release to the other slot and read it back.
    Stage(ReleaseId),
    /// Read the staged release back and make it the next one.
    Arm(ReleaseId),
    /// Disarm: what is armed is no longer what is wanted.
    Cancel,
    /// Ask the group for a permit to restart.
    TakePermit,
    /// Give the permit back.
    ReturnPermit,
    /// Restart the machine.
    Reboot,
    /// Nothing until then, or until something changes.
    Wait(Refusal),
    /// Nothing to do.
    Rest(Refusal),
    /// Nothing to do until the repository can be reached.
    Offline,
}

impl Step {
    /// What it does, as a verb.
    pub const fn name(&self) -> &'static str {
        match self {
            Step::Settle(_) => "settle",
            Step::TrialOver => "end the trial",
            Step::Confirm => "confirm",
            Step::Check => "check",
            Step::Stage(_) => "stage",
            Step::Arm(_) => "arm",
            Step::Cancel => "cancel",
            Step::TakePermit => "take a permit",
            Step::ReturnPermit => "return the permit",
            Step::Reboot => "reboot",
            Step::Wait(_) => "wait",
            Step::Rest(_) => "rest",
            Step::Offline => "offline",
        }
    }
}

/// The one step that comes next. Total: every observation has an answer; doing it and asking again ends in `Reboot`,
/// `Wait`, `Rest` or `Offline`.
pub fn next_step(observed: &Observed, policy: &Policy, now: DateTime<Utc>) -> Step {
    let step = own_step(observed, policy, now);
    if is_idle(observed, &step) { Step::ReturnPermit } else { step }
}

/// Whether a restart that was decided on may still go: hooks, a group and others were asked since, which takes time.
///
/// # Errors
/// The rule that keeps the host from it by now. Its permit is not asked about: it is this host's until it is given back.
pub fn may_still_restart(observed: &Observed, policy: &Policy, now: DateTime<Utc>) -> Result<(), Refusal> {
    let held = Observed { permit: Permit::Held, ..observed.clone() };
    let step = own_step(&held, policy, now);
    let slot = format!("slot {}", observed.running.other());
    let meanwhile = "while its restart was prepared";
    match step {
        Step::Reboot => Ok(()),
        _ if !verbs::armed(&observed.slots, observed.running) => {
            Err(Refusal::new(Reason::ByHand, format!("{slot} was disarmed {meanwhile}")))
        }
        Step::Wait(refusal) | Step::Rest(refusal) => Err(refusal),
        step => {
            let detail = format!("{slot} was changed {meanwhile}: \"{}\" comes first", step.name());
            Err(Refusal::new(Reason::ByHand, detail))
        }
    }
}

/// Whether this host has a permit that it does not use: from an earlier boot, once this one is confirmed, or of this one when it
/// is not going to restart now, or has not for too long. Others wait for it.
fn is_idle(observed: &Observed, step: &Step) -> bool {
    let ends = matches!(step, Step::Wait(_) | Step::Rest(_) | Step::Offline);
    let first = matches!(step, Step::Settle(_) | Step::TrialOver);
    match observed.permit {
        _ if !is_confirmed(observed) => false,
        Permit::Left | Permit::Over => !first,
        Permit::Noted | Permit::Held => ends,
        // While the host may be going down its place is not another's.
        Permit::Asked | Permit::None | Permit::Refused(_) => false,
    }
}

/// The one step as if nobody waited for this host.
fn own_step(observed: &Observed, policy: &Policy, now: DateTime<Utc>) -> Step {
    // The record comes before the flags: cleared flags no longer tell what happened.
    if observed.settled.ending().is_some() {
        return Step::Settle(observed.settled);
    }
    // A slot that has not shown anything yet does not clear the other one.
    let shown = observed.slots.get(observed.running).is_some_and(partition_core::Flags::successful)
        || observed.health == Health::Good;
    if shown && matches!(verbs::trial_over(&observed.slots, observed.running, observed.tries), Ok(Some(_))) {
        return Step::TrialOver;
    }
    if let Some(step) = prove(observed, policy) {
        return step;
    }
    if verbs::armed(&observed.slots, observed.running) {
        return restart(observed, policy, now);
    }
    match &observed.sight {
        _ if policy.mode == Mode::Off => leave(policy, "nothing is looked for"),
        Sight::Unknown => Step::Check,
        Sight::Unreachable => Step::Offline,
        Sight::Seen { offer: Err(refusal), .. } if is_wait(refusal) => Step::Wait(refusal.clone()),
        Sight::Seen { offer: Err(refusal), .. } => Step::Rest(refusal.clone()),
        Sight::Seen { offer: Ok(release), .. } => install(observed, policy, *release),
    }
}

/// The offer goes to the other slot, when the rules over the flags let it.
fn install(observed: &Observed, policy: &Policy, release: ReleaseId) -> Step {
    let (slots, running) = (&observed.slots, observed.running);
    if policy.mode < Mode::Stage {
        return leave(policy, "a release is open, and writing it is left to others");
    }
    if let Some(refusal) = left_by_hand(observed.cancelled.as_ref(), release) {
        return Step::Rest(refusal);
    }
    if policy.mode < Mode::Apply && observed.staged == Some(release) {
        return leave(policy, "a release is staged, and arming it is left to others");
    }
    if observed.staged == Some(release) && verbs::arm(slots, running, observed.standing, policy.tries).is_ok()
    {
        return Step::Arm(release);
    }
    match verbs::retire(slots, running, observed.standing) {
        Ok(_) => Step::Stage(release),
        Err(refusal) => Step::Rest(blocked(refusal)),
    }
}

/// What a hand has cancelled is left to a hand.
pub(crate) fn left_by_hand(cancelled: Option<&Held>, release: ReleaseId) -> Option<Refusal> {
    let held = cancelled.filter(|held| held.release == Some(release))?;
    let version = plain(&held.version, 64);
    Some(Refusal::new(Reason::ByHand, format!("{version} is open, and was cancelled by hand")))
}

/// The host does not go further by itself.
fn leave(policy: &Policy, what: &str) -> Step {
    Step::Rest(policy.mode.leaves(what))
}

/// A rule over the flags, as a refusal of ours.
fn blocked(refusal: partition_core::Refusal) -> Refusal {
    Refusal::new(Reason::NotConfirmed, refusal.to_string())
}

/// Whether the running slot was confirmed in this boot.
fn is_confirmed(observed: &Observed) -> bool {
    let successful = observed.slots.get(observed.running).is_some_and(partition_core::Flags::successful);
    successful && observed.standing == Standing::ConfirmedThisBoot
}

/// Until the running slot is confirmed in this boot nothing else is done (P2).
fn prove(observed: &Observed, policy: &Policy) -> Option<Step> {
    if is_confirmed(observed) {
        return None;
    }
    let flags = observed.slots.get(observed.running);
    let refusal =
        |detail: &str| Refusal::new(Reason::NotConfirmed, format!("slot {}: {detail}", observed.running));
    Some(match observed.health {
        _ if flags.is_none() => Step::Rest(refusal("the disk has no such slot")),
        Health::Good => match verbs::confirm(&observed.slots, observed.running, policy.tries) {
            Ok(_) => Step::Confirm,
            // Something else boots next by other hands; that is not undone behind their backs.
            Err(refusal) => Step::Wait(blocked(refusal)),
        },
        Health::Open => Step::Wait(refusal("not confirmed in this boot yet")),
        Health::Bad => match health::stays(&observed.slots, observed.running) {
            None => Step::Reboot,
            Some(stays) => Step::Wait(refusal(&format!("unhealthy; {stays}"))),
        },
    })
}

/// The other slot boots next: restart, unless the release is no longer wanted.
fn restart(observed: &Observed, policy: &Policy, now: DateTime<Utc>) -> Step {
    let slot = format!("slot {} is armed", observed.running.other());
    // Whatever kept the selector from starting it would keep it again: no restart every hour.
    let never_tried = (observed.settled == Settled::NeverTried).then(|| {
        let detail = format!("{slot}, but the last restart did not try it");
        Step::Rest(Refusal::new(Reason::NeverTried, detail))
    });
    let wanted = armed::wanted(observed.pending, &observed.sight, policy.mode, &slot);
    match (wanted, never_tried) {
        (Armed::Unknown, _) => return Step::Check,
        (Armed::Unwanted, _) => return disarm(observed),
        (Armed::Waits(refusal), _) => return Step::Wait(refusal),
        (Armed::TakenBack(refusal), _) | (Armed::Left(refusal), None) => return Step::Rest(refusal),
        (_, Some(step)) => return step,
        (Armed::Wanted, None) => {}
    }
    let go = match (policy.strategy, &observed.permit) {
        (Strategy::Etcd, Permit::Refused(refusal)) => return Step::Wait(refusal.clone()),
        (Strategy::Immediate | Strategy::Window, _) | (Strategy::Etcd, Permit::Held) => Step::Reboot,
        // One that is over, or of an earlier boot, has been given back.
        (Strategy::Etcd, Permit::None | Permit::Noted | Permit::Asked | Permit::Over | Permit::Left) => {
            Step::TakePermit
        }
    };
    window::may_restart_by(&policy.windows, now, observed.floor).map_or_else(Step::Wait, |()| go)
}

fn disarm(observed: &Observed) -> Step {
    match verbs::cancel(&observed.slots, observed.running, partition_core::ArmedBy::Arm) {
        Ok(_) => Step::Cancel,
        Err(refusal) => Step::Rest(blocked(refusal)),
    }
}

fn is_wait(refusal: &Refusal) -> bool {
    refusal.exit() == crate::Exit::MustWait
}
