//! What a program is for.

use std::path::Path;

use crate::{Arch, Error};

/// How a program is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// By firmware: an EFI program.
    Pe,
    /// By Linux.
    Elf,
}

impl Format {
    /// As messages name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Pe => "an EFI program",
            Format::Elf => "an ELF program",
        }
    }
}

/// Format and architecture, if the header tells: `e_machine` of an ELF file (gABI), `Machine` of a PE file (Microsoft's
/// PE/COFF, 2 and 3.3).
pub(crate) fn machine(program: &[u8]) -> Option<(Format, Arch)> {
    let short = |at: usize| Some(u16::from_le_bytes(*program.get(at..)?.first_chunk()?));
    let long = |at: usize| Some(u32::from_le_bytes(*program.get(at..)?.first_chunk()?));
    if program.starts_with(b"\x7fELF") {
        return match short(18)? {
            62 => Some((Format::Elf, Arch::X86_64)),
            183 => Some((Format::Elf, Arch::Aarch64)),
            _ => None,
        };
    }
    let header = usize::try_from(long(0x3c)?).ok()?;
    if !program.starts_with(b"MZ") || !program.get(header..)?.starts_with(b"PE\0\0") {
        return None;
    }
    match short(header.checked_add(4)?)? {
        0x8664 => Some((Format::Pe, Arch::X86_64)),
        0xaa64 => Some((Format::Pe, Arch::Aarch64)),
        _ => None,
    }
}

/// Refuses a program of the chain that boots when it cannot be started there.
pub(crate) fn starts(path: &Path, program: &[u8], format: Format, arch: Arch) -> Result<(), Error> {
    match machine(program) {
        Some(found) if found == (format, arch) => Ok(()),
        Some((found, other)) if found == format => {
            Err(Error::OtherMachine { path: path.to_owned(), arch, found: other })
        }
        _ => Err(Error::NoStart { path: path.to_owned(), expected: format.name(), arch }),
    }
}
