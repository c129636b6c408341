//! The host: a disk image, its configuration, and which slot runs.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::shell::Shell;

/// Seeds of two hosts: one in the first wave of the first hour, one in the last.
const EARLY: u16 = 3;
const LATE: u16 = 2000;

#[derive(Debug)]
pub(super) struct Host {
    folder: PathBuf,
    boots: std::cell::Cell<u32>,
}

/// How a boot went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Boot {
    Up,
    /// dm-verity refused the root.
    Refused,
}

impl Host {
    /// A disk with 1.0.0 in slot A, running from it.
    pub(super) fn new(shell: &Shell, url: &str) -> Result<Self> {
        shell.say("A host: 1.0.0 in slot A of a disk image.");
        shell
            .show(
                "updog-image layout --disk disk.img --boot 8M --root 96M --hash 2M --install ../images/1.0.0",
            )?
            .expect(0)?;
        let host = Self { folder: shell.folder().to_owned(), boots: std::cell::Cell::new(0) };
        for (name, seed) in [("host.toml", EARLY), ("late.toml", LATE)] {
            host.write(name, &config(url, seed))?;
        }
        std::fs::create_dir(host.folder.join("state"))?;
        // The factory's first boot, confirmed.
        host.boot(shell, Show::Nothing)?;
        shell.quiet("updog confirm")?;
        Ok(host)
    }

    /// One boot: the selector's rule on the disk, then dm-verity's judgement of what it chose.
    pub(super) fn boot(&self, shell: &Shell, show: Show) -> Result<Boot> {
        let said = if show == Show::Nothing { shell.run("firmware") } else { shell.show("firmware") };
        let said = said?.expect(0)?;
        let verity = if show == Show::Verity { shell.show(VERITY) } else { shell.run(VERITY) };
        let verity = verity?;
        if verity.code != 0 {
            return Ok(Boot::Refused);
        }
        let slot = said
            .out
            .strip_prefix("slot ")
            .and_then(|rest| rest.chars().next())
            .context("firmware named no slot")?;
        self.boots.set(self.boots.get() + 1);
        self.write("booted", &slot.to_string())?;
        self.write("boot-id", &format!("boot-{}", self.boots.get()))?;
        shell.quiet("mtype -i load/boot.img ::os-release > os-release")?;
        Ok(Boot::Up)
    }

    /// Fails unless this slot came up.
    pub(super) fn runs(&self, slot: char, version: &str) -> Result<()> {
        let booted = std::fs::read_to_string(self.folder.join("booted"))?;
        let os_release = std::fs::read_to_string(self.folder.join("os-release"))?;
        if booted != slot.to_string() || !os_release.contains(&format!("VERSION_ID={version}\n")) {
            bail!("slot {slot} with {version} should run, slot {booted} does, with\n{os_release}");
        }
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
    }
}

/// What of a boot is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    Nothing,
    /// The selector's answer.
    Selector,
    /// The selector's answer and dm-verity's.
    Verity,
}

/// What the kernel does block by block, done for all blocks at once; with a word for the case that it holds.
const VERITY: &str = "verity 2>&1 && echo every block of the root holds";

fn config(url: &str, seed: u16) -> String {
    format!(
        "metadata_base_url = \"{url}metadata/\"\n\
         targets_base_url = \"{url}targets/\"\n\
         root = \"repo/root/1.root.json\"\n\
         os_release = \"os-release\"\n\
         disk = \"disk.img\"\n\
         state = \"state\"\n\
         seed = {seed}\n"
    )
}
