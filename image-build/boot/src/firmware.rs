//! What the selector needs of the machine.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use partition_core::{Entry, Geometry};

/// The machine before an operating system runs: the disk the selector came from, its BOOT partitions, a way to start
/// a kernel, a console, a clock.
pub trait Firmware {
    /// A kernel that the firmware has accepted but not started.
    type Image;

    /// The size of the disk.
    fn geometry(&self) -> Geometry;

    /// Whether the firmware starts only what a key of its own vouches for.
    fn secure_boot(&self) -> bool;

    /// Fills `sectors`, a whole number of them, from sector `lba` on.
    fn read(&mut self, lba: u64, sectors: &mut [u8]) -> Result<(), DeviceError>;

    /// Writes whole sectors from `lba` on.
    fn write(&mut self, lba: u64, sectors: &[u8]) -> Result<(), DeviceError>;

    /// Returns when everything written is durable.
    fn flush(&mut self) -> Result<(), DeviceError>;

    /// Reads a file of a BOOT partition whole. A file of another size than `expected` is refused before a byte of it is
    /// read.
    fn read_file(&mut self, boot: &Entry, name: FileName, expected: Expected) -> Result<Vec<u8>, FileError>;

    /// Hands the firmware a kernel; under Secure Boot it checks the kernel's own signature.
    fn load(&mut self, kernel: &[u8]) -> Result<Self::Image, StartError>;

    /// Lets the next kernel find this initrd, and no other.
    fn offer_initrd(&mut self, initrd: Vec<u8>) -> Result<(), StartError>;

    /// Takes back what was offered; must come before the next slot is tried, or its kernel would find the wrong one.
    fn withdraw_initrd(&mut self);

    /// Starts a kernel. Comes back only when that failed.
    fn start(&mut self, kernel: Self::Image, cmdline: &str) -> StartError;

    /// Shows one line on every console, without a line end in it.
    fn say(&mut self, line: fmt::Arguments<'_>);

    /// Time since the selector was started.
    fn elapsed(&mut self) -> Duration;

    /// Waits.
    fn stall(&mut self, time: Duration);

    /// Restarts the machine from cold. Fakes come back.
    fn reset(&mut self);
}

/// A file of a BOOT image; all lie in its root folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileName {
    /// `\boot.manifest`.
    Manifest,
    /// `\kernel`.
    Kernel,
    /// `\initrd`.
    Initrd,
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileName::Manifest => "boot.manifest",
            FileName::Kernel => "kernel",
            FileName::Initrd => "initrd",
        })
    }
}

/// How long a file may be, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Any length up to this one.
    AtMost(usize),
    /// This length, from a manifest whose signature holds.
    Exactly(u64),
}

impl Expected {
    /// Whether a file of `size` bytes is read at all.
    pub const fn takes(self, size: u64) -> bool {
        match self {
            Expected::AtMost(most) => size <= most as u64,
            Expected::Exactly(length) => size == length,
        }
    }
}

/// The disk did not do as told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceError;

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the disk reports an error")
    }
}

impl core::error::Error for DeviceError {}

/// Why a file of a BOOT partition was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileError {
    /// The firmware finds no FAT file system in the partition.
    NoFileSystem,
    /// The file system has no such file.
    Absent,
    /// The file has a length that is not expected; nothing of it was read.
    Length {
        /// Its size according to its folder.
        found: u64,
    },
    /// The file system ended before the file did, or an error came in between.
    Unreadable,
    /// The firmware has not enough memory for it.
    Memory,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileError::NoFileSystem => f.write_str("no file system"),
            FileError::Absent => f.write_str("no such file"),
            FileError::Length { found } => write!(f, "{found} bytes long"),
            FileError::Unreadable => f.write_str("unreadable"),
            FileError::Memory => f.write_str("not enough memory"),
        }
    }
}

/// Why the firmware did not start a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// Secure Boot is on and no key in the firmware vouches for it.
    SecureBoot,
    /// The firmware's answer (an `EFI_STATUS` without its error bit; 0 when a started kernel came back without one).
    Failed(usize),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::SecureBoot => f.write_str("the firmware refused the kernel's signature"),
            StartError::Failed(0) => f.write_str("the kernel came back"),
            StartError::Failed(status) => write!(f, "the firmware reports error {status}"),
        }
    }
}
