//! The machines that images are built for.

use std::fmt;
use std::str::FromStr;

/// A CPU architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// 64-bit PC.
    X86_64,
    /// 64-bit Arm.
    Aarch64,
}

impl Arch {
    /// All of them.
    pub const ALL: [Arch; 2] = [Arch::X86_64, Arch::Aarch64];

    /// As it stands in releases and Rust targets.
    pub const fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Aarch64 => "aarch64",
        }
    }

    /// Debian's name.
    pub const fn debian(self) -> &'static str {
        match self {
            Arch::X86_64 => "amd64",
            Arch::Aarch64 => "arm64",
        }
    }

    /// The file that firmware starts from an EFI system partition when nothing else is named (UEFI 2.10, 3.5.1.1).
    pub const fn removable_loader(self) -> &'static str {
        match self {
            Arch::X86_64 => "BOOTX64.EFI",
            Arch::Aarch64 => "BOOTAA64.EFI",
        }
    }

    /// The first serial port, as the kernel calls it.
    pub const fn console(self) -> &'static str {
        match self {
            Arch::X86_64 => "ttyS0",
            Arch::Aarch64 => "ttyAMA0",
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Arch {
    type Err = ParseArchError;

    fn from_str(text: &str) -> Result<Arch, ParseArchError> {
        let known = Arch::ALL.into_iter().find(|arch| text == arch.name() || text == arch.debian());
        known.ok_or_else(|| ParseArchError(text.to_owned()))
    }
}

/// No architecture that images are built for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected x86_64 or aarch64, found {0:?}")]
pub struct ParseArchError(String);
