//! Priority, tries and successful: three fields in the attribute bits of a BOOT entry.

use crate::Slot;

/// On the PRIVATE entry: a boot has ever succeeded on this disk.
pub const BOOT_EVER_SUCCEEDED: u64 = 1 << 57;

/// The attribute bits of one BOOT entry.
///
/// Bits 48–51 hold the priority (0 = never start), 52–55 the tries left, 56 whether the slot was confirmed. A change
/// of one field keeps every other bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags(u64);

impl Flags {
    /// The flags in these attribute bits.
    pub const fn from_bits(bits: u64) -> Flags {
        Flags(bits)
    }

    /// `priority/tries/successful` with all other bits clear; larger values than 15 are cut to 15.
    pub const fn of(priority: u8, tries: u8, successful: bool) -> Flags {
        Flags(0).with(priority, tries, successful)
    }

    /// The attribute bits, ours and all others.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// 0 = never; the higher goes first.
    pub const fn priority(self) -> u8 {
        (self.0 >> PRIORITY & FIELD) as u8
    }

    /// Boots left before the slot counts as tried out.
    pub const fn tries(self) -> u8 {
        (self.0 >> TRIES & FIELD) as u8
    }

    /// Whether the slot was confirmed.
    pub const fn successful(self) -> bool {
        self.0 >> SUCCESSFUL & 1 == 1
    }

    /// These bits with another priority, cut to 15.
    #[must_use]
    pub const fn with_priority(self, priority: u8) -> Flags {
        Flags(self.0 & !(FIELD << PRIORITY) | nibble(priority) << PRIORITY)
    }

    /// These bits with other tries, cut to 15.
    #[must_use]
    pub const fn with_tries(self, tries: u8) -> Flags {
        Flags(self.0 & !(FIELD << TRIES) | nibble(tries) << TRIES)
    }

    /// These bits with another verdict.
    #[must_use]
    pub const fn with_successful(self, successful: bool) -> Flags {
        Flags(self.0 & !(1 << SUCCESSFUL) | (successful as u64) << SUCCESSFUL)
    }

    /// These bits with all three fields replaced.
    #[must_use]
    pub const fn with(self, priority: u8, tries: u8, successful: bool) -> Flags {
        self.with_priority(priority).with_tries(tries).with_successful(successful)
    }

    /// These bits as 0/0/0.
    #[must_use]
    pub const fn cleared(self) -> Flags {
        self.with(0, 0, false)
    }
}

/// `priority/tries/successful`, as in `2/3/0`.
impl core::fmt::Display for Flags {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}/{}/{}", self.priority(), self.tries(), u8::from(self.successful()))
    }
}

/// The flags of both slots; a disk may have one slot only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slots([Option<Flags>; 2]);

impl Slots {
    /// Slots with these flags; `None` where the disk has no such slot.
    pub const fn new(a: Option<Flags>, b: Option<Flags>) -> Slots {
        Slots([a, b])
    }

    /// The flags of `slot`, if the disk has it.
    pub const fn get(&self, slot: Slot) -> Option<Flags> {
        self.0[slot.index()]
    }

    /// The slots with other flags for `slot`.
    #[must_use]
    pub const fn with(mut self, slot: Slot, flags: Flags) -> Slots {
        self.0[slot.index()] = Some(flags);
        self
    }

    /// The slots of the disk in table order.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, Flags)> {
        Slot::ALL.into_iter().filter_map(|slot| self.get(slot).map(|flags| (slot, flags)))
    }
}

const fn nibble(value: u8) -> u64 {
    if value > 15 { 15 } else { value as u64 }
}

const PRIORITY: u32 = 48;
const TRIES: u32 = 52;
const SUCCESSFUL: u32 = 56;
const FIELD: u64 = 0xf;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_change_keeps_every_other_bit(bits: u64, priority in 0u8..=15, tries in 0u8..=15, successful: bool) {
            let flags = Flags::from_bits(bits).with(priority, tries, successful);
            prop_assert_eq!((flags.priority(), flags.tries(), flags.successful()), (priority, tries, successful));
            let ours = 0x1ff << 48;
            prop_assert_eq!(flags.bits() & !ours, bits & !ours);
            prop_assert_eq!(Flags::of(priority, tries, successful).bits() & !ours, 0);
        }
    }

    #[test]
    fn too_large_a_value_spills_nowhere() {
        assert_eq!(Flags::of(255, 255, false), Flags::of(15, 15, false));
    }
}
