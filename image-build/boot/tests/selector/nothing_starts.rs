//! When nothing can be started: the message, half a minute, a cold reset; and never a panic.

use std::time::Duration;

use partition_core::{Flags, Guid, Slots};
use updog_boot::Key;

use crate::machine::{Copy, End, Event, Machine, Signer, edit_entry, layout, table};

/// The machine says so last, waits, and restarts; nothing else happens after.
fn gives_up(machine: &mut Machine, keys: &[Key]) {
    assert_eq!(machine.boot_up(keys), End::Restarted);
    assert_eq!(machine.lines.last().map(String::as_str), Some("no slot can start; restart in 30 s"));
    let end = &machine.events[machine.events.len() - 2..];
    assert_eq!(end, [Event::Stall(Duration::from_secs(30)), Event::Reset]);
    assert_eq!(machine.starts().count(), 0);
}

fn both() -> Slots {
    Slots::new(Some(Flags::of(1, 7, true)), Some(Flags::of(2, 3, false)))
}

#[test]
fn no_slot_has_a_priority() {
    let signer = Signer::new(1);
    let none = Slots::new(Some(Flags::of(0, 7, true)), Some(Flags::of(0, 3, true)));
    gives_up(&mut Machine::signed(none, &signer), &[signer.key()]);
}

#[test]
fn both_slots_are_empty() {
    let signer = Signer::new(1);
    let mut machine = Machine::signed(both(), &signer);
    machine.volumes.clear();
    gives_up(&mut machine, &[signer.key()]);
    assert!(machine.said("slot A skipped: unloadable"));
    assert!(machine.said("slot B skipped: unloadable"));
}

#[test]
fn no_key_starts_nothing() {
    let signer = Signer::new(1);
    gives_up(&mut Machine::signed(both(), &signer), &[]);
}

#[test]
fn a_test_key_is_confessed_on_every_boot() {
    let signer = Signer::new(1);
    let mut machine = Machine::signed(both(), &signer);
    machine.boot_up(&[Key { test: true, ..signer.key() }]);
    assert!(machine.said("warning: built with test keys"));
    let mut machine = Machine::signed(both(), &signer);
    machine.boot_up(&[signer.key()]);
    assert!(!machine.said("test keys"));
}

#[test]
fn secure_boot_is_told_of() {
    let signer = Signer::new(1);
    for secure_boot in [true, false] {
        let mut machine = Machine::signed(both(), &signer);
        machine.secure_boot = secure_boot;
        machine.boot_up(&[signer.key()]);
        assert_eq!(machine.said("Secure Boot is on"), secure_boot);
    }
}

#[test]
fn no_table() {
    let signer = Signer::new(1);
    for (sector_size, length) in
        [(512, 0), (512, 1 << 20), (4096, 1 << 20), (0, 1 << 20), (u32::MAX, 1 << 20), (512, 600)]
    {
        let mut machine = Machine::new(vec![0; length], sector_size.max(1));
        machine.sector_size = sector_size.max(1);
        gives_up(&mut machine, &[signer.key()]);
        assert!(machine.said("failed to"), "{:?}", machine.lines);
    }
}

#[test]
fn a_table_without_slots() {
    let signer = Signer::new(1);
    let mut machine = Machine::signed(both(), &signer);
    // A third BOOT partition: nobody can tell which two are meant.
    let spec = fixtures::disk::DiskSpec { slots: both(), foreign: 1, ..Default::default() };
    machine.disk = spec.build();
    let foreign = Guid::from_bytes([0xf0; 16]);
    let table = table(&machine.disk, 512).unwrap();
    let at = table.entries().find(|entry| entry.type_guid == foreign).unwrap().index;
    for copy in Copy::ALL {
        edit_entry(&mut machine.disk, copy, at, |entry| entry[..16].copy_from_slice(b"hack the planet!"));
    }
    assert!(layout(&machine.disk, 512).is_none());
    gives_up(&mut machine, &[signer.key()]);
    assert!(machine.said("expected at most 2 BOOT partitions, found 3"), "{:?}", machine.lines);
}
