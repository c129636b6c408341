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
    resolve: Resolve,
}

/// Who uses whom, with the features that are on.
#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    /// Of a package.
    id: String,
    deps: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    /// The id of the package that is used.
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Debug, Deserialize)]
struct EdgeKind {
    /// `None`, `"dev"` or `"build"`.
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
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

    /// The names of those that use a package, other than for their own tests. What a package could use, were a
    /// feature on, does not count.
    pub(crate) fn users(&self, of: &Package) -> Vec<&str> {
        let leads_there = |edge: &Edge| edge.pkg == of.id && !edge.is_dev();
        let nodes = self.resolve.nodes.iter().filter(|node| node.deps.iter().any(leads_there));
        nodes
            .map(|node| {
                let named = self.packages.iter().find(|package| package.id == node.id);
                named.map_or(node.id.as_str(), |package| package.name.as_str())
            })
            .collect()
    }
}

impl Edge {
    fn is_dev(&self) -> bool {
        self.dep_kinds.iter().all(|kind| kind.kind.as_deref() == Some("dev"))
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
