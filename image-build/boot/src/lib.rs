//! The slot selector: what stands between the firmware and a slot's kernel.
//!
//! [`run()`] holds every decision and sees the machine through [`Firmware`] only, so that all of it is tested on a host.
//! The binary is the UEFI half: it implements [`Firmware`] and nothing else. What happens in which order, and what this
//! protects against, is told in docs/boot.md.
#![no_std]

extern crate alloc;

mod cmdline;
mod firmware;
mod keys;
mod load;
mod run;
mod signature;
mod skip;
mod spend;

pub use cmdline::{CommandLine, MAX_KERNEL_CMDLINE};
pub use firmware::{DeviceError, Expected, FileError, FileName, Firmware, StartError};
pub use keys::{KEYS, Key, key_id};
pub use run::{RESTART_AFTER, run};
pub use signature::signed_by;
pub use skip::{Reason, Skip};
