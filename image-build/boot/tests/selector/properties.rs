//! What holds for any disk: no panic, nothing unsigned, and every try on disk before the slot is looked at.

use partition_core::{Flags, Slot, SlotSet, Slots, choose};
use proptest::prelude::*;
use updog_boot::{FileError, FileName};

use crate::machine::{Copy, End, Machine, Signer, boot_files, edit_entry, flags};

/// Flags as they may stand on a disk, over any other bits.
fn any_flags() -> impl Strategy<Value = Flags> {
    (any::<u64>(), 0u8..=3, prop_oneof![0u8..=2, 0u8..=15], any::<bool>()).prop_map(
        |(bits, priority, tries, successful)| Flags::from_bits(bits).with(priority, tries, successful),
    )
}

/// Where bytes are changed, and to what.
type Changes = Vec<(prop::sample::Index, u8)>;

fn changes(most: usize) -> impl Strategy<Value = Changes> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..most)
}

fn apply(bytes: &mut [u8], changes: &Changes) {
    for (at, value) in changes {
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
    }
}

/// What stands in a file.
#[derive(Clone, Debug)]
enum Content {
    AsSigned,
    OfTheOtherSlot,
    SignedByAnother,
    Changed(Changes),
    Random(Vec<u8>),
    Gone,
    Error,
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        4 => Just(Content::AsSigned),
        1 => Just(Content::OfTheOtherSlot),
        1 => Just(Content::SignedByAnother),
        2 => changes(4).prop_map(Content::Changed),
        2 => prop::collection::vec(any::<u8>(), 0..4000).prop_map(Content::Random),
        1 => Just(Content::Gone),
        1 => Just(Content::Error),
    ]
}

fn fill(machine: &mut Machine, slot: Slot, name: FileName, content: &Content) {
    let signed = |slot: Slot, seed: u8| {
        boot_files(slot, &Signer::new(seed)).remove(&name).expect("all three are there")
    };
    let bytes = match content {
        Content::AsSigned => signed(slot, 1),
        Content::OfTheOtherSlot => signed(slot.other(), 1),
        Content::SignedByAnother => signed(slot, 9),
        Content::Changed(changes) => {
            let mut bytes = signed(slot, 1).expect("it is readable");
            apply(&mut bytes, changes);
            Ok(bytes)
        }
        Content::Random(bytes) => Ok(bytes.clone()),
        Content::Error => Err(FileError::Unreadable),
        Content::Gone => {
            machine.files(slot).remove(&name);
            return;
        }
    };
    machine.files(slot).insert(name, bytes);
}

fn filled(slots: Slots, contents: &[[Content; 3]; 2]) -> Machine {
    let mut machine = Machine::signed(slots, &Signer::new(1));
    for (slot, contents) in Slot::ALL.into_iter().zip(contents) {
        for (name, content) in
            [FileName::Manifest, FileName::Kernel, FileName::Initrd].into_iter().zip(contents)
        {
            fill(&mut machine, slot, name, content);
        }
    }
    machine
}

/// Only these two pairs were ever signed.
fn is_signed(kernel: &[u8], initrd: Option<&[u8]>) -> bool {
    [(b'A', b'a'), (b'B', b'b')].iter().any(|&(k, i)| kernel == [k; 3000] && initrd == Some(&[i; 2000]))
}

fn contents() -> impl Strategy<Value = [[Content; 3]; 2]> {
    let three = || [content(), content(), content()];
    [three(), three()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_unsigned_starts_and_nothing_panics(a in any_flags(), b in any_flags(), contents in contents()) {
        let mut machine = filled(Slots::new(Some(a), Some(b)), &contents);
        match machine.boot_up(&[Signer::new(1).key()]) {
            End::Runs(start) => prop_assert!(is_signed(&start.kernel, start.initrd.as_deref())),
            End::Restarted => prop_assert!(machine.said("no slot can start; restart in 30 s")),
            End::PowerCut => prop_assert!(false, "no power was cut"),
        }
        // Not even handed to the firmware.
        for start in machine.starts() {
            prop_assert!(is_signed(&start.kernel, start.initrd.as_deref()));
        }
    }

    #[test]
    fn the_try_is_durable_before_the_slot_is_looked_at(a in any_flags(), b in any_flags(), contents in contents()) {
        let before = Slots::new(Some(a), Some(b));
        let mut machine = filled(before, &contents);
        machine.boot_up(&[Signer::new(1).key()]);

        let (mut slots, mut tried) = (before, SlotSet::EMPTY);
        let mut asked = machine.asked.iter().peekable();
        while let Some(choice) = choose(&slots, tried) {
            let boot = machine.boot(choice.slot).unwrap().first_lba;
            let Some((first, _)) = asked.peek() else { break };
            prop_assert_eq!(*first, boot, "slots are looked at in the order of the rule");
            while let Some((_, durable)) = asked.next_if(|(first, _)| *first == boot) {
                prop_assert_eq!(*durable, Some(choice.after));
            }
            (slots, tried) = (choice.after, tried.with(choice.slot));
        }
        prop_assert!(asked.next().is_none(), "a slot was looked at that the rule does not name");
        prop_assert_eq!(flags(&machine.durable), Some(slots));
    }

    #[test]
    fn a_spoilt_table_never_panics_and_never_lets_anything_unsigned_in(
        contents in contents(), primary in changes(6), backup in changes(6), entries in prop::collection::vec((0usize..10, changes(12)), 0..4),
    ) {
        let mut machine = filled(Slots::new(Some(Flags::of(1, 7, true)), Some(Flags::of(2, 3, false))), &contents);
        // Entries that are wrong under checksums that hold …
        for (index, changes) in &entries {
            for copy in Copy::ALL {
                edit_entry(&mut machine.disk, copy, *index, |entry| apply(entry, changes));
            }
        }
        // … and bytes that are simply wrong.
        let end = machine.disk.len();
        apply(&mut machine.disk[512..512 + 4096], &primary);
        apply(&mut machine.disk[end - 4096..], &backup);
        machine.durable.clone_from(&machine.disk);
        if let End::Runs(start) = machine.boot_up(&[Signer::new(1).key()]) {
            prop_assert!(is_signed(&start.kernel, start.initrd.as_deref()));
        }
    }

    #[test]
    fn garbage_for_a_disk_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..40_000), power in 0u32..18) {
        let mut machine = Machine::new(bytes, 1 << power);
        prop_assert_eq!(machine.boot_up(&[Signer::new(1).key()]), End::Restarted);
    }
}
