//! `outcome.json`: what is pending, and how the last one ended.

use chrono::{DateTime, Utc};
use partition_core::Slot;
use updater_core::records::{Held, HistoryLine, Intent, Outcome, Wish};
use updater_core::{Cause, Recorded, Settled, record};

use super::State;
use crate::Result;

/// What became of an update.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// How it ended, if it has.
    pub settled: Settled,
    /// Why, where a slot was left.
    pub cause: Option<Cause>,
    /// The intent that was asked about.
    pub about: Option<Intent>,
}

impl State {
    /// The record; `None`: lost, or never written.
    pub fn outcome(&self) -> Option<Outcome> {
        self.read("outcome.json")
    }

    /// Writes it, durably.
    pub fn write_outcome(&self, outcome: &Outcome) -> Result<()> {
        self.write("outcome.json", outcome)
    }

    /// Writes down what is about to be armed. Must be durable before the flags are written: a cut between the two is found
    /// as `not_armed`, the other way round an update would be nobody's.
    /// What an earlier trial left goes first: it must not speak for this one.
    /// `here` is what the running slot holds, so that it can be named after the restart.
    pub fn write_intent(&self, intent: Intent, here: Option<Held>) -> Result<()> {
        self.alone(|| {
            self.forget_trial();
            let mut outcome = self.outcome().unwrap_or_default();
            if here.is_some() {
                outcome.holds.set(intent.target.other(), here);
            }
            if intent.wish == Wish::Hand {
                outcome.cancelled = None;
            }
            outcome.intent = Some(intent);
            self.write_outcome(&outcome)
        })
    }

    /// Takes the intent back, when the flags were or never will be.
    pub fn clear_intent(&self) -> Result<()> {
        self.alone(|| {
            let Some(mut outcome) = self.outcome() else { return Ok(()) };
            if outcome.intent.take().is_some() { self.write_outcome(&outcome) } else { Ok(()) }
        })
    }

    /// Takes the intent back by hand: `auto` leaves that release from now on.
    pub fn cancel_by_hand(&self, held: Option<Held>) -> Result<()> {
        self.alone(|| {
            let mut outcome = self.outcome().unwrap_or_default();
            outcome.intent = None;
            outcome.cancelled = held;
            self.write_outcome(&outcome)
        })
    }

    /// Keeps an answer that ends something: failed.json first, so that no cut lets the release be offered again, then the
    /// line of history, and last the outcome, which makes it count as told.
    ///
    /// When another intent has come since the question, it is not the one that ended.
    pub fn settle(&self, ending: &Ending, running: Slot, now: DateTime<Utc>) -> Result<()> {
        let Ending { settled, cause, about } = ending;
        self.alone(|| {
            let before = self.outcome().unwrap_or_default();
            if settled.ending().is_none() || before.intent != *about {
                return Ok(());
            }
            let Recorded { outcome, history, failure, proved } =
                record(&before, *settled, running, cause.as_ref(), now);
            let mut failed = self.failed();
            let forgot = proved.and_then(|held| held.release).is_some_and(|release| failed.forget(&release));
            if let Some(failure) = failure {
                failed.remember(failure);
                self.write_failed(&failed)?;
            } else if forgot {
                self.write_failed(&failed)?;
            }
            if let Some(line) = history {
                self.tell(&line)?;
            }
            if *settled == Settled::RolledBack {
                // It is whole, but not to be armed again without being asked for (`apply --retry` finds every piece right).
                self.clear_staged()?;
            }
            self.write_outcome(&outcome)
        })
    }

    /// Notes that this slot was confirmed, and what it holds.
    pub fn mark_home(&self, running: Slot, held: Option<Held>) -> Result<()> {
        self.alone(|| {
            let before = self.outcome();
            let mut outcome = before.clone().unwrap_or_default();
            outcome.confirmed = Some(running);
            if held.is_some() {
                outcome.holds.set(running, held);
            }
            // A confirm on every boot writes nothing new.
            if before.as_ref() == Some(&outcome) { Ok(()) } else { self.write_outcome(&outcome) }
        })
    }

    /// Adds a line of history, unless a cut before the outcome was written has left the very same one.
    fn tell(&self, line: &HistoryLine) -> Result<()> {
        let told = self.history().last().is_some_and(|last| {
            (&last.event, last.slot, last.release, &last.version)
                == (&line.event, line.slot, line.release, &line.version)
        });
        if told { Ok(()) } else { self.append_history(line) }
    }
}
