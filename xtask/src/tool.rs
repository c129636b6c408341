//! Programs of others from the registry, each of one release, built once below the target folder.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::process;

/// Packs for Debian.
pub(crate) const CARGO_DEB: Tool = Tool { name: "cargo-deb", version: "3.8.0" };
/// Reads and makes TUF repositories.
pub(crate) const TUFTOOL: Tool = Tool { name: "tuftool", version: "0.17.0" };

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    name: &'static str,
    /// The release that is used, stated here and nowhere else.
    pub(crate) version: &'static str,
}

impl Tool {
    /// Where it lies; builds it unless it is there.
    pub(crate) fn install(self, target: &Path) -> Result<PathBuf> {
        let Tool { name, version } = self;
        let folder = target.join(name);
        let program = folder.join("bin").join(name);
        if self.check(&program).is_ok() {
            return Ok(program);
        }
        println!("# Building {name} {version}, once.");
        let started = Instant::now();
        // Nothing here is timed, and a build without optimisation is over sooner.
        let mut install = process::cargo(&["install", "--locked", "--debug", "--force"]);
        install.arg("--version").arg(format!("={version}")).arg("--root").arg(&folder).arg(name);
        install.env("CARGO_TARGET_DIR", folder.join("build")).env("CARGO_PROFILE_DEV_DEBUG", "0");
        process::run(&mut install).with_context(|| format!("failed to build {name}"))?;
        println!("# Built in {} s.", started.elapsed().as_secs());
        self.check(&program)?;
        Ok(program)
    }

    /// Fails unless it is there and is the one that is meant.
    fn check(self, program: &Path) -> Result<()> {
        if !program.is_file() {
            bail!("{} is not there", program.display());
        }
        let path = program.to_str().context("the target folder's path is not UTF-8")?;
        let said = process::output(&mut process::program(path, &["--version"]))?;
        if said.split_whitespace().last() != Some(self.version) {
            bail!("expected {} {}, found {:?}", self.name, self.version, said.trim());
        }
        Ok(())
    }
}
