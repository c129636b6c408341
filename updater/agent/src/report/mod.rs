//! Who is told what happens. The engine emits events and never prints.

mod human;
mod json;
mod log;

use std::fmt::Debug;

use serde::Serialize;

pub use human::Human;
pub use json::Json;
pub use log::log;

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A step begins.
    Step {
        /// Which.
        step: Step,
        /// A sentence without its period.
        message: String,
    },
    /// A step has come further. Sent often; reporters thin them out, and know rate and time left by their own clocks.
    Progress {
        /// Which.
        step: Step,
        /// Bytes done, those that were right already included.
        done: u64,
        /// Bytes in all.
        total: u64,
        /// Bytes received from the network so far in this run.
        fetched: u64,
    },
    /// `auto` has looked at what is, and this comes next.
    Next {
        /// [`Step::name`](updater_core::Step::name) of the machine's step.
        next: &'static str,
    },
    /// A warning or a fact worth a line.
    Note {
        /// A sentence without its period.
        message: String,
    },
}

/// The steps of an update that take time (design §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Metadata.
    Check,
    /// Indexes and what they need.
    Plan,
    /// Fetching and writing pieces.
    Write,
    /// Reading the slot back.
    Verify,
    /// The one table write.
    Arm,
    /// Reading the running root through verity.
    Scan,
    /// Health checks.
    Health,
    /// A hook is asked.
    Hook,
}

impl Step {
    /// As in events.
    pub const fn name(self) -> &'static str {
        match self {
            Step::Check => "check",
            Step::Plan => "plan",
            Step::Write => "write",
            Step::Verify => "verify",
            Step::Arm => "arm",
            Step::Scan => "scan",
            Step::Health => "health",
            Step::Hook => "hook",
        }
    }
}

/// Somebody who listens. Called from any thread, never allowed to fail the work.
pub trait Reporter: Debug + Send + Sync {
    /// Takes note of an event.
    fn event(&self, event: &Event);
}

/// Nobody listens.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Reporter for Silent {
    fn event(&self, _: &Event) {}
}
