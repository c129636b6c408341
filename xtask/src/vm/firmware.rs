//! UEFI firmware and the machine around it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::machine::quoted;

/// The firmware of one machine, with variables of its own that outlive a restart.
#[derive(Debug)]
pub(crate) struct Firmware {
    kind: Kind,
    variables: PathBuf,
}

/// Which machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    #[default]
    #[serde(rename = "x86_64")]
    X86_64,
    #[serde(rename = "aarch64")]
    Aarch64,
    /// `x86_64` with Secure Boot enforced.
    SecureBoot,
    /// `x86_64` with the image for containers instead of the smallest one.
    Container,
    /// The same with the daemon instead of the timer, and releases that come while it runs.
    Unattended,
}

impl Kind {
    /// The architecture of its images.
    pub(crate) const fn arch(self) -> &'static str {
        match self {
            Kind::X86_64 | Kind::SecureBoot | Kind::Container | Kind::Unattended => "x86_64",
            Kind::Aarch64 => "aarch64",
        }
    }

    /// The word for it in scenarios.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Kind::SecureBoot => "secure_boot",
            Kind::Container => "container",
            Kind::Unattended => "unattended",
            Kind::X86_64 | Kind::Aarch64 => self.arch(),
        }
    }

    /// The recipe of its images.
    pub(crate) const fn variant(self) -> &'static str {
        match self {
            Kind::Container | Kind::Unattended => "container",
            Kind::X86_64 | Kind::SecureBoot | Kind::Aarch64 => "tiny",
        }
    }

    /// MiB of memory.
    pub(crate) const fn memory(self) -> u32 {
        match self {
            Kind::Container | Kind::Unattended => 1024,
            Kind::X86_64 | Kind::SecureBoot | Kind::Aarch64 => 512,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Kind::X86_64 | Kind::Container | Kind::Unattended => "/usr/share/OVMF/OVMF_CODE_4M.fd",
            Kind::SecureBoot => "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
            Kind::Aarch64 => "/usr/share/AAVMF/AAVMF_CODE.fd",
        }
    }

    /// Variables as they leave the factory; Secure Boot needs some with keys in them.
    pub(crate) const fn factory(self) -> &'static str {
        match self {
            Kind::X86_64 | Kind::SecureBoot | Kind::Container | Kind::Unattended => {
                "/usr/share/OVMF/OVMF_VARS_4M.fd"
            }
            Kind::Aarch64 => "/usr/share/AAVMF/AAVMF_VARS.fd",
        }
    }
}

impl Firmware {
    /// With fresh variables, or a copy of these, kept at `variables`.
    pub(crate) fn new(kind: Kind, variables: PathBuf, from: Option<&Path>) -> Result<Firmware> {
        let from = from.unwrap_or(Path::new(kind.factory()));
        std::fs::copy(from, &variables).with_context(|| format!("failed to copy {}", from.display()))?;
        Ok(Firmware { kind, variables })
    }

    pub(super) const fn program(&self) -> &'static str {
        match self.kind {
            Kind::X86_64 | Kind::SecureBoot | Kind::Container | Kind::Unattended => "qemu-system-x86_64",
            Kind::Aarch64 => "qemu-system-aarch64",
        }
    }

    pub(super) fn words(&self) -> Result<Vec<String>> {
        let machine: &[&str] = match self.kind {
            Kind::X86_64 | Kind::Container | Kind::Unattended => &["-machine", "q35", "-cpu", "max"],
            // Without system management mode a guest could write the variables behind the firmware's back.
            Kind::SecureBoot => &[
                "-machine",
                "q35,smm=on",
                "-cpu",
                "max",
                "-global",
                "driver=cfi.pflash01,property=secure,value=on",
            ],
            Kind::Aarch64 => &["-machine", "virt", "-cpu", "cortex-a72"],
        };
        let flash = [
            format!("if=pflash,format=raw,unit=0,readonly=on,file={}", self.kind.code()),
            format!("if=pflash,format=raw,unit=1,file={}", quoted(&self.variables)?),
        ];
        let flash = flash.into_iter().flat_map(|words| ["-drive".to_owned(), words]);
        Ok(machine.iter().map(|word| (*word).to_owned()).chain(flash).collect())
    }
}
