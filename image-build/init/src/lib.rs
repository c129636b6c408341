//! Init of the initramfs: from the kernel's command line to the slot's root, checked by dm-verity.
//!
//! Everything is decided by the command line, which the selector made from a signed manifest; nothing is read from the
//! slot before verity covers it. What fails ends in a restart with a reason, but for PRIVATE and DATA: a host without
//! them still runs, on a tmpfs that says so. The order of the steps is told in docs/init.md.
//!
//! * `cmdline`: what the command line says; `verity`, `mapper`: the device-mapper table that follows from it.
//! * `disk`: which partitions those are; `lasting`, `plain`, `mounts`, `factory`, `mark`: the files around the root.
//! * [`boot()`]: the steps, one after the other.

mod boot;
mod cmdline;
mod console;
mod disk;
mod error;
mod factory;
mod last_words;
mod lasting;
mod machine_id;
mod mapper;
mod mark;
mod modules;
mod mounts;
mod plain;
mod verity;
mod watchdog;

pub use boot::boot;
use cmdline::{CmdlineError, Words};
use error::{Error, Result};
