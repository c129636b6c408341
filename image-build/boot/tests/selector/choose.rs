//! The rules of `choose`, seen from outside: which kernel runs, and what is durable on the disk before it does.

use crate::machine::{End, Event, Machine, Signer, flags};
use partition_core::{Flags, Rule, Slot, SlotSet, Slots, choose};
use updog_boot::RESTART_AFTER;

type Row = (u8, u8, u8);

fn slots(a: Row, b: Row) -> Slots {
    let flags = |(p, t, s): Row| Some(Flags::of(p, t, s == 1));
    Slots::new(flags(a), flags(b))
}

#[test]
fn every_rule() {
    let signer = Signer::new(1);
    // flags before → the slot that runs, flags that are durable
    let cases: &[(Row, Row, Option<Slot>, Row, Row)] = &[
        // factory; a confirmed slot spends one too
        ((1, 7, 1), (0, 0, 0), Some(Slot::A), (1, 6, 1), (0, 0, 0)),
        // armed
        ((1, 7, 1), (2, 3, 0), Some(Slot::B), (1, 7, 1), (2, 2, 0)),
        // the last try of a trial
        ((1, 7, 1), (2, 1, 0), Some(Slot::B), (1, 7, 1), (2, 0, 0)),
        // the trial is over
        ((1, 7, 1), (2, 0, 0), Some(Slot::A), (1, 6, 1), (2, 0, 0)),
        // a tie goes to the first
        ((2, 3, 1), (2, 3, 1), Some(Slot::A), (2, 2, 1), (2, 3, 1)),
        // nobody has tries: confirmed first, both get one, this one spends it
        ((2, 0, 0), (1, 0, 1), Some(Slot::B), (2, 1, 0), (1, 0, 1)),
        ((1, 0, 1), (2, 0, 1), Some(Slot::B), (1, 1, 1), (2, 0, 1)),
        // one only: it starts, nothing is written
        ((1, 0, 0), (0, 5, 1), Some(Slot::A), (1, 0, 0), (0, 5, 1)),
        // a half-written slot is never started
        ((0, 7, 1), (0, 7, 1), None, (0, 7, 1), (0, 7, 1)),
    ];
    for &(a, b, want, after_a, after_b) in cases {
        let mut machine = Machine::signed(slots(a, b), &signer);
        let end = machine.boot_up(&[signer.key()]);
        assert_eq!(end.slot(), want, "{a:?} {b:?}");
        assert_eq!(flags(&machine.durable), Some(slots(after_a, after_b)), "{a:?} {b:?}");
        let kernel = machine.starts().next().map(|start| start.kernel[0]);
        assert_eq!(kernel, want.map(|slot| if slot == Slot::A { b'A' } else { b'B' }), "{a:?} {b:?}");
    }
}

#[test]
fn all_small_tables_do_as_choose_says() {
    let signer = Signer::new(1);
    let rows = || (0..=2).flat_map(|p| (0..=2).flat_map(move |t| (0..=1).map(move |s| (p, t, s))));
    for a in rows() {
        for b in rows() {
            let before = slots(a, b);
            let mut machine = Machine::signed(before, &signer);
            let end = machine.boot_up(&[signer.key()]);
            let choice = choose(&before, SlotSet::EMPTY);
            if let (End::Runs(start), Some(choice)) = (&end, &choice) {
                let next = choose(&choice.after, SlotSet::EMPTY).map(|next| next.slot);
                let last = start.cmdline.contains(" updog.last_try=1");
                assert_eq!(last, next != Some(choice.slot), "{a:?} {b:?}");
                // Who has failed as often as it may does not go round faster than this.
                let waits = machine.events.contains(&Event::Stall(RESTART_AFTER));
                assert_eq!(waits, choice.rule != Rule::TriesLeft, "{a:?} {b:?}");
            }
            assert_eq!(end.slot(), choice.map(|choice| choice.slot), "{a:?} {b:?}");
            assert_eq!(
                flags(&machine.durable),
                Some(choice.map_or(before, |choice| choice.after)),
                "{a:?} {b:?}"
            );
            let writes = machine.events.contains(&Event::Write);
            assert_eq!(writes, choice.is_some_and(|choice| choice.writes), "{a:?} {b:?}");
        }
    }
}

#[test]
fn a_disk_with_one_slot_starts_it() {
    let signer = Signer::new(1);
    let mut machine = Machine::signed(Slots::new(Some(Flags::of(1, 7, true)), None), &signer);
    assert_eq!(machine.boot_up(&[signer.key()]).slot(), Some(Slot::A));
    assert!(
        machine.said("slot A starts: highest priority with tries left, one spent, flags A 1/6/1, B none")
    );
}

#[test]
fn the_command_line_in_full() {
    let signer = Signer::new(1);
    let mut machine = Machine::signed(slots((1, 7, 1), (2, 3, 0)), &signer);
    let End::Runs(start) = machine.boot_up(&[signer.key()]) else { panic!("a kernel runs") };
    // Slot B's partitions are numbers 4 to 6 of the test disk.
    let partuuid = fixtures::disk::partuuid;
    let hash = "ab".repeat(32);
    assert_eq!(
        start.cmdline,
        format!(
            "console=ttyS0 panic=10 quiet updog.slot=B updog.boot={} updog.root={} updog.hash={} updog.root_hash={hash} \
             updog.salt=5a17 updog.data_blocks=24576 updog.hash_offset=4096 updog.trial=1",
            partuuid(4),
            partuuid(5),
            partuuid(6)
        )
    );
    assert_eq!(start.initrd, Some(vec![b'b'; 2000]));
    assert_eq!(
        machine.lines,
        [
            "slot B starts: highest priority with tries left, one spent, flags A 1/7/1, B 2/2/0",
            "version 1.4.0 of tiny",
            "jump after 7 ms",
        ]
    );

    // Its last try: when it does not come up, A is next.
    let mut last = Machine::signed(slots((1, 7, 1), (2, 1, 1)), &signer);
    let End::Runs(start) = last.boot_up(&[signer.key()]) else { panic!("a kernel runs") };
    assert!(start.cmdline.ends_with(" updog.hash_offset=4096 updog.last_try=1"), "{}", start.cmdline);

    let mut confirmed = Machine::signed(slots((1, 7, 1), (0, 0, 0)), &signer);
    let End::Runs(start) = confirmed.boot_up(&[signer.key()]) else { panic!("a kernel runs") };
    for word in ["updog.trial", "updog.last_try"] {
        assert!(!start.cmdline.contains(word), "{}", start.cmdline);
    }
}
