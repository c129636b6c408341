//! Why not: one word for scripts, one sentence for people, and when it will change.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::Exit;

/// The rule that decided against something (design §10.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// This host's turn in the rollout has not come.
    Wave,
    /// The host is held to another version, by `version_lock` or `--to`.
    Locked,
    /// It is for another variant.
    Variant,
    /// It is for another architecture.
    Arch,
    /// It is above its own `max_version`.
    MaxVersion,
    /// The host runs it or something newer.
    NotNewer,
    /// It cannot be installed from the running version: an older release comes first.
    Floor,
    /// It was tried here and left again.
    FailedBefore,
    /// Its rollout is stopped for now.
    Paused,
    /// It was taken back.
    Yanked,
    /// Outside the hours in which this host may change.
    Window,
    /// It has not been out for long enough.
    Soak,
    /// It does not fit into its partitions.
    Space,
    /// It is published without an index, so it cannot be checked piece by piece.
    NoIndex,
    /// The running slot is not confirmed, so the other one is the only way back.
    NotConfirmed,
    /// Another updog is at work.
    RunLock,
    /// The host is not to go that far by itself.
    Mode,
    /// It was made the next one by hand, and when to restart is for that hand to say.
    ByHand,
    /// It was armed, and the last restart did not try it, or the restart that was asked for has not happened.
    NeverTried,
    /// Others of its group restart, or may go first.
    Coordinated,
    /// A hook asks to wait.
    Deferred,
    /// A hook has failed.
    Hook,
    /// The repository was asked in vain, and is left alone for a while.
    Backoff,
    /// Somebody on the host holds the restart up.
    Inhibited,
    /// Signature, digest, version or expiry is not right.
    Untrusted,
    /// The clock makes valid metadata look expired.
    Clock,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 26] = [
        Reason::Wave,
        Reason::Locked,
        Reason::Variant,
        Reason::Arch,
        Reason::MaxVersion,
        Reason::NotNewer,
        Reason::Floor,
        Reason::FailedBefore,
        Reason::Paused,
        Reason::Yanked,
        Reason::Window,
        Reason::Soak,
        Reason::Space,
        Reason::NoIndex,
        Reason::NotConfirmed,
        Reason::RunLock,
        Reason::Mode,
        Reason::ByHand,
        Reason::NeverTried,
        Reason::Coordinated,
        Reason::Deferred,
        Reason::Hook,
        Reason::Backoff,
        Reason::Inhibited,
        Reason::Untrusted,
        Reason::Clock,
    ];

    /// The word in `--json`'s `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Wave => "wave",
            Reason::Locked => "locked",
            Reason::Variant => "variant",
            Reason::Arch => "arch",
            Reason::MaxVersion => "max_version",
            Reason::NotNewer => "not_newer",
            Reason::Floor => "floor",
            Reason::FailedBefore => "failed_before",
            Reason::Paused => "paused",
            Reason::Yanked => "yanked",
            Reason::Window => "window",
            Reason::Soak => "soak",
            Reason::Space => "space",
            Reason::NoIndex => "no_index",
            Reason::NotConfirmed => "not_confirmed",
            Reason::RunLock => "run_lock",
            Reason::Mode => "mode",
            Reason::ByHand => "by_hand",
            Reason::NeverTried => "never_tried",
            Reason::Coordinated => "coordinated",
            Reason::Deferred => "deferred",
            Reason::Hook => "hook",
            Reason::Backoff => "backoff",
            Reason::Inhibited => "inhibited",
            Reason::Untrusted => "untrusted",
            Reason::Clock => "clock",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A refusal: which rule, what exactly, and when the answer changes by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    /// The rule.
    pub reason: Reason,
    /// What was found and what was expected, a fragment for people.
    pub detail: String,
    /// From when on this rule no longer refuses; `None`: not by waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

impl Refusal {
    /// A refusal that waiting does not change.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Refusal {
        Refusal { reason, detail: detail.into(), until: None }
    }

    /// A refusal that ends by itself.
    pub fn waiting(reason: Reason, detail: impl Into<String>, until: DateTime<Utc>) -> Refusal {
        Refusal { until: Some(until), ..Refusal::new(reason, detail) }
    }

    /// The code that a run ends with when this is the answer.
    pub fn exit(&self) -> Exit {
        Exit::from(self.reason)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn words_are_the_documented_ones_and_differ() {
        let words: BTreeSet<&str> = Reason::ALL.into_iter().map(Reason::as_str).collect();
        assert_eq!(words.len(), Reason::ALL.len());
        let documented = "wave, locked, variant, arch, max_version, not_newer, floor, failed_before, paused, yanked, \
                          window, soak, space, no_index, not_confirmed, run_lock, mode, by_hand, never_tried, deferred, hook, coordinated, backoff, inhibited, untrusted, clock";
        assert_eq!(words, documented.split(", ").collect());
    }
}
