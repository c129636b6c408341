//! The health gate's decisions: from what the checks said to what is done about it (P4, P5).

use std::fmt;

use partition_core::{Flags, Slot, SlotSet, Slots, choose};

/// One thing that was asked about the running system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Its name: a file of `health.d`, or a unit.
    pub name: String,
    /// What came of it.
    pub found: Found,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// All is well.
    Passed,
    /// It is not; what was said, for people.
    Failed(String),
}

/// What all checks say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All passed, or there was none.
    Healthy,
    /// The first that did not.
    Unhealthy(Failing),
}

/// What is wrong with a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// The word for the records.
    pub fault: Fault,
    /// What was said, for people.
    pub detail: String,
}

/// What kind of thing went wrong; its `Display` is the word for the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `health:NAME`: a check or a unit.
    Health(String),
    /// `verity`: the root could not be read to its end.
    Verity,
}

/// What the gate does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Say that the slot is good; its tries are refilled.
    Confirm,
    /// Write down why, and restart: the trial has failed, and something else can be started.
    RecordAndRestart(Failing),
    /// Write down why, refill nothing, keep running.
    Withhold(Failing, Stays),
}

/// Why an unhealthy slot is not left by a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stays {
    /// It was confirmed once: what is wrong may lie outside it, and an outage elsewhere must not downgrade a fleet.
    Confirmed,
    /// Nothing else could be started, so restarting would only go round.
    NowhereElse,
}

/// The first check that failed speaks for all.
pub fn verdict(checked: impl IntoIterator<Item = Checked>) -> Verdict {
    let failed = checked.into_iter().find_map(|check| match check.found {
        Found::Passed => None,
        Found::Failed(detail) => Some(Failing { fault: Fault::Health(plain(&check.name)), detail }),
    });
    failed.map_or(Verdict::Healthy, Verdict::Unhealthy)
}

/// What is done about a verdict over the slot `running`.
pub fn decide(slots: &Slots, running: Slot, verdict: Verdict) -> Gate {
    match verdict {
        Verdict::Healthy => Gate::Confirm,
        Verdict::Unhealthy(failing) => match stays(slots, running) {
            None => Gate::RecordAndRestart(failing),
            Some(stays) => Gate::Withhold(failing, stays),
        },
    }
}

/// Why the running slot would not be left for its health; `None`: it would.
pub fn stays(slots: &Slots, running: Slot) -> Option<Stays> {
    if slots.get(running).is_some_and(Flags::successful) {
        Some(Stays::Confirmed)
    } else if choose(slots, SlotSet::EMPTY.with(running)).is_none() {
        Some(Stays::NowhereElse)
    } else {
        None
    }
}

/// A name as a word: it stands in records, on a console and in one line of `status`.
fn plain(name: &str) -> String {
    let letter = |letter: char| {
        let kept = letter.is_ascii_alphanumeric() || "._+-@".contains(letter);
        if kept { letter } else { '_' }
    };
    name.chars().map(letter).take(NAME).collect()
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Health(name) => write!(f, "health:{name}"),
            Fault::Verity => f.write_str("verity"),
        }
    }
}

/// `health:containerd.service: ended with exit status: 1`.
impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.fault, self.detail)
    }
}

impl fmt::Display for Stays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stays::Confirmed => "its tries are not refilled",
            Stays::NowhereElse => "there is no other slot to go to",
        })
    }
}

/// Characters of a name; unit names of systemd have at most 255.
const NAME: usize = 255;
