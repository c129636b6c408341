//! Slot flags, the boot rule and GPT tables as data.
//!
//! Nothing here reads or writes a device: sectors come in through a closure and leave as [`Op`]s in the order in
//! which they must be written. The firmware's selector and the host's `status` call the same [`choose()`].
#![no_std]

extern crate alloc;

pub mod bottlerocket;
mod choose;
mod flags;
mod guid;
mod layout;
mod slot;
mod table;
mod tries;
pub mod verbs;

pub use choose::{Choice, Rule, bootable, choose};
pub use flags::{BOOT_EVER_SUCCEEDED, Flags, Slots};
pub use guid::{Guid, ParseGuidError, kind};
pub use layout::{Layout, LayoutError, Set};
pub use slot::{ParseSlotError, Part, Slot, SlotSet};
pub use table::{Condition, CopyError, Entry, Geometry, Op, ReadError, Table};
pub use tries::{Tries, TriesError};
pub use verbs::{ArmedBy, Refusal, Standing};
