//! The `cargo-deb` program, built once below the target folder.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::process;

/// The release that is used, here and nowhere else.
const VERSION: &str = "3.8.0";

/// Where it lies; builds it unless it is there.
pub(super) fn install(target: &Path) -> Result<PathBuf> {
    let folder = target.join("cargo-deb");
    let program = folder.join("bin/cargo-deb");
    if version(&program).is_ok() {
        return Ok(program);
    }
    println!("# Building cargo-deb {VERSION}, once.");
    let started = Instant::now();
    // It packs a few MB, and a build without optimisation is over sooner.
    let mut install = process::cargo(&["install", "--locked", "--debug", "--force"]);
    install.arg("--version").arg(format!("={VERSION}")).arg("--root").arg(&folder).arg("cargo-deb");
    install.env("CARGO_TARGET_DIR", folder.join("build")).env("CARGO_PROFILE_DEV_DEBUG", "0");
    process::run(&mut install).context("failed to build cargo-deb")?;
    println!("# Built in {} s.", started.elapsed().as_secs());
    version(&program)?;
    Ok(program)
}

/// Fails unless it is there and is the one that is meant.
fn version(program: &Path) -> Result<()> {
    if !program.is_file() {
        bail!("{} is not there", program.display());
    }
    let path = program.to_str().context("the target folder's path is not UTF-8")?;
    let said = process::output(&mut process::program(path, &["--version"]))?;
    if said.split_whitespace().last() != Some(VERSION) {
        bail!("expected cargo-deb {VERSION}, found {:?}", said.trim());
    }
    Ok(())
}
