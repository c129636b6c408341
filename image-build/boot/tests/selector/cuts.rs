//! A disk that fails, and power that goes, at every write and flush of the selector.

use std::time::Duration;

use partition_core::{Condition, Flags, Slot, SlotSet, Slots, choose};

use crate::machine::{Copy, End, Event, Fault, Machine, Signer, edit_entry, flags, table};

/// What the selector finds on the disk.
#[derive(Clone, Copy, Debug)]
enum Found {
    Good,
    PrimaryDamaged,
    BackupDamaged,
    Differ,
    Grown,
}

const ALL: [Found; 5] =
    [Found::Good, Found::PrimaryDamaged, Found::BackupDamaged, Found::Differ, Found::Grown];

fn machine(found: Found, slots: Slots, signer: &Signer) -> Machine {
    let mut machine = Machine::signed(slots, signer);
    let disk = &mut machine.disk;
    match found {
        Found::Good => {}
        Found::PrimaryDamaged => disk[512..1024].fill(0),
        Found::BackupDamaged => {
            let end = disk.len();
            disk[end - 512..].fill(0xff);
        }
        Found::Differ => edit_entry(disk, Copy::Backup, 0, |entry| entry[60] ^= 1),
        Found::Grown => disk.resize(disk.len() + (64 << 10), 0),
    }
    machine.durable.clone_from(&machine.disk);
    machine
}

fn armed() -> Slots {
    Slots::new(Some(Flags::of(1, 7, true)), Some(Flags::of(2, 3, false)))
}

/// Tables that spend a try, that take turns, and that write nothing but a repair.
fn tables() -> [Slots; 4] {
    [
        armed(),
        Slots::new(Some(Flags::of(1, 7, true)), Some(Flags::of(0, 0, false))),
        Slots::new(Some(Flags::of(1, 0, true)), Some(Flags::of(2, 0, false))),
        Slots::new(Some(Flags::of(1, 0, true)), Some(Flags::of(0, 0, false))),
    ]
}

/// How many writes and flushes the selector makes when nothing fails.
fn ops(machine: &Machine, signer: &Signer) -> usize {
    let mut machine = machine.clone();
    machine.boot_up(&[signer.key()]);
    machine.writes()
}

#[test]
fn what_is_wrong_with_the_table_is_said_and_put_right() {
    let signer = Signer::new(1);
    let words = [
        "",
        "primary table damaged (no signature)",
        "backup table damaged",
        "the tables differ",
        "the disk has grown",
    ];
    for slots in tables() {
        for (found, words) in ALL.into_iter().zip(words) {
            let mut machine = machine(found, slots, &signer);
            let choice = choose(&slots, SlotSet::EMPTY).unwrap();
            assert_eq!(machine.boot_up(&[signer.key()]).slot(), Some(choice.slot), "{found:?}");
            assert!(machine.said(words), "{found:?}: {:?}", machine.lines);
            let after = table(&machine.durable, 512).unwrap();
            assert_eq!(after.condition(), Condition::Good, "{found:?}");
            assert_eq!(after.layout().unwrap().slots(), choice.after, "{found:?}");
            let last = &machine.durable[machine.durable.len() - 512..];
            assert_eq!(&last[..8], b"EFI PART", "{found:?}: the backup is in the last sector");
        }
    }
}

#[test]
fn a_power_cut_at_every_write_leaves_a_table_and_a_slot() {
    let signer = Signer::new(1);
    let mut cuts = 0;
    for slots in tables() {
        for found in ALL {
            let start = machine(found, slots, &signer);
            let choice = choose(&slots, SlotSet::EMPTY).unwrap();
            for at in 0..ops(&start, &signer) {
                for share in [0, 1, 100, 255, 256] {
                    let mut cut = start.with(Fault::Power { at, share });
                    assert_eq!(cut.boot_up(&[signer.key()]), End::PowerCut);
                    assert!(cut.asked.is_empty(), "nothing of a slot is read before the flags are durable");
                    for disk in [&cut.durable, &cut.disk] {
                        let left = flags(disk)
                            .unwrap_or_else(|| panic!("no table: {found:?}, {slots:?}, {at}, {share}"));
                        assert!(
                            left == slots || left == choice.after,
                            "{found:?}, {slots:?}, {at}: {left:?}"
                        );
                        let next = choose(&left, SlotSet::EMPTY).unwrap().slot;
                        let mut again = Machine::new(disk.clone(), 512);
                        again.volumes.clone_from(&start.volumes);
                        assert_eq!(
                            again.boot_up(&[signer.key()]).slot(),
                            Some(next),
                            "{found:?}, {slots:?}, {at}"
                        );
                    }
                    cuts += 1;
                }
            }
        }
    }
    // 4 tables x 5 conditions; the last table writes only where there is something to repair.
    assert_eq!(cuts, (3 * 5 + 4) * 6 * 5);
}

#[test]
fn a_write_that_fails_starts_confirmed_slots_only_and_never_costs_the_table() {
    let signer = Signer::new(1);
    for slots in tables() {
        for found in ALL {
            let start = machine(found, slots, &signer);
            for at in 0..ops(&start, &signer) {
                for share in [0, 100, 256] {
                    let faults = [
                        Fault::Op { at, share, lasts: false },
                        Fault::Op { at, share, lasts: true },
                        Fault::Dies { at },
                    ];
                    for fault in faults {
                        let mut machine = start.with(fault);
                        let end = machine.boot_up(&[signer.key()]);
                        // Every table here has a confirmed slot to fall back to.
                        assert_eq!(end.slot(), Some(Slot::A), "{fault:?}, {found:?}, {slots:?}");
                        for disk in [&machine.durable, &machine.disk] {
                            assert!(flags(disk).is_some(), "no table: {fault:?}, {found:?}, {slots:?}");
                        }
                        assert!(machine.said("warning: the table could not be written"));
                        if fault == (Fault::Dies { at }) {
                            assert_eq!(
                                machine.writes(),
                                at,
                                "nothing is written from a table that may be stale"
                            );
                        }
                        if slots == armed() {
                            let End::Runs(start) = end else { unreachable!() };
                            assert!(start.cmdline.ends_with(" updog.skipped=B:unspent"), "{}", start.cmdline);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_trial_whose_try_cannot_be_written_is_not_started() {
    let signer = Signer::new(1);
    let trial_only = Slots::new(Some(Flags::of(0, 0, false)), Some(Flags::of(2, 3, false)));
    let start = machine(Found::Good, trial_only, &signer);
    for at in 0..6 {
        let mut machine = start.with(Fault::Op { at, share: 0, lasts: true });
        assert_eq!(machine.boot_up(&[signer.key()]), End::Restarted, "{at}");
        assert!(machine.asked.is_empty(), "nothing of it is even read");
    }
    // A disk that recovers: the next boot spends and starts.
    let mut machine = start.with(Fault::Op { at: 0, share: 0, lasts: true });
    machine.boot_up(&[signer.key()]);
    machine.fault = Fault::None;
    assert_eq!(machine.boot_up(&[signer.key()]).slot(), Some(Slot::B));
}

#[test]
fn a_disk_that_keeps_nothing_ends_the_trial_and_starts_what_is_confirmed_slowly() {
    let signer = Signer::new(1);
    for fault in [Fault::Forgets, Fault::Op { at: 0, share: 0, lasts: true }] {
        let mut machine = machine(Found::Good, armed(), &signer).with(fault);
        for _ in 0..3 {
            machine.lines.clear();
            let end = machine.boot_up(&[signer.key()]);
            assert_eq!(end.slot(), Some(Slot::A), "{fault:?}");
            assert!(machine.said("slot B skipped: unspent"), "{:?}", machine.lines);
            assert!(machine.said("none spent, flags A 1/7/1"), "{:?}", machine.lines);
            assert!(machine.events.contains(&Event::Stall(Duration::from_secs(30))));
            assert!(machine.said("no try was spent; going on in 30 s"), "{:?}", machine.lines);
        }
    }
}
