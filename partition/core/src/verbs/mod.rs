//! The steps of an update as changes of flags.
//!
//! Every verb computes the table after and refuses unless [`choose`](crate::choose()) on it names the slot that the
//! verb means, so no verb can leave a table from which something else boots. The enumeration in this module walks
//! every table that these verbs, failing boots and power cuts can reach; taking any one guard away makes it fail.

use crate::{Flags, Slot, SlotSet, Slots, Tries, choose};

#[cfg(test)]
mod enumeration;
mod guard;
#[cfg(test)]
mod properties;
mod refusal;

use guard::{Guard, Guards};
pub use refusal::Refusal;

/// What a live host knows about the boot it is in; a disk image file passes `ConfirmedThisBoot`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The running slot was confirmed since the machine started.
    ConfirmedThisBoot,
    /// It was not, whatever its flags say from an earlier boot.
    NotThisBoot,
}

/// What made the other slot the next one; decides what `cancel` leaves of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArmedBy {
    /// An update: the slot was never started, cancel clears it.
    Arm,
    /// An update to the very release that the slot held, confirmed, so that nothing was written and nothing retired:
    /// cancel makes it the fallback again.
    ArmOverFallback,
    /// A rollback: the slot is a good fallback, cancel keeps it as one.
    Rollback,
}

/// Takes the other slot out of the boot order, before its first byte is overwritten: 0/0/0.
///
/// Refused unless the running slot is confirmed, in its flags and in this boot: writing during a trial could leave
/// nothing to boot.
pub fn retire(slots: &Slots, running: Slot, standing: Standing) -> Result<Slots, Refusal> {
    retire_under(Guards::ALL, slots, running, standing)
}

/// Makes the other slot the next one, on trial: running priority 1, other 2/N/0.
///
/// Only who has read the slot back may call this (`arm` in the engine takes a `Verified`).
pub fn arm(slots: &Slots, running: Slot, standing: Standing, tries: Tries) -> Result<Slots, Refusal> {
    arm_under(Guards::ALL, slots, running, (standing, tries))
}

/// Says that the running slot is good: tries M, successful.
pub fn confirm(slots: &Slots, running: Slot, tries: Tries) -> Result<Slots, Refusal> {
    confirm_under(Guards::ALL, slots, running, tries)
}

/// Says that the running slot is good after the other one, confirmed too, was left by itself: running 2/M/1, other priority 1.
///
/// The other slot may have tries left (its kernel could not be loaded, so the selector went on at once) and would boot
/// next: the host goes on from the slot that is known to be good, and the other stays as a fallback with the tries it has.
pub fn come_home(slots: &Slots, running: Slot, tries: Tries) -> Result<Slots, Refusal> {
    come_home_under(Guards::ALL, slots, running, tries)
}

/// Retires a trial that was left: the host woke in `running` while the other slot is unconfirmed and startable.
///
/// `None` when there is no such trial; one that is armed and untouched (2/N/0) stays armed.
pub fn trial_over(slots: &Slots, running: Slot, tries: Tries) -> Result<Option<Slots>, Refusal> {
    trial_over_under(Guards::ALL, slots, running, tries)
}

/// Undoes `arm` or `rollback` before the reboot: running priority 2, other 0/0/0 or priority 1.
///
/// `arm` leaves no slot successful, so a confirmed slot is kept as a fallback whatever `by` says (the record may be lost).
pub fn cancel(slots: &Slots, running: Slot, by: ArmedBy) -> Result<Slots, Refusal> {
    cancel_under(Guards::ALL, slots, running, by)
}

/// Makes the other slot the next one by choice.
///
/// From a confirmed slot the other must be confirmed too and gets N tries; from a trial it must be startable, and the
/// trial keeps a try, so that something is left when the other slot fails.
pub fn rollback(slots: &Slots, running: Slot, tries: Tries) -> Result<Slots, Refusal> {
    rollback_under(Guards::ALL, slots, running, tries)
}

/// Whether `arm` or `rollback` has made the other slot the next one: it boots next, with tries and the higher priority.
///
/// A trial whose own tries are spent also makes the other slot boot next; that is no reason to clear it.
pub fn armed(slots: &Slots, running: Slot) -> bool {
    let (Some(here), Some(other)) = (slots.get(running), slots.get(running.other())) else { return false };
    let goes_first = other.priority() > here.priority() && other.tries() > 0;
    goes_first && next(slots) == Some(running.other())
}

fn retire_under(guards: Guards, slots: &Slots, running: Slot, standing: Standing) -> Result<Slots, Refusal> {
    let (_, other) = both(slots, running)?;
    confirmed(guards, slots, running, standing)?;
    meant((guards, Guard::RetireMeant), slots.with(running.other(), other.cleared()), running)
}

fn arm_under(guards: Guards, slots: &Slots, running: Slot, by: (Standing, Tries)) -> Result<Slots, Refusal> {
    let (standing, tries) = by;
    let (here, other) = both(slots, running)?;
    confirmed(guards, slots, running, standing)?;
    let after =
        slots.with(running, here.with_priority(1)).with(running.other(), other.with(2, tries.trial(), false));
    meant((guards, Guard::ArmMeant), after, running.other())
}

fn confirm_under(guards: Guards, slots: &Slots, running: Slot, tries: Tries) -> Result<Slots, Refusal> {
    let here = slots.get(running).ok_or(Refusal::NoSlot(running))?;
    let after = slots.with(running, here.with_tries(tries.confirmed()).with_successful(true));
    meant((guards, Guard::ConfirmMeant), after, running)
}

fn come_home_under(guards: Guards, slots: &Slots, running: Slot, tries: Tries) -> Result<Slots, Refusal> {
    let (here, other) = both(slots, running)?;
    // A slot on trial is not what was left; one that may not boot stays so.
    let left = if other.successful() { other.with_priority(other.priority().min(1)) } else { other };
    let after = slots.with(running, here.with(2, tries.confirmed(), true)).with(running.other(), left);
    meant((guards, Guard::ConfirmMeant), after, running)
}

fn trial_over_under(
    guards: Guards,
    slots: &Slots,
    running: Slot,
    tries: Tries,
) -> Result<Option<Slots>, Refusal> {
    let Some(other) = slots.get(running.other()) else { return Ok(None) };
    if other.successful() || other.priority() == 0 {
        return Ok(None);
    }
    let untouched = other.priority() == 2 && other.tries() == tries.trial();
    if untouched && guards.hold(Guard::TrialUntouched) {
        return Ok(None);
    }
    meant((guards, Guard::TrialMeant), slots.with(running.other(), other.cleared()), running).map(Some)
}

fn cancel_under(guards: Guards, slots: &Slots, running: Slot, by: ArmedBy) -> Result<Slots, Refusal> {
    let (here, other) = both(slots, running)?;
    if !armed(slots, running) && guards.hold(Guard::CancelArmed) {
        return Err(Refusal::NothingArmed);
    }
    let left = match by {
        // Tries that the running slot lacks would make the fallback boot first.
        ArmedBy::ArmOverFallback => other.with(1, other.tries().min(here.tries()), true),
        ArmedBy::Arm if !(other.successful() && guards.hold(Guard::CancelKeepsConfirmed)) => other.cleared(),
        ArmedBy::Arm | ArmedBy::Rollback => other.with_priority(1),
    };
    let after = slots.with(running, here.with_priority(2)).with(running.other(), left);
    meant((guards, Guard::CancelMeant), after, running)
}

fn rollback_under(guards: Guards, slots: &Slots, running: Slot, tries: Tries) -> Result<Slots, Refusal> {
    let (here, other) = both(slots, running)?;
    if other.priority() == 0 && guards.hold(Guard::RollbackStartable) {
        return Err(Refusal::OtherNotBootable(running.other()));
    }
    let after = if here.successful() {
        if !other.successful() && guards.hold(Guard::RollbackConfirmed) {
            return Err(Refusal::OtherNotConfirmed(running.other()));
        }
        slots.with(running, here.with_priority(1)).with(running.other(), other.with(2, tries.trial(), true))
    } else {
        slots
            .with(running, here.with_priority(1).with_tries(here.tries().max(1)))
            .with(running.other(), other.with_priority(2))
    };
    meant((guards, Guard::RollbackMeant), after, running.other())
}

/// The flags of the running and of the other slot.
fn both(slots: &Slots, running: Slot) -> Result<(Flags, Flags), Refusal> {
    let here = slots.get(running).ok_or(Refusal::NoSlot(running))?;
    let other = slots.get(running.other()).ok_or(Refusal::NoSlot(running.other()))?;
    Ok((here, other))
}

fn confirmed(guards: Guards, slots: &Slots, running: Slot, standing: Standing) -> Result<(), Refusal> {
    let flags_say = slots.get(running).is_some_and(Flags::successful);
    if !flags_say && guards.hold(Guard::RunningConfirmed) {
        return Err(Refusal::RunningNotConfirmed(running));
    }
    if standing == Standing::NotThisBoot && guards.hold(Guard::ConfirmedThisBoot) {
        return Err(Refusal::NotConfirmedThisBoot(running));
    }
    Ok(())
}

/// The guard over all verbs: `after`, if the slot that boots from it is the one meant.
fn meant((guards, guard): (Guards, Guard), after: Slots, slot: Slot) -> Result<Slots, Refusal> {
    let found = next(&after);
    if found != Some(slot) && guards.hold(guard) {
        return Err(Refusal::WouldBoot { meant: slot, found });
    }
    Ok(after)
}

fn next(slots: &Slots) -> Option<Slot> {
    choose(slots, SlotSet::EMPTY).map(|choice| choice.slot)
}
