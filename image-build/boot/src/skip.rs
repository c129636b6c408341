//! Why a slot was left in this firmware run.

use alloc::format;
use alloc::string::String;
use core::fmt;

use partition_core::Slot;

use crate::{FileError, FileName, StartError};

/// The word for it, as the slot that is started instead finds it on its command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// No file system, a file missing or unreadable, or the firmware could not start the kernel.
    Unloadable,
    /// The boot manifest is absent, malformed, or for another machine.
    Manifest,
    /// No signature under the boot manifest is by a key held here.
    Signature,
    /// The kernel is not the one that was signed.
    Kernel,
    /// The initrd is not the one that was signed.
    Initrd,
    /// The firmware refused the kernel's own signature.
    SecureBoot,
    /// The try could not be written, and a slot on trial that spends none would never end.
    Unspent,
}

impl Reason {
    /// The word on the command line and on the console.
    pub const fn word(self) -> &'static str {
        match self {
            Reason::Unloadable => "unloadable",
            Reason::Manifest => "manifest",
            Reason::Signature => "signature",
            Reason::Kernel => "kernel",
            Reason::Initrd => "initrd",
            Reason::SecureBoot => "secure_boot",
            Reason::Unspent => "unspent",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A slot that was left, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The slot.
    pub slot: Slot,
    /// The word.
    pub reason: Reason,
    /// What exactly, for the console.
    pub detail: String,
}

/// A reason with its detail, not yet tied to a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
}

impl Fault {
    pub(crate) fn new(reason: Reason, detail: impl fmt::Display) -> Fault {
        Fault { reason, detail: format!("{detail}") }
    }

    /// A file that was not read. `wrong` is the word for one that is there but not the right one.
    pub(crate) fn file(name: FileName, error: FileError, wrong: Reason) -> Fault {
        let reason = match (name, error) {
            (_, FileError::Length { .. }) | (FileName::Manifest, FileError::Absent) => wrong,
            _ => Reason::Unloadable,
        };
        Fault::new(reason, format_args!("{name}: {error}"))
    }

    pub(crate) fn of(self, slot: Slot) -> Skip {
        Skip { slot, reason: self.reason, detail: self.detail }
    }
}

impl From<StartError> for Fault {
    fn from(error: StartError) -> Fault {
        let reason = match error {
            StartError::SecureBoot => Reason::SecureBoot,
            StartError::Failed(_) => Reason::Unloadable,
        };
        Fault::new(reason, error)
    }
}
