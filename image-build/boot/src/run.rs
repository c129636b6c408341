//! The order of things: read the table, choose, spend, load, start; next candidate; message and restart.

use alloc::vec::Vec;
use core::time::Duration;

use partition_core::{Choice, Condition, Flags, Rule, Slot, SlotSet, Slots, choose};

use crate::load::{Candidate, start};
use crate::skip::Fault;
use crate::spend::Disk;
use crate::{DeviceError, Firmware, Key, Reason, Skip};

/// How long the last message stays before the machine restarts: no loop is faster than this.
pub const RESTART_AFTER: Duration = Duration::from_secs(30);

/// Starts a slot; when none can be started, says so, waits for [`RESTART_AFTER`] and restarts the machine.
pub fn run(firmware: &mut impl Firmware, keys: &[Key]) {
    if keys.iter().any(|key| key.test) {
        firmware.say(format_args!("warning: built with test keys, anybody can sign for this machine"));
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
        let slot = choice.slot;
        tried = tried.with(slot);
        let spent = spend(firmware, &disk, &choice);
        say_choice(firmware, &choice, spent);
        let fault = match (spent, disk.layout.set(slot)) {
            (Err(DeviceError), _) if !choice.may_start_unwritten() => {
                Fault::new(Reason::Unspent, "the try could not be written and the slot is not confirmed")
            }
            (_, Some(set)) => {
                let trial = !disk.layout.slots().get(slot).is_some_and(Flags::successful);
                let candidate = Candidate { slot, set, trial, skipped: &skipped };
                match start(firmware, keys, &candidate) {
                    Ok(never) => match never {},
                    Err(fault) => fault,
                }
            }
            // `choose` names slots of the layout only.
            (_, None) => continue,
        };
        let skip = fault.of(slot);
        firmware.say(format_args!("slot {slot} skipped: {}: {}", skip.reason, skip.detail));
        skipped.push(skip);
        // What is on disk now decides, not what should be there: a write may have stopped half-way, and the next one
        // must not touch the only whole copy. When it cannot be read any more, the old one still tells who is confirmed.
        if let Some(fresh) = Disk::read(firmware) {
            disk = fresh;
        }
    }
}

/// Makes the choice durable; a damaged copy is repaired also when no try is spent.
fn spend(firmware: &mut impl Firmware, disk: &Disk, choice: &Choice) -> Result<(), DeviceError> {
    if choice.writes || disk.needs_repair() { disk.spend(firmware, choice) } else { Ok(()) }
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
            firmware.say(format_args!("the tables differ; the primary counts and replaces the backup"))
        }
        Condition::DiskGrown => {
            firmware.say(format_args!("the disk has grown; the backup table moves to its end"))
        }
    }
}

fn say_choice(firmware: &mut impl Firmware, choice: &Choice, spent: Result<(), DeviceError>) {
    let Choice { slot, rule, after, .. } = choice;
    if spent.is_err() {
        firmware.say(format_args!("warning: the table could not be written"));
    }
    let rule = match rule {
        Rule::TriesLeft => "highest priority with tries left, one spent",
        Rule::Turns => "no tries left, slots take turns",
        Rule::Only => "no tries left and no other slot",
    };
    let Shown(a, b) = Shown::of(after);
    firmware.say(format_args!("slot {slot} starts: {rule}, flags A {a}, B {b}"));
}

/// The flags of both slots for a line.
struct Shown(Text, Text);

struct Text(Option<Flags>);

impl Shown {
    fn of(slots: &Slots) -> Shown {
        Shown(Text(slots.get(Slot::A)), Text(slots.get(Slot::B)))
    }
}

impl core::fmt::Display for Text {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Some(flags) => write!(f, "{flags}"),
            None => f.write_str("none"),
        }
    }
}
