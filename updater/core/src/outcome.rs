//! What became of an update: the table of design §10.5.

use std::fmt;

use partition_core::{Flags, Slot, Slots, Tries, verbs};

use crate::records::{By, HistoryEvent, Intent, Outcome};

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The record; `None`: lost, or never written.
    pub outcome: Option<&'a Outcome>,
    /// The slot that runs.
    pub running: Slot,
    /// The flags of both.
    pub slots: &'a Slots,
    /// This boot; `None`: a disk image without a boot id.
    pub boot_id: Option<&'a str>,
    /// Tries as configured; asked only when the record is lost.
    pub tries: Tries,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Settled {
    /// Nothing is pending, and the host runs where it ran.
    Steady,
    /// The other slot was armed in this boot.
    Pending,
    /// The new slot runs and is not confirmed yet.
    Trial,
    /// The new slot runs and is confirmed.
    Updated,
    /// The machine restarted, but the armed slot was not started. It stays armed.
    NeverTried,
    /// The new slot was started and left. Its flags go to 0/0/0 and its release is remembered.
    RolledBack,
    /// The slot that was to be gone back to was started and left. Flags are kept, nothing is remembered.
    RollbackFailed,
    /// The intent was written, the flags never were.
    NotArmed,
    /// The host left its confirmed slot without being told to (P5).
    FellBack,
    /// The record is lost and the flags do not tell.
    Unknown,
}

impl Settled {
    /// All of them.
    pub const ALL: [Settled; 10] = [
        Settled::Steady,
        Settled::Pending,
        Settled::Trial,
        Settled::Updated,
        Settled::NeverTried,
        Settled::RolledBack,
        Settled::RollbackFailed,
        Settled::NotArmed,
        Settled::FellBack,
        Settled::Unknown,
    ];

    /// As in `--json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Settled::Steady => "steady",
            Settled::Pending => "pending",
            Settled::Trial => "trial",
            Settled::Updated => "updated",
            Settled::NeverTried => "never_tried",
            Settled::RolledBack => "rolled_back",
            Settled::RollbackFailed => "rollback_failed",
            Settled::NotArmed => "not_armed",
            Settled::FellBack => "fell_back",
            Settled::Unknown => "unknown",
        }
    }

    /// The line of history that ends the matter; `None`: it has not ended, or there is nothing to end.
    pub const fn ending(self) -> Option<HistoryEvent> {
        match self {
            Settled::Updated => Some(HistoryEvent::Updated),
            Settled::RolledBack => Some(HistoryEvent::RolledBack),
            Settled::RollbackFailed => Some(HistoryEvent::RollbackFailed),
            Settled::NotArmed => Some(HistoryEvent::NotArmed),
            Settled::FellBack => Some(HistoryEvent::FellBack),
            Settled::Steady | Settled::Pending | Settled::Trial | Settled::NeverTried | Settled::Unknown => {
                None
            }
        }
    }
}

impl fmt::Display for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What became of the update that was meant. Looks only; [`record()`](crate::record()) keeps the answer.
pub fn settle(question: &Question<'_>) -> Settled {
    let Some(here) = question.slots.get(question.running) else { return Settled::Unknown };
    match question.outcome {
        None => by_flags(question, here),
        Some(outcome) => match &outcome.intent {
            Some(intent) if intent.target == question.running && were_written(question) => {
                confirmed_or_trial(here, Settled::Updated)
            }
            // Its flags were never written, so it was not sent here: the other slot was left by itself.
            Some(intent) if intent.target == question.running => confirmed_or_trial(here, Settled::FellBack),
            Some(intent) => woke_elsewhere(question, intent),
            None if outcome.confirmed == Some(question.running.other()) => {
                confirmed_or_trial(here, Settled::FellBack)
            }
            None if left_untold(question, outcome) => Settled::RolledBack,
            None => confirmed_or_trial(here, Settled::Steady),
        },
    }
}

/// Whether the flags of the pending intent were written: arm and rollback both leave priority 1 for the slot they leave and
/// 2 for the slot they mean, and only `cancel` changes priorities after them.
fn were_written(question: &Question<'_>) -> bool {
    let intent = question.outcome.and_then(|outcome| outcome.intent.as_ref());
    let priority = |slot| question.slots.get(slot).map(Flags::priority);
    intent.is_some_and(|intent| {
        priority(intent.target) == Some(2) && priority(intent.target.other()) == Some(1)
    })
}

/// No intent that this version can read, but a trial was left, and nobody has told of it yet.
fn left_untold(question: &Question<'_>, outcome: &Outcome) -> bool {
    let other = question.running.other();
    let told = outcome.last.as_ref().is_some_and(|last| {
        let left = matches!(
            last.outcome,
            HistoryEvent::RolledBack | HistoryEvent::FellBack | HistoryEvent::RollbackFailed
        );
        left && last.slot == other
    });
    let left = question.slots.get(other).is_some_and(|flags| {
        flags.priority() == 2 && !flags.successful() && flags.tries() < question.tries.trial()
    });
    let home = question.slots.get(question.running);
    let home = home.is_some_and(|flags| flags.priority() == 1 && flags.successful());
    home && left && !told && !verbs::armed(question.slots, question.running)
}

fn confirmed_or_trial(here: Flags, confirmed: Settled) -> Settled {
    if here.successful() { confirmed } else { Settled::Trial }
}

/// Something is pending, but its slot does not run.
fn woke_elsewhere(question: &Question<'_>, intent: &Intent) -> Settled {
    let same_boot = match (&intent.boot_id, question.boot_id) {
        (Some(then), Some(now)) => Some(then == now),
        _ => None,
    };
    if same_boot == Some(true) {
        return Settled::Pending;
    }
    let Some(target) = question.slots.get(intent.target).filter(|_| were_written(question)) else {
        return Settled::NotArmed;
    };
    if intent.by == By::Arm && target.successful() {
        // It was confirmed, so the update was done, and its slot was left afterwards.
        return Settled::FellBack;
    }
    if target.tries() >= intent.tries {
        // A disk image does not tell whether the machine restarted; nothing was tried, so nothing has changed.
        return if same_boot.is_none() { Settled::Pending } else { Settled::NeverTried };
    }
    if target.successful() { Settled::RollbackFailed } else { Settled::RolledBack }
}

/// No record: only what the flags alone say for certain.
fn by_flags(question: &Question<'_>, here: Flags) -> Settled {
    if !here.successful() {
        return Settled::Trial;
    }
    let other = question.slots.get(question.running.other()).filter(|flags| flags.priority() > 0);
    match other {
        None => Settled::Steady,
        Some(_) if verbs::armed(question.slots, question.running) => Settled::NeverTried,
        Some(other) if !other.successful() && other.tries() < question.tries.trial() => Settled::RolledBack,
        Some(_) => Settled::Unknown,
    }
}
