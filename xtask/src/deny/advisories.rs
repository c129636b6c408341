//! Known faults in what we build on, from a folder laid out as the `RustSec` database.

use std::path::Path;

use anyhow::{Context, Result, bail};
use semver::{Version, VersionReq};
use serde::Deserialize;

use crate::workspace::Package;

/// What the database says about the versions in the lock file.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// How many advisories were read.
    pub(super) read: usize,
    /// Faults.
    pub(super) faults: Vec<String>,
    /// Unmaintained crates and the like.
    pub(super) notices: Vec<String>,
}

/// Looks up every package that comes from outside.
pub(super) fn check(database: &Path, packages: &[Package]) -> Result<Findings> {
    let crates = database.join("crates");
    if !crates.is_dir() {
        bail!("{} is no advisory database: it has no folder \"crates\"", database.display());
    }
    let mut findings = Findings::default();
    for package in packages.iter().filter(|package| package.source.is_some()) {
        let Ok(entries) = std::fs::read_dir(crates.join(&package.name)) else { continue };
        for entry in entries {
            let path = entry?.path();
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            let advisory =
                parse(&text).with_context(|| format!("failed to parse advisory {}", path.display()))?;
            findings.read += 1;
            findings.add(package, &advisory);
        }
    }
    Ok(findings)
}

impl Findings {
    fn add(&mut self, package: &Package, advisory: &Advisory) {
        if advisory.advisory.withdrawn.is_some() || !advisory.versions.hit(&package.version) {
            return;
        }
        let line = format!("{} {}: {}", package.name, package.version, advisory.advisory.id);
        match &advisory.advisory.informational {
            Some(kind) => self.notices.push(format!("{line} ({kind})")),
            None => self.faults.push(line),
        }
    }
}

/// Takes the TOML out of the Markdown around it.
fn parse(text: &str) -> Result<Advisory> {
    let inner = text.split_once("```toml").and_then(|(_, rest)| rest.split_once("```"));
    let (front, _) = inner.context("no ```toml block at its top")?;
    Ok(toml::from_str(front)?)
}

#[derive(Debug, Deserialize)]
struct Advisory {
    advisory: About,
    #[serde(default)]
    versions: Versions,
}

#[derive(Debug, Deserialize)]
struct About {
    id: String,
    informational: Option<String>,
    withdrawn: Option<toml::Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Versions {
    #[serde(default)]
    patched: Vec<VersionReq>,
    #[serde(default)]
    unaffected: Vec<VersionReq>,
}

impl Versions {
    fn hit(&self, version: &Version) -> bool {
        !self.patched.iter().chain(&self.unaffected).any(|requirement| requirement.matches(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_in_no_list_are_hit() -> Result<()> {
        let text = "```toml\n[advisory]\nid = \"X-1\"\npackage = \"y\"\ndate = \"2024-01-01\"\n\n[versions]\n\
                    patched = [\">= 1.2.3\", \"^0.9.5\"]\nunaffected = [\"< 0.5\"]\n```\n\n# Title\n";
        let advisory = parse(text)?;
        for (version, hit) in
            [("1.2.2", true), ("1.2.3", false), ("0.9.4", true), ("0.9.6", false), ("0.4.0", false)]
        {
            assert_eq!(advisory.versions.hit(&version.parse()?), hit, "{version}");
        }
        Ok(())
    }

    #[test]
    fn text_without_front_matter_is_refused() {
        assert!(parse("# Title").is_err());
    }
}
