//! The order of things: read the table, choose, spend, load, start; next candidate; message and restart.

use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use core::time::Duration;

use partition_core::{Choice, Condition, Flags, Rule, Slot, SlotSet, Slots, choose};

use crate::load::{Candidate, start};
use crate::skip::Fault;
use crate::spend::Disk;
use crate::{Firmware, Key, Reason, Skip};

/// How long the last message stays before the machine restarts, and how long a slot waits when none has tries left: no
/// loop is faster than this.
pub const RESTART_AFTER: Duration = Duration::from_secs(30);

/// Starts a slot; when none can be started, says so, waits for [`RESTART_AFTER`] and restarts the machine.
pub fn run(firmware: &mut impl Firmware, keys: &[Key]) {
    if keys.iter().any(|key| key.test) {
        firmware.say(format_args!("warning: built with test keys, anybody can sign for this machine"));
    }
    if firmware.secure_boot() {
        firmware.say(format_args!("Secure Boot is on"));
    }
    try_slots(firmware, keys);
    firmware.say(format_args!("no slot can start; restart in {} s", RESTART_AFTER.as_secs()));
    firmware.stall(RESTART_AFTER);
    firmware.reset();
}

/// Tries each candidate once. Coming back means that none could be started.
fn try_slots(firmware: &mut impl Firmware, keys: &[Key]) {
    let mut tried = SlotSet::EMPTY;
    let mut skipped: Vec<Skip> = Vec::new();
    let Some(mut disk) = Disk::read(firmware) else { return };
    say_condition(firmware, disk.table.condition());
    while let Some(choice) = choose(&disk.layout.slots(), tried) {
        tried = tried.with(choice.slot);
        let fault = match try_slot(firmware, keys, (&disk, &skipped), &choice) {
            Ok(never) => match never {},
            Err(fault) => fault,
        };
        let skip = fault.of(choice.slot);
        firmware.say(format_args!("slot {} skipped: {}: {}", skip.slot, skip.reason, skip.detail));
        skipped.push(skip);
        disk = disk.read_again(firmware);
    }
}

/// Makes the choice durable, then starts it.
fn try_slot(
    firmware: &mut impl Firmware,
    keys: &[Key],
    (disk, skipped): (&Disk, &[Skip]),
    choice: &Choice,
) -> Result<Infallible, Fault> {
    let slot = choice.slot;
    // A damaged copy is repaired also when no try is spent.
    let needs_writing = choice.writes || disk.needs_repair();
    let written = !needs_writing || disk.spend(firmware, choice).is_ok();
    if !written {
        firmware.say(format_args!("warning: the table could not be written"));
        if !choice.may_start_unwritten() {
            return Err(Fault::new(
                Reason::Unspent,
                "the try could not be written and the slot is not confirmed",
            ));
        }
    }
    say_choice(firmware, choice, if written { choice.after } else { disk.layout.slots() });
    if !written {
        // No try is counted, so a slot that fails is started for ever: no faster than by hand.
        firmware.say(format_args!("no try was spent; going on in {} s", RESTART_AFTER.as_secs()));
        firmware.stall(RESTART_AFTER);
    } else if choice.rule != Rule::TriesLeft {
        // Every slot has failed as often as it may. What fails at once again must not wear out the disk in a loop.
        firmware.say(format_args!("no tries left anywhere; going on in {} s", RESTART_AFTER.as_secs()));
        firmware.stall(RESTART_AFTER);
    }
    let set =
        disk.layout.set(slot).ok_or_else(|| Fault::new(Reason::Unloadable, "the disk has no such slot"))?;
    let trial = !disk.layout.slots().get(slot).is_some_and(Flags::successful);
    // A slot that could not be loaded now is not what a restart would lead to.
    let left = skipped.iter().fold(SlotSet::EMPTY, |left, skip| left.with(skip.slot));
    let last_try = choose(&choice.after, left).is_some_and(|next| next.slot != slot);
    start(firmware, keys, &Candidate { slot, set, trial, last_try, skipped })
}

fn say_condition(firmware: &mut impl Firmware, condition: Condition) {
    match condition {
        Condition::Good => {}
        Condition::PrimaryDamaged(error) => {
            firmware.say(format_args!("primary table damaged ({error}); the backup counts and replaces it"));
        }
        Condition::BackupDamaged(error) => {
            firmware.say(format_args!("backup table damaged ({error}); the primary counts and replaces it"));
        }
        Condition::Differ => {
            firmware.say(format_args!("the tables differ; the primary counts and replaces the backup"));
        }
        Condition::DiskGrown => {
            firmware.say(format_args!("the disk has grown; the backup table moves to its end"));
        }
    }
}

/// `now`: the flags that are durable, as far as anybody knows.
fn say_choice(firmware: &mut impl Firmware, choice: &Choice, now: Slots) {
    let rule = match choice.rule {
        Rule::TriesLeft if now != choice.after => "highest priority with tries left, none spent",
        Rule::TriesLeft => "highest priority with tries left, one spent",
        Rule::Turns => "no tries left, slots take turns",
        Rule::Only => "no tries left and no other slot",
    };
    let flags = |slot| Shown(now.get(slot));
    firmware.say(format_args!(
        "slot {} starts: {rule}, flags A {}, B {}",
        choice.slot,
        flags(Slot::A),
        flags(Slot::B)
    ));
}

/// The flags of a slot in a line.
struct Shown(Option<Flags>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(flags) => write!(f, "{flags}"),
            None => f.write_str("none"),
        }
    }
}
