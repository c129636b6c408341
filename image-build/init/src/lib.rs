//! Init of the initramfs: from the kernel's command line to the slot's root, checked by dm-verity.
//!
//! Everything is decided by the command line, which the selector made from a signed manifest; nothing is read from the
//! slot before verity covers it. What fails ends in a restart with a reason, but for PRIVATE and DATA: a host without
//! them still runs, on a tmpfs that says so. The order of the steps is told in docs/init.md.
//!
//! * [`Words`]: what the command line says; [`verity`]: the device-mapper table that follows from it.
//! * [`disk`]: which partitions those are; [`mounts`], [`factory`], [`mark`]: the files around the root.
//! * [`boot()`]: the steps, one after the other.

mod boot;
mod cmdline;
pub mod console;
pub mod disk;
mod error;
pub mod factory;
mod last_words;
mod lasting;
pub mod machine_id;
pub mod mapper;
pub mod mark;
mod modules;
pub mod mounts;
mod plain;
pub mod verity;
mod watchdog;

pub use boot::boot;
pub use cmdline::{CmdlineError, Words};
pub use error::{Error, Result};
