//! What was meant to boot, and what became of the last time.

use chrono::{DateTime, Utc};
use partition_core::{Slot, Tries};
use release::ReleaseId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FORMAT, HistoryEvent, Record, lenient, letter};

/// `outcome.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// 1, or higher when a later version wrote it.
    pub format: u64,
    /// What is pending: written before the flags are.
    #[serde(default, deserialize_with = "lenient::field")]
    pub intent: Option<Intent>,
    /// How the one before ended.
    #[serde(default, deserialize_with = "lenient::field")]
    pub last: Option<Past>,
    /// The slot that was confirmed last, or that the host was found in since.
    #[serde(default, with = "lenient::slot")]
    pub confirmed: Option<Slot>,
    /// What a hand has cancelled: `auto` leaves it, until a hand takes it or something newer is open.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<Held>,
    /// What the slots hold, as far as known.
    #[serde(default, deserialize_with = "lenient::field")]
    pub holds: Holds,
    /// Keys that this version does not know, kept.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A slot is about to be made the next one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// An update or a rollback.
    pub by: By,
    /// Whose wish it was; a record that does not say is of an updog that asked nobody.
    #[serde(default, deserialize_with = "lenient::field")]
    pub wish: Wish,
    /// The slot that is meant to boot.
    #[serde(with = "letter")]
    pub target: Slot,
    /// Tries that its flags get. Fewer later: it was started.
    pub tries: u8,
    /// The boot in which it was armed; `None`: a disk image without a boot id.
    #[serde(default, deserialize_with = "lenient::field")]
    pub boot_id: Option<String>,
    /// When it was armed.
    pub at: DateTime<Utc>,
    /// What is in the target, where known.
    #[serde(default, deserialize_with = "lenient::field")]
    pub held: Option<Held>,
    /// The target was a confirmed fallback until it was armed: a cancel makes it one again.
    #[serde(default, deserialize_with = "lenient::field")]
    pub fallback: bool,
    /// Keys that this version does not know, kept.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Which verb armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// `arm`: a new release on trial.
    Arm,
    /// `rollback`: back to the other slot by choice.
    Rollback,
}

/// Whose wish it was that the other slot boots next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// `auto`'s, which may take it back.
    #[default]
    Auto,
    /// That of somebody who typed it, or asked the daemon for it.
    Hand,
}

/// What is pending, as far as the next step goes by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// By which verb.
    pub by: By,
    /// By whose wish.
    pub wish: Wish,
    /// Which release, where known.
    pub release: Option<ReleaseId>,
}

impl From<&Intent> for Pending {
    fn from(intent: &Intent) -> Pending {
        let release = intent.held.as_ref().and_then(|held| held.release);
        Pending { by: intent.by, wish: intent.wish, release }
    }
}

/// A release in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its version, for people.
    pub version: String,
    /// Which release it is; `None`: it was not installed by updog.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseId>,
}

/// What each slot holds, as far as known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Holds {
    /// Slot A.
    #[serde(
        default,
        rename = "A",
        deserialize_with = "lenient::field",
        skip_serializing_if = "Option::is_none"
    )]
    pub a: Option<Held>,
    /// Slot B.
    #[serde(
        default,
        rename = "B",
        deserialize_with = "lenient::field",
        skip_serializing_if = "Option::is_none"
    )]
    pub b: Option<Held>,
    /// Keys that this version does not know, kept.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// How an update ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// How.
    pub outcome: HistoryEvent,
    /// The slot that was meant.
    #[serde(with = "letter")]
    pub slot: Slot,
    /// When it was found out.
    pub at: DateTime<Utc>,
    /// What was in that slot, where known.
    #[serde(default, deserialize_with = "lenient::field")]
    pub held: Option<Held>,
    /// Why, in one word (`verity`, `health:NAME`); `None`: nobody asked, or nothing went wrong.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What the witness of the cause said, for people.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Keys that this version does not know, kept.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Outcome {
    /// Tries as they were when the other slot was armed, else as configured: a trial that is armed and untouched is known by
    /// the number that it was given, whatever the configuration says by now.
    pub fn tries(&self, running: Slot, configured: Tries) -> Tries {
        let armed = self.intent.as_ref().filter(|intent| intent.by == By::Arm && intent.target != running);
        let given = armed.and_then(|intent| {
            let more = intent.tries.saturating_add(1);
            Tries::new(intent.tries, configured.confirmed().max(more)).ok()
        });
        given.unwrap_or(configured)
    }

    /// Whether a release is recorded to lie in this slot, pending, tried and left, or confirmed.
    pub fn names_a_release(&self, slot: Slot) -> bool {
        let pending =
            self.intent.as_ref().is_some_and(|intent| intent.target == slot && intent.held.is_some());
        let past = self.last.as_ref().is_some_and(|last| last.slot == slot && last.held.is_some());
        pending || past || self.holds.get(slot).is_some()
    }
}

impl Holds {
    /// What this slot holds.
    pub fn get(&self, slot: Slot) -> Option<&Held> {
        match slot {
            Slot::A => self.a.as_ref(),
            Slot::B => self.b.as_ref(),
        }
    }

    /// Notes what this slot holds.
    pub fn set(&mut self, slot: Slot, held: Option<Held>) {
        match slot {
            Slot::A => self.a = held,
            Slot::B => self.b = held,
        }
    }
}

impl Default for Outcome {
    fn default() -> Outcome {
        Outcome {
            format: FORMAT,
            intent: None,
            last: None,
            confirmed: None,
            cancelled: None,
            holds: Holds::default(),
            extra: Map::new(),
        }
    }
}

impl Record for Outcome {
    fn format(&self) -> u64 {
        self.format
    }
}
