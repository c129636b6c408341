//! Our release programs, and what a run of something took.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process;
use crate::shell::Shell;
use crate::workspace::Workspace;

/// Builds our programs as they are shipped; where they lie.
pub(super) fn programs() -> Result<PathBuf> {
    let words = ["build", "--release", "--locked", "-p", "updog", "-p", "updog-repo", "-p", "updog-image"];
    process::run(&mut process::cargo(&words))?;
    Ok(Workspace::load()?.target_directory.join("release"))
}

/// A folder to run them in.
pub(super) fn shell(folder: &Path, programs: &Path) -> Result<Shell> {
    let shell = Shell::new(folder.to_owned())?;
    for name in ["updog", "updog-repo", "updog-image"] {
        shell.program(name, &programs.join(name).display().to_string())?;
    }
    Ok(shell)
}

/// What comes before a command so that [`Usage::of_last`] knows what it took.
pub(super) const TIME: &str = "/usr/bin/time -o usage -f '%U %S %M %O'";

/// What `time` says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usage {
    /// User and system.
    pub(super) cpu_s: f64,
    /// Of the largest process.
    pub(super) rss_kib: u64,
    /// To file systems.
    pub(super) output_bytes: u64,
}

impl Usage {
    /// Of the last run in this folder.
    pub(super) fn of_last(folder: &Path) -> Result<Usage> {
        let text = std::fs::read_to_string(folder.join("usage")).context("time has left nothing")?;
        Usage::read(&text).with_context(|| format!("time says {text:?}"))
    }

    /// The last line; others may say how the program ended.
    fn read(text: &str) -> Option<Usage> {
        let mut words = text.lines().last()?.split_whitespace();
        let mut next = || words.next();
        let (user, system): (f64, f64) = (next()?.parse().ok()?, next()?.parse().ok()?);
        let (rss_kib, blocks): (u64, u64) = (next()?.parse().ok()?, next()?.parse().ok()?);
        Some(Usage { cpu_s: user + system, rss_kib, output_bytes: blocks * 512 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_the_last_line() {
        let text = "Command exited with non-zero status 10\n1.50 0.25 8712 2048\n";
        assert_eq!(Usage::read(text), Some(Usage { cpu_s: 1.75, rss_kib: 8712, output_bytes: 1 << 20 }));
        assert_eq!(Usage::read("1.50 0.25 8712"), None);
        assert_eq!(Usage::read(""), None);
    }
}
