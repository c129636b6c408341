//! Keeping what became of an update.

use chrono::{DateTime, Utc};
use partition_core::Slot;

use crate::records::{By, Failure, Held, HistoryLine, Outcome, Past};
use crate::{Cause, Settled};

/// What there is to write when an outcome is settled. All of it is written before the flags of the left slot are cleared:
/// a cut between the two leaves flags that `trial_over` still clears.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// For `outcome.json`.
    pub outcome: Outcome,
    /// For `history.jsonl`.
    pub history: Option<HistoryLine>,
    /// For `failed.json`: the release is not offered again.
    pub failure: Option<Failure>,
    /// For `failed.json`: what proved itself after all.
    pub proved: Option<Held>,
}

/// The records after this answer, found in `running` at `now`, with the cause where a slot was left. With an answer that
/// ends nothing they stay as they are.
pub fn record(
    outcome: &Outcome,
    settled: Settled,
    running: Slot,
    cause: Option<&Cause>,
    now: DateTime<Utc>,
) -> Recorded {
    let mut recorded = Recorded { outcome: outcome.clone(), history: None, failure: None, proved: None };
    let Some(event) = settled.ending() else { return recorded };
    let after = &mut recorded.outcome;
    let intent = after.intent.take();
    // What fell back left the other slot, whatever was meant.
    let meant = intent.as_ref().filter(|_| settled != Settled::FellBack);
    let slot = meant.map_or(running.other(), |intent| intent.target);
    let held = meant.and_then(|intent| intent.held.clone()).or_else(|| after.holds.get(slot).cloned());
    let rollback = intent.is_some_and(|intent| intent.by == By::Rollback);

    let why = cause.map(|cause| cause.why.to_string());
    let detail = cause.and_then(|cause| cause.detail.clone());
    recorded.failure = match settled {
        Settled::RolledBack => failure(held.as_ref(), &because("was rolled back", why.as_deref()), now),
        // Gone back by choice: the release that was left would be offered again at once.
        Settled::Updated if rollback => failure(after.holds.get(slot.other()), "was left by rollback", now),
        _ => None,
    };
    if settled == Settled::Updated {
        recorded.proved.clone_from(&held);
    }
    if matches!(settled, Settled::Updated | Settled::RolledBack) {
        after.holds.set(slot, held.clone());
    }
    if settled != Settled::NotArmed {
        after.confirmed = Some(running);
    }
    recorded.history = Some(HistoryLine {
        slot: Some(slot),
        version: held.as_ref().map(|held| held.version.clone()),
        release: held.as_ref().and_then(|held| held.release),
        cause: why.clone(),
        detail: detail.clone(),
        ..HistoryLine::new(now, event.clone())
    });
    let extra = serde_json::Map::new();
    after.last = Some(Past { outcome: event, slot, at: now, held, cause: why, detail, extra });
    recorded
}

/// `was rolled back: verity`.
fn because(what: &str, why: Option<&str>) -> String {
    why.map_or_else(|| what.to_owned(), |why| format!("{what}: {why}"))
}

fn failure(held: Option<&Held>, cause: &str, at: DateTime<Utc>) -> Option<Failure> {
    let held = held?;
    Some(Failure {
        release: held.release?,
        version: Some(held.version.clone()),
        at,
        cause: cause.to_owned(),
        extra: serde_json::Map::new(),
    })
}
