//! What a host says of itself: five lines to paste into a report.

use std::fmt;

use partition_core::{Choice, Flags, Rule, Slot, SlotSet, Slots, choose};
use serde_json::{Value, json};

use crate::records::{Held, Intent, Past};
use crate::{Cause, Settled, plain, seconds};

/// All that `status` shows; its `Display` is the five lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// The slot that runs; `None`: not known.
    pub running: Option<Slot>,
    /// The flags of both.
    pub slots: Slots,
    /// What slot A and slot B hold, where known.
    pub holds: [Option<Held>; 2],
    /// Staged and not armed, with the slot it lies in.
    pub staged: Option<(Slot, Held)>,
    /// What became of the last update.
    pub settled: Settled,
    /// Why the slot was left, where `settled` says that one was.
    pub cause: Option<Cause>,
    /// What is pending.
    pub intent: Option<Intent>,
    /// How the one before ended.
    pub last: Option<Past>,
}

impl Status {
    /// The slot that boots next, by the rule that the firmware uses.
    pub fn next(&self) -> Option<Choice> {
        choose(&self.slots, SlotSet::EMPTY)
    }

    /// The same for `--json`.
    pub fn data(&self) -> Value {
        let slot = |slot: Slot| {
            let flags = self.slots.get(slot)?;
            let held = self.held(slot);
            Some(json!({
                "version": held.map(|held| held.version.clone()),
                "release": held.and_then(|held| held.release),
                "priority": flags.priority(),
                "tries": flags.tries(),
                "successful": flags.successful(),
                "state": self.word(slot, flags),
            }))
        };
        json!({
            "running": self.running.map(|slot| slot.to_string()),
            "next": self.next().map(|choice| choice.slot.to_string()),
            "outcome": self.settled.as_str(),
            "cause": self.cause.as_ref().map(|cause| cause.why.to_string()),
            "detail": self.cause.as_ref().and_then(|cause| cause.detail.clone()),
            "slots": { "A": slot(Slot::A), "B": slot(Slot::B) },
            "staged": self.staged.as_ref().map(|(slot, held)| json!({
                "slot": slot.to_string(), "version": held.version, "release": held.release,
            })),
            "pending": self.intent,
            "last": self.last,
        })
    }

    /// One word for what a slot is; `None`: the disk has no such slot.
    pub fn state(&self, slot: Slot) -> Option<&'static str> {
        self.slots.get(slot).map(|flags| self.word(slot, flags))
    }

    fn held(&self, slot: Slot) -> Option<&Held> {
        match slot {
            Slot::A => self.holds[0].as_ref(),
            Slot::B => self.holds[1].as_ref(),
        }
    }

    /// One word for what a slot is.
    fn word(&self, slot: Slot, flags: Flags) -> &'static str {
        let runs = self.running == Some(slot);
        match (flags.successful(), flags.priority()) {
            (false, _) if runs => "on trial",
            (_, 0) if self.staged.as_ref().is_some_and(|(of, _)| *of == slot) => "staged",
            (_, 0) => "retired",
            (true, _) => "confirmed",
            (false, _) if self.next().is_some_and(|next| next.slot == slot) => "armed",
            (false, _) => "not confirmed",
        }
    }

    fn slot_line(&self, slot: Slot) -> String {
        let Some(flags) = self.slots.get(slot) else { return "not on this disk".to_owned() };
        let version = match self.held(slot) {
            Some(held) => version(held),
            None if flags.priority() == 0 && self.running != Some(slot) => {
                return format!("retired ({flags})");
            }
            None => "version unknown".to_owned(),
        };
        let runs = if self.running == Some(slot) { ", running" } else { "" };
        format!("{version}{runs}, {} ({flags})", self.word(slot, flags))
    }

    fn next_line(&self) -> String {
        let Some(next) = self.next() else { return "none: no slot may be started".to_owned() };
        let flags = self.slots.get(next.slot).unwrap_or_default();
        let kind = if flags.successful() { "confirmed" } else { "on trial" };
        let tries = match next.rule {
            Rule::TriesLeft => format!("{} tries left", flags.tries()),
            _ => "no tries left anywhere".to_owned(),
        };
        format!("{}, {kind}, {tries}", next.slot)
    }

    /// What became of the last update, as one sentence without its period.
    pub fn update(&self) -> String {
        self.sentence(Cause::DETAIL)
    }

    /// The same, with at most so many columns of the cause.
    fn sentence(&self, most: usize) -> String {
        let intent = self.intent.as_ref();
        let target = intent.map_or_else(|| self.running.map_or(Slot::A, Slot::other), |intent| intent.target);
        let named = intent.and_then(|intent| intent.held.as_ref()).or_else(|| self.held(target));
        let what = named.map_or_else(|| "a release".to_owned(), version);
        let here = self.running.and_then(|running| self.held(running));
        let here = here.map_or_else(|| "this slot".to_owned(), version);
        let left = self.running.map_or(target, Slot::other);
        let why = self.cause.as_ref().map(ToString::to_string);
        let why = because(why.as_deref(), most);
        match self.settled {
            Settled::Steady => match &self.staged {
                Some((slot, held)) => {
                    format!("{} is staged in slot {slot}; \"updog arm\" makes it next", version(held))
                }
                None => "nothing pending".to_owned(),
            },
            Settled::Pending => format!("{what} is armed in slot {target}; a restart tries it"),
            Settled::Trial => format!("{here} is on trial; \"updog confirm\" keeps it"),
            Settled::Updated => format!("updated to {here}"),
            Settled::NeverTried => {
                format!("{what} is armed in slot {target}, but the restart did not try it{why}")
            }
            Settled::RolledBack => format!("{what} was tried in slot {target} and left{why}; back on {here}"),
            Settled::RollbackFailed => {
                format!("going back to {what} in slot {target} failed{why}; still on {here}")
            }
            Settled::NotArmed => format!("{what} was about to be armed in slot {target}, but was not"),
            Settled::FellBack => {
                format!("slot {left} was confirmed and left by itself{why}; back on {here}")
            }
            Settled::Unknown => "the record is lost, and the flags do not tell".to_owned(),
        }
    }

    fn last_line(&self) -> String {
        let Some(last) = &self.last else { return "no update is recorded".to_owned() };
        let what = last.held.as_ref().map_or_else(|| "a release".to_owned(), version);
        let why = because(last.cause.as_deref(), CAUSE);
        let (outcome, slot, at) = (plain(last.outcome.as_str(), WORD), last.slot, seconds(last.at));
        format!("{outcome}{why}: {what} in slot {slot}, found at {at}")
    }
}

/// Five lines, each shorter than 200 columns, whatever the files say that it was read from.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Slot A: {}", self.slot_line(Slot::A))?;
        writeln!(f, "Slot B: {}", self.slot_line(Slot::B))?;
        writeln!(f, "Next:   {}", self.next_line())?;
        writeln!(f, "Update: {}", self.sentence(CAUSE))?;
        write!(f, "Last:   {}", self.last_line())
    }
}

/// A version as the records have it, which may be any text.
fn version(held: &Held) -> String {
    plain(&held.version, WORD)
}

fn because(cause: Option<&str>, most: usize) -> String {
    cause.map_or_else(String::new, |cause| format!(" ({})", plain(cause, most)))
}

/// Columns of a version, or of a word of a later updog, in one of the five lines.
const WORD: usize = 32;
/// Columns of a cause in one of the five lines; `--json` and `updog report` have all of it.
const CAUSE: usize = 80;
