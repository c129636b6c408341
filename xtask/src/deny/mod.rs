//! `deny`: what may come in from outside, as `deny.toml` says.
//!
//! Checked here from `cargo metadata`, in a second and offline, so that nobody has to build cargo-deny first.

mod advisories;
mod licences;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process;
use crate::workspace::{Package, Workspace};

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// A folder laid out as the `RustSec` advisory database.
    #[arg(long, value_name = "DIR")]
    pub(crate) db: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let path = process::root().join("deny.toml");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let rules: Rules = toml::from_str(&text).context("failed to parse deny.toml")?;
    let workspace = Workspace::load()?;
    let mut problems = rules.problems(&workspace.packages);
    for warning in duplicates(&workspace.packages) {
        println!("warning: {warning}");
    }
    match &args.db {
        None => println!("warning: advisories were NOT checked: no database was given with --db DIR"),
        Some(database) => {
            let findings = advisories::check(database, &workspace.packages)?;
            findings.notices.iter().for_each(|notice| println!("warning: {notice}"));
            println!("Advisories that name a crate of ours: {}.", findings.read);
            problems.extend(findings.faults);
        }
    }
    if !problems.is_empty() {
        bail!("not allowed in:\n  {}", problems.join("\n  "));
    }
    println!("Licences, bans and sources of {} packages hold.", workspace.packages.len());
    second_opinion()
}

/// cargo-deny reads the same file and knows more rules; where it is installed it has a say too.
fn second_opinion() -> Result<()> {
    if !process::is_installed("cargo-deny") {
        println!("cargo-deny is not installed: no second opinion.");
        return Ok(());
    }
    process::run(&mut process::cargo(&[
        "deny",
        "--log-level",
        "error",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))
}

/// As far as we read `deny.toml`; cargo-deny knows more keys.
#[derive(Debug, Deserialize)]
struct Rules {
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Licences {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

/// A licence that one crate may have.
#[derive(Debug, Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

impl Licences {
    /// What a crate of this name may have.
    fn of(&self, name: &str) -> Vec<String> {
        let own = self.exceptions.iter().filter(|exception| exception.name == name);
        self.allow.iter().chain(own.flat_map(|exception| &exception.allow)).cloned().collect()
    }
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    /// The only crates that may use it.
    #[serde(default)]
    wrappers: Vec<String>,
    reason: String,
}

impl Ban {
    fn wraps(&self, user: &str) -> bool {
        self.wrappers.iter().any(|wrapper| wrapper == user)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

impl Rules {
    fn problems(&self, packages: &[Package]) -> Vec<String> {
        packages.iter().flat_map(|package| self.of(package, packages)).collect()
    }

    fn of(&self, package: &Package, all: &[Package]) -> Vec<String> {
        let mut found = Vec::new();
        let name = format!("{} {}", package.name, package.version);
        let allowed = self.licenses.of(&package.name);
        match package.license.as_deref().map(|text| (text, licences::is_met(text, &allowed))) {
            Some((_, Some(true))) => {}
            Some((text, Some(false))) => found.push(format!("{name}: licence {text} is not allowed")),
            Some((text, None)) => found.push(format!("{name}: licence {text:?} cannot be read")),
            None => found.push(format!("{name}: has no licence")),
        }
        if let Some(ban) = self.bans.deny.iter().find(|ban| ban.name == package.name) {
            let users = all.iter().filter(|user| user.names(&package.name));
            let strangers: Vec<&str> =
                users.map(|user| user.name.as_str()).filter(|user| !ban.wraps(user)).collect();
            if ban.wrappers.is_empty() {
                found.push(format!("{name}: banned: {}", ban.reason));
            } else if !strangers.is_empty() {
                found.push(format!("{name}: banned for {}: {}", strangers.join(", "), ban.reason));
            }
        }
        if let Some(source) = &package.source
            && !self.sources.allow_registry.iter().any(|allowed| source == &format!("registry+{allowed}"))
        {
            found.push(format!("{name}: comes from {source}"));
        }
        if package.source.is_none() {
            let wild = package.dependencies.iter().filter(|dep| dep.req == "*" && dep.path.is_none());
            found.extend(wild.map(|dep| format!("{name}: takes any version of {}", dep.name)));
        }
        found
    }
}

fn duplicates(packages: &[Package]) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for package in packages {
        versions.entry(&package.name).or_default().push(package.version.to_string());
    }
    let several = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
    several.map(|(name, versions)| format!("{name} is there in versions {}", versions.join(", "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_names_its_package() -> Result<()> {
        let rules: Rules = toml::from_str(
            "licenses.allow = ['MIT']\nsources.allow-registry = ['r']\n\
             bans.deny = [{ crate = 'bad', reason = 'why' }]",
        )?;
        let package: Package = serde_json::from_str(
            r#"{"name":"bad","version":"1.0.0","license":"GPL-3.0","source":"git+x","dependencies":[],"manifest_path":""}"#,
        )?;
        let expected = [
            "bad 1.0.0: licence GPL-3.0 is not allowed",
            "bad 1.0.0: banned: why",
            "bad 1.0.0: comes from git+x",
        ];
        assert_eq!(rules.problems(&[package]), expected);
        Ok(())
    }

    #[test]
    fn a_wrapper_alone_may_use_what_is_banned() -> Result<()> {
        let rules: Rules = toml::from_str(
            "licenses.allow = ['MIT']\nsources.allow-registry = ['r']\n\
             bans.deny = [{ crate = 'bad', wrappers = ['good'], reason = 'why' }]",
        )?;
        let package = |name: &str, kind: &str, uses: &[&str]| -> Result<Package> {
            let uses: Vec<String> = uses
                .iter()
                .map(|uses| {
                    format!(
                        r#"{{"name":"{uses}","kind":{kind},"req":"^1","path":null,"uses_default_features":true,"features":[]}}"#
                    )
                })
                .collect();
            Ok(serde_json::from_str(&format!(
                r#"{{"name":"{name}","version":"1.0.0","license":"MIT","source":"registry+r","dependencies":[{}],"manifest_path":""}}"#,
                uses.join(",")
            ))?)
        };
        let mut packages = vec![
            package("bad", "null", &[])?,
            package("good", "null", &["bad"])?,
            package("x", "\"dev\"", &["bad"])?,
        ];
        assert_eq!(rules.problems(&packages), [""; 0]);
        packages.push(package("other", "\"build\"", &["bad"])?);
        assert_eq!(rules.problems(&packages), ["bad 1.0.0: banned for other: why"]);
        Ok(())
    }

    #[test]
    fn an_exception_is_for_one_crate() -> Result<()> {
        let rules: Rules = toml::from_str(
            "licenses.allow = ['MIT']\nlicenses.exceptions = [{ crate = 'ucs2', allow = ['MPL-2.0'] }]\n\
             sources.allow-registry = ['r']\nbans.deny = []",
        )?;
        let package = |name: &str| -> Result<Package> {
            Ok(serde_json::from_str(&format!(
                r#"{{"name":"{name}","version":"1.0.0","license":"MPL-2.0","source":"registry+r","dependencies":[],"manifest_path":""}}"#,
            ))?)
        };
        let problems = rules.problems(&[package("ucs2")?, package("other")?]);
        assert_eq!(problems, ["other 1.0.0: licence MPL-2.0 is not allowed"]);
        Ok(())
    }
}
