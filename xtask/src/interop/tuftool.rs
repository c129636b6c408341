//! The `tuftool` program, built once below the target folder.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::process;

/// The release that is used, here and nowhere else.
pub(super) const VERSION: &str = "0.17.0";

/// Where it lies; builds it unless it is there.
pub(super) fn install(target: &Path) -> Result<PathBuf> {
    let folder = target.join("tuftool");
    let program = folder.join("bin/tuftool");
    if version(&program).is_ok() {
        return Ok(program);
    }
    println!("# Building tuftool {VERSION}, once: 227 crates.");
    let started = Instant::now();
    // Nothing here is timed, and a build without optimisation is over sooner.
    let mut install = process::cargo(&["install", "--locked", "--debug", "--force"]);
    install.arg("--version").arg(format!("={VERSION}")).arg("--root").arg(&folder).arg("tuftool");
    install.env("CARGO_TARGET_DIR", folder.join("build")).env("CARGO_PROFILE_DEV_DEBUG", "0");
    process::run(&mut install).context("failed to build tuftool")?;
    println!("# Built in {} s.", started.elapsed().as_secs());
    version(&program)?;
    Ok(program)
}

/// Fails unless it is there and is the one that is meant.
fn version(program: &Path) -> Result<()> {
    let path = program.to_str().context("the target folder's path is not UTF-8")?;
    let said = process::output(&mut process::program(path, &["--version"]))?;
    if said.trim() != format!("tuftool {VERSION}") {
        bail!("expected tuftool {VERSION}, found {:?}", said.trim());
    }
    Ok(())
}
