//! Why a verb did nothing.

use core::fmt;

use crate::Slot;

/// A verb refused, and nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The disk has no such slot.
    NoSlot(Slot),
    /// The running slot was never confirmed.
    RunningNotConfirmed(Slot),
    /// The running slot was confirmed earlier, but not since the machine started.
    NotConfirmedThisBoot(Slot),
    /// The other slot was never confirmed, so there is no good release to go back to.
    OtherNotConfirmed(Slot),
    /// The other slot has priority 0.
    OtherNotBootable(Slot),
    /// Nothing is armed, so there is nothing to cancel.
    NothingArmed,
    /// The table after would start another slot than the verb means.
    WouldBoot {
        /// The slot the verb means.
        meant: Slot,
        /// The slot that would be started.
        found: Option<Slot>,
    },
}

impl Refusal {
    /// Whether this means "nothing to do" (exit 10) rather than "blocked" (exit 50).
    pub const fn is_nothing_to_do(self) -> bool {
        matches!(self, Refusal::NothingArmed)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoSlot(slot) => write!(f, "the disk has no slot {slot}"),
            Refusal::RunningNotConfirmed(slot) => write!(f, "running slot {slot} is not confirmed"),
            Refusal::NotConfirmedThisBoot(slot) => {
                write!(f, "running slot {slot} is not confirmed in this boot")
            }
            Refusal::OtherNotConfirmed(slot) => write!(f, "slot {slot} was never confirmed"),
            Refusal::OtherNotBootable(slot) => write!(f, "slot {slot} may not be started: its priority is 0"),
            Refusal::NothingArmed => f.write_str("nothing is armed"),
            Refusal::WouldBoot { meant, found: Some(found) } => {
                write!(f, "slot {found} would boot next: expected slot {meant}")
            }
            Refusal::WouldBoot { meant, found: None } => {
                write!(f, "no slot would boot next: expected slot {meant}")
            }
        }
    }
}

impl core::error::Error for Refusal {}
