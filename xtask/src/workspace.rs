//! `cargo metadata`, as far as we ask it.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process;

/// The workspace and everything it builds on, for all platforms.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: semver::Version,
    pub(crate) license: Option<String>,
    /// `None` for our own.
    pub(crate) source: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) manifest_path: PathBuf,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None`, `"dev"` or `"build"`.
    pub(crate) kind: Option<String>,
    pub(crate) req: String,
    pub(crate) path: Option<PathBuf>,
    pub(crate) uses_default_features: bool,
    pub(crate) features: Vec<String>,
}

impl Workspace {
    /// Asks cargo; the lock file must be up to date.
    pub(crate) fn load() -> Result<Self> {
        let text = process::output(&mut process::cargo(&[
            "metadata",
            "--quiet",
            "--format-version",
            "1",
            "--locked",
        ]))?;
        serde_json::from_str(&text).context("failed to read what cargo metadata printed")
    }

    /// Our own crates, by name.
    pub(crate) fn own(&self) -> Vec<&Package> {
        let mut own: Vec<&Package> =
            self.packages.iter().filter(|package| package.source.is_none()).collect();
        own.sort_by(|a, b| a.name.cmp(&b.name));
        own
    }
}

impl Package {
    /// Whether it uses a crate, other than for its own tests.
    pub(crate) fn names(&self, other: &str) -> bool {
        self.dependencies.iter().any(|dependency| dependency.name == other && !dependency.is_dev())
    }
}

impl Dependency {
    pub(crate) fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

/// The files that git tracks, or would if they were added, with this ending.
pub(crate) fn tracked(ending: &str) -> Result<Vec<PathBuf>> {
    let pattern = format!("*{ending}");
    let args = ["ls-files", "--cached", "--others", "--exclude-standard", &pattern];
    let listed = process::output(&mut process::program("git", &args))?;
    // A file deleted but not yet committed is still listed.
    Ok(listed.lines().map(PathBuf::from).filter(|path| process::root().join(path).is_file()).collect())
}
