//! Bottlerocket's own changes of flags, for `signpost`.
//!
//! They have Bottlerocket's preconditions and no others: no `choose` guard, no read-back. Whoever calls them takes
//! over what the verbs in [`verbs`](crate::verbs) look after.

use core::fmt;

use crate::{Flags, Slot, Slots, Tries};

/// The active slot is good: successful, and its tries are refilled, which Bottlerocket's own does not do (`None`). More
/// tries than that are kept.
pub fn mark_successful_boot(slots: &Slots, active: Slot, refill: Option<Tries>) -> Result<Slots, Unmet> {
    let flags = slots.get(active).ok_or(Unmet::NoSlot(active))?.with_successful(true);
    let refilled = |tries: Tries| flags.with_tries(tries.confirmed().max(flags.tries()));
    Ok(slots.with(active, refill.map_or(flags, refilled)))
}

/// The inactive slot becomes 0/0/0.
pub fn clear_inactive(slots: &Slots, active: Slot) -> Result<Slots, Unmet> {
    let inactive = inactive(slots, active)?;
    Ok(slots.with(active.other(), inactive.cleared()))
}

/// The inactive slot gets one try, whatever it holds.
pub fn mark_inactive_valid(slots: &Slots, active: Slot) -> Result<Slots, Unmet> {
    let inactive = inactive(slots, active)?;
    Ok(slots.with(active.other(), inactive.with_tries(1)))
}

/// The inactive slot goes first at the next boot; it must be marked valid and not yet be upgraded to.
pub fn upgrade_to_inactive(slots: &Slots, active: Slot) -> Result<Slots, Unmet> {
    let (here, inactive) = both(slots, active)?;
    if inactive.priority() > 0 || inactive.successful() {
        return Err(Unmet::AlreadyMarked(active.other()));
    }
    if inactive.tries() == 0 {
        return Err(Unmet::NotMarkedValid(active.other()));
    }
    Ok(slots
        .with(active.other(), inactive.with_priority(2).with_successful(false))
        .with(active, here.with_priority(1)))
}

/// The active slot goes first again; the inactive one keeps its tries and is never started.
pub fn cancel_upgrade(slots: &Slots, active: Slot) -> Result<Slots, Unmet> {
    let (here, inactive) = both(slots, active)?;
    Ok(slots.with(active.other(), inactive.with_priority(0)).with(active, here.with_priority(2)))
}

/// The inactive slot goes first again; it must be one that Bottlerocket would boot.
///
/// Beside an active slot with tries, which Bottlerocket never has, priority alone would not make it first: it gets a try.
pub fn rollback_to_inactive(slots: &Slots, active: Slot) -> Result<Slots, Unmet> {
    let (here, inactive) = both(slots, active)?;
    if !will_boot(inactive) {
        return Err(Unmet::NotBootable(active.other(), inactive));
    }
    let needs = if here.tries() > 0 { inactive.tries().max(1) } else { inactive.tries() };
    Ok(slots
        .with(active.other(), inactive.with_priority(2).with_tries(needs))
        .with(active, here.with_priority(1)))
}

/// Bottlerocket's own test whether a slot boots; it also trusts a successful slot with priority 0.
pub fn will_boot(flags: Flags) -> bool {
    flags.priority() > 0 && flags.tries() > 0 || flags.successful()
}

/// A precondition of Bottlerocket's that does not hold; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unmet {
    /// The disk has no such slot.
    NoSlot(Slot),
    /// The inactive slot is already marked for upgrade.
    AlreadyMarked(Slot),
    /// The inactive slot has not been marked valid.
    NotMarkedValid(Slot),
    /// The inactive slot would not boot.
    NotBootable(Slot, Flags),
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unmet::NoSlot(slot) => write!(f, "the disk has no slot {slot}"),
            Unmet::AlreadyMarked(slot) => write!(f, "inactive slot {slot} is already marked for upgrade"),
            Unmet::NotMarkedValid(slot) => {
                write!(f, "inactive slot {slot} has not been marked valid for upgrade")
            }
            Unmet::NotBootable(slot, flags) => write!(
                f,
                "inactive slot {slot} is not bootable: priority {}, tries left {}, successful {}",
                flags.priority(),
                flags.tries(),
                flags.successful()
            ),
        }
    }
}

impl core::error::Error for Unmet {}

fn inactive(slots: &Slots, active: Slot) -> Result<Flags, Unmet> {
    slots.get(active.other()).ok_or(Unmet::NoSlot(active.other()))
}

fn both(slots: &Slots, active: Slot) -> Result<(Flags, Flags), Unmet> {
    Ok((slots.get(active).ok_or(Unmet::NoSlot(active))?, inactive(slots, active)?))
}
