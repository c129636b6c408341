//! Where the runs take place: the pair, the slot, a server that counts, and the clock.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use fixtures::server::{Faults, Server};

use super::device::{self, Before, Device};
use super::pair::{NEW, OLD, Pair};
use super::row::Sample;
use crate::bench::usage::{self, TIME, Usage};
use crate::process;
use crate::shell::Shell;

/// All that a run needs.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) pair: Pair,
    pub(super) device: Device,
    /// Serves all of the folder.
    pub(super) server: Server,
    pub(super) shell: Shell,
    /// Where our release programs lie.
    pub(super) programs: PathBuf,
    /// zstd's level, as it was asked for.
    pub(super) level: i32,
}

impl Ground {
    /// In this folder, with our release programs in the search path.
    pub(super) fn new(folder: &Path, programs: &Path, pair: Pair, level: i32) -> Result<Ground> {
        let shell = usage::shell(folder, programs)?;
        let disk = folder.join("disk.img");
        if disk.exists() {
            device::detach(&disk)?;
            fs::remove_file(&disk)?;
        }
        let (mib, release) = (pair.mib, pair.release(OLD));
        shell.quiet(&format!(
            "updog-image layout --disk disk.img --boot 4M --root {mib}M --hash 4M --install {}",
            release.display()
        ))?;
        let device = Device::over(&disk)?;
        let server = Server::start(folder, Faults::default())?;
        Ok(Ground { pair, device, server, shell, programs: programs.to_owned(), level })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.shell.folder().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
    }

    /// A folder below, which is emptied and filled by `make` unless it was with the same key, level and pair.
    pub(super) fn once(&self, name: &str, key: &str, make: impl FnOnce(&Ground) -> Result<()>) -> Result<()> {
        let key = format!("{key}, level {}, pair {}", self.level, self.pair.identity()?);
        let marker = self.path(name).join("made");
        if fs::read_to_string(&marker).is_ok_and(|made| made == key) {
            return Ok(());
        }
        if self.path(name).exists() {
            fs::remove_dir_all(self.path(name))?;
        }
        fs::create_dir_all(self.path(name))?;
        let started = Instant::now();
        make(self)?;
        println!("# {name}: made in {} s.", started.elapsed().as_secs());
        Ok(fs::write(marker, key)?)
    }

    /// What the slot is to hold when the next run begins.
    pub(super) fn prepare(&self, before: Before) -> Result<()> {
        match before {
            Before::Foreign => self.device.fill(&self.pair.noise()),
            Before::Older => self.device.fill(&self.pair.image(OLD)),
            Before::Kept => Ok(()),
        }
    }

    /// Runs a line with a cold page cache, watched by `time` and the kernel's count of what reaches the disk.
    pub(super) fn measure(&self, line: &str) -> Result<Sample> {
        settle()?;
        self.server.clear();
        let before = self.device.written()?;
        let start = Instant::now();
        let said = self.shell.run(&format!("{TIME} {line}"))?;
        let wall_s = start.elapsed().as_secs_f64();
        said.expect(0)?;
        let usage = Usage::of_last(self.shell.folder())?;
        let log = self.server.log();
        // All but metadata and the manifest, which says what there is.
        let is_payload = |target: &str| target.contains("/targets/") && !target.ends_with(".manifest.json");
        Ok(Sample {
            wall_s,
            cpu_s: usage.cpu_s,
            rss_kib: usage.rss_kib,
            fetched_bytes: self.server.bytes_sent() + self.server.head_bytes(),
            written_bytes: self.device.written()? - before,
            requests: Some(log.len() as u64).filter(|requests| *requests > 0),
            payload_bytes: log.iter().filter(|one| is_payload(&one.target)).map(|one| one.sent).sum(),
        })
    }

    /// The new raw image.
    pub(super) fn image(&self) -> PathBuf {
        self.pair.image(NEW)
    }
}

/// Nothing is left to be written, nothing is left in memory.
fn settle() -> Result<()> {
    process::run(&mut process::program("sync", &[]))?;
    fs::write("/proc/sys/vm/drop_caches", "3").context("failed to empty the page cache")
}
