//! The two slots and the three parts of a set.

use core::fmt;
use core::str::FromStr;

/// One of the two slots. In table order the first partition of each type belongs to A, the second to B.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// The first of each type.
    A,
    /// The second of each type.
    B,
}

impl Slot {
    /// Both slots in table order.
    pub const ALL: [Slot; 2] = [Slot::A, Slot::B];

    /// The slot that is not this one.
    #[must_use]
    pub const fn other(self) -> Slot {
        match self {
            Slot::A => Slot::B,
            Slot::B => Slot::A,
        }
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Slot::A => 0,
            Slot::B => 1,
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Slot::A => "A",
            Slot::B => "B",
        })
    }
}

impl FromStr for Slot {
    type Err = ParseSlotError;

    fn from_str(text: &str) -> Result<Slot, ParseSlotError> {
        match text {
            "A" | "a" => Ok(Slot::A),
            "B" | "b" => Ok(Slot::B),
            _ => Err(ParseSlotError),
        }
    }
}

/// Text that names no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseSlotError;

impl fmt::Display for ParseSlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed to parse a slot: expected A or B")
    }
}

impl core::error::Error for ParseSlotError {}

/// A set of slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SlotSet(u8);

impl SlotSet {
    /// No slot.
    pub const EMPTY: SlotSet = SlotSet(0);

    /// This set and `slot`.
    #[must_use]
    pub const fn with(self, slot: Slot) -> SlotSet {
        SlotSet(self.0 | 1 << slot.index())
    }

    /// Whether `slot` is in the set.
    pub const fn contains(self, slot: Slot) -> bool {
        self.0 >> slot.index() & 1 == 1
    }

    /// Whether the set holds no slot.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The slots of the set in table order.
    pub fn iter(self) -> impl Iterator<Item = Slot> {
        Slot::ALL.into_iter().filter(move |&slot| self.contains(slot))
    }
}

/// A part of a slot's set of partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Kernel and initrd; carries the flags.
    Boot,
    /// The root file system.
    Root,
    /// The dm-verity tree.
    Hash,
}

impl Part {
    /// The parts in the order in which they are named everywhere.
    pub const ALL: [Part; 3] = [Part::Boot, Part::Root, Part::Hash];

    /// `boot`, `root` or `hash`.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Boot => "boot",
            Part::Root => "root",
            Part::Hash => "hash",
        }
    }

    /// The partition type of the part.
    pub const fn kind(self) -> crate::Guid {
        match self {
            Part::Boot => crate::kind::BOOT,
            Part::Root => crate::kind::ROOT,
            Part::Hash => crate::kind::HASH,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
