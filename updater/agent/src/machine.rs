//! The machine below: its disk, the slot that runs, this boot, the release that runs.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use partition_core::{Slot, Standing};
use partition_disk::discover::{self, DiscoverError, Running};
use partition_disk::{Access, Disk, confirmed};
use release::Version;

use crate::state::file;
use crate::{Error, Result};

/// Where variant and version are named.
pub const OS_RELEASE: &str = "/usr/lib/os-release";

/// A live host, or a disk image that is said to be one.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// `--disk`, else the configured disk; `None`: the disk below `/`.
    pub disk: Option<PathBuf>,
    /// `--booted`: which slot of a disk image counts as running.
    pub booted: Option<Slot>,
    /// `--boot-id`.
    pub boot_id: Option<String>,
    /// `--os-release`.
    pub os_release: Option<PathBuf>,
    /// `--sysroot`: where the running system's files are; `None`: at `/` on a live host, nowhere for a disk image.
    pub sysroot: Option<PathBuf>,
}

/// What os-release says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OsRelease {
    /// `VARIANT_ID`.
    pub variant: Option<String>,
    /// `VERSION_ID`.
    pub version: Option<Version>,
}

impl Machine {
    /// The disk.
    pub fn open(&self, access: Access) -> Result<Disk> {
        let path = match &self.disk {
            Some(path) => path.clone(),
            None => live()?.disk,
        };
        Disk::open(&path, access).map_err(Error::disk(format!("open disk {}", path.display())))
    }

    /// The slot that runs. A disk image does not tell; `--booted` does.
    pub fn running(&self) -> Result<Slot> {
        match (self.booted, self.is_live()) {
            (None, true) => Ok(live()?.slot),
            (None, false) => Err(Error::Booted),
            // What is said must be what is.
            (Some(booted), true) => match live()?.slot {
                slot if slot == booted => Ok(slot),
                slot => Err(Error::Usage(format!("--booted {booted} is wrong: this host runs slot {slot}"))),
            },
            (Some(booted), false) => Ok(booted),
        }
    }

    /// Whether the running slot was confirmed in this boot. A disk image has no boot, so there it always was.
    pub fn standing(&self) -> Standing {
        if !self.is_live() {
            return Standing::ConfirmedThisBoot;
        }
        match self.boot_id() {
            Some(now) if confirmed::in_boot(&now) => Standing::ConfirmedThisBoot,
            _ => Standing::NotThisBoot,
        }
    }

    /// Notes that the running slot is confirmed in this boot, in a folder that does not outlive it.
    pub fn mark_confirmed(&self) -> io::Result<()> {
        if !self.is_live() {
            return Ok(());
        }
        confirmed::mark(&self.boot_id().unwrap_or_default())
    }

    /// This boot; `None`: a disk image without `--boot-id`.
    pub fn boot_id(&self) -> Option<String> {
        let this = || self.is_live().then(confirmed::boot_id).flatten();
        self.boot_id.clone().or_else(this)
    }

    /// What os-release says: `--os-release`, the configured file, or the running system's. That says nothing about a disk
    /// image.
    pub fn os_release(&self, configured: Option<&Path>) -> Result<OsRelease> {
        let named = self.os_release.as_deref().or(configured);
        let path = match named {
            Some(path) => path,
            None if self.is_live() => Path::new(OS_RELEASE),
            None => return Ok(OsRelease::default()),
        };
        let text = file::text(path, file::TEXT)
            .map_err(|source| Error::OsRelease { path: path.to_owned(), source })?;
        let version = field(&text, "VERSION_ID").map(|text| {
            text.parse().map_err(|source| Error::Version {
                path: path.to_owned(),
                text: text.clone(),
                source,
            })
        });
        Ok(OsRelease { variant: field(&text, "VARIANT_ID"), version: version.transpose()? })
    }

    /// A file of the running system, as in `proc/cmdline`. `None`: a disk image, which runs nothing.
    pub fn file(&self, path: &str) -> Option<PathBuf> {
        let root = self.sysroot.clone().or_else(|| self.is_live().then(|| PathBuf::from("/")))?;
        Some(root.join(path))
    }

    /// A program of the running system, found by its name as everywhere, or below `--sysroot`.
    pub fn program(&self, name: &str) -> Command {
        Command::new(match &self.sysroot {
            Some(root) => root.join("usr/bin").join(name),
            None => PathBuf::from(name),
        })
    }

    /// Whether there is something that can be restarted.
    pub fn runs(&self) -> bool {
        self.sysroot.is_some() || self.is_live()
    }

    /// Whether this is the disk that the running system lies on. A device counts as that disk too when it cannot be told, as
    /// when the sources disagree; a file never does.
    pub fn is_live(&self) -> bool {
        let Some(path) = &self.disk else { return true };
        let device = fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_block_device());
        device
            && match discover::live() {
                Ok(live) => fs::canonicalize(path).ok() == fs::canonicalize(&live.disk).ok(),
                Err(DiscoverError::Nothing | DiscoverError::NoDisk { .. }) => false,
                Err(_) => true,
            }
    }
}

fn live() -> Result<Running> {
    Ok(discover::live()?)
}

/// The value of a key of an os-release file, without its quotes.
fn field(text: &str, key: &str) -> Option<String> {
    let value = text.lines().rev().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
    let value = value.trim();
    let quoted = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    let value = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_values_may_be_quoted() {
        let text = "ID=x\nVERSION_ID=\"1.2.3\"\nVARIANT_ID='aws-k8s'\nEMPTY=\n# VERSION_ID=9\n";
        assert_eq!(field(text, "VERSION_ID").as_deref(), Some("1.2.3"));
        assert_eq!(field(text, "VARIANT_ID").as_deref(), Some("aws-k8s"));
        assert_eq!(field(text, "ID").as_deref(), Some("x"));
        assert_eq!((field(text, "EMPTY"), field(text, "NONE")), (None, None));
    }
}
