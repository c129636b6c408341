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
    let mut problems = rules.problems(&workspace);
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
    fn problems(&self, workspace: &Workspace) -> Vec<String> {
        workspace.packages.iter().flat_map(|package| self.of(package, workspace)).collect()
    }

    fn of(&self, package: &Package, workspace: &Workspace) -> Vec<String> {
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
            let users = workspace.users(package).into_iter();
            let strangers: Vec<&str> = users.filter(|user| !ban.wraps(user)).collect();
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
    use serde_json::json;

    use super::*;

    #[test]
    fn each_rule_names_its_package() -> Result<()> {
        let rules: Rules = toml::from_str(
            "licenses.allow = ['MIT']\nsources.allow-registry = ['r']\n\
             bans.deny = [{ crate = 'bad', reason = 'why' }]",
        )?;
        let mut bad = crate_named("bad");
        (bad.license, bad.source) = ("GPL-3.0", "git+x");
        let expected = [
            "bad 1.0.0: licence GPL-3.0 is not allowed",
            "bad 1.0.0: banned: why",
            "bad 1.0.0: comes from git+x",
        ];
        assert_eq!(rules.problems(&workspace(&[bad])?), expected);
        Ok(())
    }

    #[test]
    fn a_wrapper_alone_may_use_what_is_banned() -> Result<()> {
        let rules: Rules = toml::from_str(
            "licenses.allow = ['MIT']\nsources.allow-registry = ['r']\n\
             bans.deny = [{ crate = 'bad', wrappers = ['good'], reason = 'why' }]",
        )?;
        let using = |name, kinds: &'static [Option<&'static str>]| Crate {
            uses: Some(("bad", kinds)),
            ..crate_named(name)
        };
        let mut crates = vec![
            crate_named("bad"),
            using("good", &[None]),
            using("tester", &[Some("dev")]),
            // It declares the crate, and the feature that would bring it in is off.
            Crate { declares: Some("bad"), ..crate_named("could") },
        ];
        assert_eq!(rules.problems(&workspace(&crates)?), [""; 0]);
        crates.push(using("other", &[Some("build")]));
        crates.push(using("both", &[Some("dev"), None]));
        assert_eq!(rules.problems(&workspace(&crates)?), ["bad 1.0.0: banned for other, both: why"]);
        Ok(())
    }

    #[test]
    fn an_exception_is_for_one_crate() -> Result<()> {
        let rules: Rules = toml::from_str(
            "licenses.allow = ['MIT']\nlicenses.exceptions = [{ crate = 'ucs2', allow = ['MPL-2.0'] }]\n\
             sources.allow-registry = ['r']\nbans.deny = []",
        )?;
        let package = |name| Crate { license: "MPL-2.0", ..crate_named(name) };
        let problems = rules.problems(&workspace(&[package("ucs2"), package("other")])?);
        assert_eq!(problems, ["other 1.0.0: licence MPL-2.0 is not allowed"]);
        Ok(())
    }

    /// A package as cargo metadata would list it.
    struct Crate {
        name: &'static str,
        license: &'static str,
        source: &'static str,
        /// In its Cargo.toml.
        declares: Option<&'static str>,
        /// As resolved, for these kinds.
        uses: Option<(&'static str, &'static [Option<&'static str>])>,
    }

    fn crate_named(name: &'static str) -> Crate {
        Crate { name, license: "MIT", source: "registry+r", declares: None, uses: None }
    }

    fn workspace(crates: &[Crate]) -> Result<Workspace> {
        let id = |name: &str| format!("r#{name}@1.0.0");
        let packages = crates.iter().map(|package| {
            let declared = package.declares.or(package.uses.map(|(name, _)| name));
            let declared = declared.map(|name| {
                json!({
                    "name": name, "kind": null, "req": "^1", "path": null, "uses_default_features": true,
                    "features": [],
                })
            });
            json!({
                "id": id(package.name), "name": package.name, "version": "1.0.0", "license": package.license,
                "source": package.source, "manifest_path": "",
                "dependencies": declared.into_iter().collect::<Vec<_>>(),
            })
        });
        let nodes = crates.iter().map(|package| {
            let edges = package.uses.map(|(name, kinds)| {
                let kinds = kinds.iter().map(|kind| json!({ "kind": kind, "target": null }));
                json!({ "name": name, "pkg": id(name), "dep_kinds": kinds.collect::<Vec<_>>() })
            });
            json!({ "id": id(package.name), "deps": edges.into_iter().collect::<Vec<_>>() })
        });
        Ok(serde_json::from_value(json!({
            "packages": packages.collect::<Vec<_>>(), "target_directory": "",
            "resolve": { "nodes": nodes.collect::<Vec<_>>() },
        }))?)
    }
}
