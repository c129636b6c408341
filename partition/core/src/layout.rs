//! Which partitions belong to which slot.

use alloc::vec::Vec;
use core::fmt;

use crate::{Entry, Flags, Guid, Part, Slot, Slots, kind};

/// The partitions of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Kernel and initrd, and the slot's flags.
    pub boot: Entry,
    /// The root file system.
    pub root: Entry,
    /// The dm-verity tree.
    pub hash: Entry,
}

impl Set {
    /// The partition of `part`.
    pub fn part(&self, part: Part) -> &Entry {
        match part {
            Part::Boot => &self.boot,
            Part::Root => &self.root,
            Part::Hash => &self.hash,
        }
    }
}

/// The partitions of a host's disk: the n-th of each type in table order belongs to slot A, B.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The set of slot A.
    pub a: Set,
    /// The set of slot B; a disk with one slot can be shown, but not updated.
    pub b: Option<Set>,
    /// The host's own state.
    pub private: Option<Entry>,
    /// Everything that grows.
    pub data: Option<Entry>,
}

impl Layout {
    /// Sorts entries in table order into sets.
    pub fn of(entries: impl Iterator<Item = Entry>) -> Result<Layout, LayoutError> {
        let entries: Vec<Entry> = entries.collect();
        let of_kind = |kind: Guid| entries.iter().filter(move |entry| entry.type_guid == kind);
        for kind in [kind::BOOT, kind::ROOT, kind::HASH] {
            let found = of_kind(kind).count();
            if found > 2 {
                return Err(LayoutError::TooMany { kind, found });
            }
        }
        let set = |slot: Slot| {
            let part = |part: Part| {
                let entry = of_kind(part.kind()).nth(slot.index());
                entry.cloned().ok_or(LayoutError::Missing { slot, part })
            };
            Ok(Set { boot: part(Part::Boot)?, root: part(Part::Root)?, hash: part(Part::Hash)? })
        };
        let a = set(Slot::A)?;
        let one_slot = Part::ALL.iter().all(|part| of_kind(part.kind()).count() == 1);
        let b = if one_slot { None } else { Some(set(Slot::B)?) };
        let first = |kind: Guid| of_kind(kind).next().cloned();
        let layout = Layout { a, b, private: first(kind::PRIVATE), data: first(kind::DATA) };
        layout.check_places(&entries)?;
        Ok(layout)
    }

    /// The flags of both slots.
    pub fn slots(&self) -> Slots {
        let flags = |set: &Set| Flags::from_bits(set.boot.attributes);
        Slots::new(Some(flags(&self.a)), self.b.as_ref().map(flags))
    }

    /// The set of `slot`, if the disk has it.
    pub fn set(&self, slot: Slot) -> Option<&Set> {
        match slot {
            Slot::A => Some(&self.a),
            Slot::B => self.b.as_ref(),
        }
    }

    /// The partition of `part` in `slot`.
    pub fn part(&self, slot: Slot, part: Part) -> Option<&Entry> {
        self.set(slot).map(|set| set.part(part))
    }

    /// The slot and part of the partition with this place in the table.
    pub fn find(&self, index: usize) -> Option<(Slot, Part)> {
        let parts = Slot::ALL.into_iter().flat_map(|slot| Part::ALL.map(|part| (slot, part)));
        parts
            .into_iter()
            .find(|&(slot, part)| self.part(slot, part).is_some_and(|entry| entry.index == index))
    }

    /// No part of a set may be empty or share a sector with any other partition: a write to one slot must not be able
    /// to reach the other.
    fn check_places(&self, entries: &[Entry]) -> Result<(), LayoutError> {
        for slot in Slot::ALL {
            for part in Part::ALL {
                let Some(entry) = self.part(slot, part) else { continue };
                if entry.sectors() == 0 || entry.first_lba == 0 {
                    return Err(LayoutError::Empty { slot, part });
                }
                let shared = |other: &&Entry| {
                    other.index != entry.index && other.meets(entry.first_lba, entry.last_lba)
                };
                if let Some(other) = entries.iter().find(shared) {
                    return Err(LayoutError::Overlap { slot, part, index: other.index });
                }
            }
        }
        Ok(())
    }
}

/// A table that is valid but has no usable slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutError {
    /// More than two partitions of a type that belongs to a set.
    TooMany {
        /// The type.
        kind: Guid,
        /// How many there are.
        found: usize,
    },
    /// A slot lacks a partition.
    Missing {
        /// The slot.
        slot: Slot,
        /// The part it lacks.
        part: Part,
    },
    /// A partition ends before it starts.
    Empty {
        /// The slot.
        slot: Slot,
        /// The part.
        part: Part,
    },
    /// A partition shares sectors with another one.
    Overlap {
        /// The slot.
        slot: Slot,
        /// The part.
        part: Part,
        /// The other partition's place in the table, from 0.
        index: usize,
    },
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayoutError::TooMany { kind, found } => {
                let name = kind::name(*kind).unwrap_or("unknown");
                write!(
                    f,
                    "failed to tell the slots apart: expected at most 2 {name} partitions, found {found}"
                )
            }
            LayoutError::Missing { slot, part } => {
                write!(f, "failed to find the {part} partition of slot {slot} (type {})", part.kind())
            }
            LayoutError::Empty { slot, part } => {
                write!(f, "failed to accept the {part} partition of slot {slot}: it ends before it starts")
            }
            LayoutError::Overlap { slot, part, index } => {
                let number = index.saturating_add(1);
                write!(
                    f,
                    "failed to accept the {part} partition of slot {slot}: it overlaps partition {number}"
                )
            }
        }
    }
}

impl core::error::Error for LayoutError {}
