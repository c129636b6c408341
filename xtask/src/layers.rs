//! `layers`: arrows between our crates point down only, and the pure ones stay pure.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use crate::workspace::{Dependency, Package, Workspace};

/// Prints the graph; problems are an error.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    let own = workspace.own();
    print!("{}", picture(&own));
    let problems = problems(&own);
    if !problems.is_empty() {
        bail!("{} arrows or rules broken:\n  {}", problems.len(), problems.join("\n  "));
    }
    println!("All arrows point down.");
    Ok(())
}

fn picture(own: &[&Package]) -> String {
    let mut text = String::new();
    for level in Level::ALL {
        for package in
            own.iter().filter(|package| room(&package.name).is_some_and(|room| room.level == level))
        {
            let to: Vec<&str> =
                ours(package, own).filter(|dep| !dep.is_dev()).map(|dep| &*dep.name).collect();
            let arrow = if to.is_empty() {
                "→ nothing of ours".to_owned()
            } else {
                format!("→ {}", to.join(", "))
            };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{:<8} {:<15} {arrow}", level.name(), package.name);
        }
    }
    text
}

/// Every broken rule, one line each.
fn problems(own: &[&Package]) -> Vec<String> {
    let mut problems = Vec::new();
    for package in own {
        let Some(room) = room(&package.name) else {
            problems.push(format!("{}: has no room in xtask/src/layers.rs", package.name));
            continue;
        };
        for dep in ours(package, own) {
            if !room.may_reach(&dep.name, dep.is_dev()) {
                let kind = if dep.is_dev() { " (dev)" } else { "" };
                problems.push(format!("{} → {}{kind}: points up", package.name, dep.name));
            }
        }
        if room.pure == Purity::Pure {
            problems.extend(impurities(package));
        }
        if room.no_std && !says_no_std(package) {
            problems.push(format!("{}: lib.rs does not say #![no_std]", package.name));
        }
    }
    problems
}

fn ours<'a>(package: &'a Package, own: &'a [&Package]) -> impl Iterator<Item = &'a Dependency> {
    package.dependencies.iter().filter(|dep| own.iter().any(|package| package.name == dep.name))
}

/// Dependencies by which a pure crate could reach the outside.
fn impurities(package: &Package) -> Vec<String> {
    let mut found = Vec::new();
    for dep in package.dependencies.iter().filter(|dep| !dep.is_dev()) {
        if OUTSIDE.contains(&&*dep.name) {
            found.push(format!("{} → {}: a pure crate must not reach the outside", package.name, dep.name));
        }
        let clock = dep.features.iter().any(|feature| feature == "clock" || feature == "now");
        if dep.name == "chrono" && (clock || dep.uses_default_features) {
            found.push(format!("{} → chrono: a pure crate takes it without its clock", package.name));
        }
    }
    if !package.manifest_path.with_file_name("clippy.toml").is_file() {
        found.push(format!("{}: has no clippy.toml with disallowed types and methods", package.name));
    }
    found
}

fn says_no_std(package: &Package) -> bool {
    std::fs::read_to_string(package.manifest_path.with_file_name("src").join("lib.rs"))
        .is_ok_and(|text| text.lines().any(|line| line.trim() == "#![no_std]"))
}

fn room(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == name)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Zero,
    One,
    Two,
    Three,
    Aside,
}

impl Level {
    const ALL: [Self; 5] = [Self::Zero, Self::One, Self::Two, Self::Three, Self::Aside];

    const fn name(self) -> &'static str {
        match self {
            Self::Zero => "level 0",
            Self::One => "level 1",
            Self::Two => "level 2",
            Self::Three => "level 3",
            Self::Aside => "aside",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purity {
    /// Data in, decision out: no file system, network, clock, process, environment or logger.
    Pure,
    Edges,
}

#[derive(Debug)]
struct Room {
    name: &'static str,
    level: Level,
    /// The arrows it may have; `None` for those that may see everything.
    to: Option<&'static [&'static str]>,
    pure: Purity,
    no_std: bool,
}

impl Room {
    /// Tests may reach fixtures and anything that does not stand above them.
    fn may_reach(&self, name: &str, in_tests: bool) -> bool {
        let allowed = self.to.is_none_or(|to| to.contains(&name));
        let beside = room(name).is_some_and(|other| name == "fixtures" || other.level <= self.level);
        allowed || (in_tests && beside)
    }
}

const fn pure(name: &'static str, level: Level, to: &'static [&'static str]) -> Room {
    Room { name, level, to: Some(to), pure: Purity::Pure, no_std: false }
}

const fn edge(name: &'static str, level: Level, to: &'static [&'static str]) -> Room {
    Room { name, level, to: Some(to), pure: Purity::Edges, no_std: false }
}

const ROOMS: &[Room] = &[
    Room { no_std: true, ..pure("partition-core", Level::Zero, &[]) },
    Room { no_std: true, ..pure("boot-manifest", Level::Zero, &[]) },
    // Its library decides and is tested on a host; only the binary reaches the firmware.
    Room { no_std: true, ..edge("updog-boot", Level::One, &["partition-core", "boot-manifest"]) },
    edge("updog-init", Level::One, &["partition-core", "boot-manifest"]),
    edge("updog-tiny", Level::Zero, &[]),
    pure("waves", Level::Zero, &[]),
    pure("trust-core", Level::Zero, &[]),
    pure("release", Level::One, &["waves"]),
    pure("updater-core", Level::Two, &["release", "waves", "partition-core"]),
    edge("partition-disk", Level::Two, &["partition-core"]),
    edge("trust-client", Level::Two, &["trust-core"]),
    edge(
        "updog",
        Level::Three,
        &[
            "partition-core",
            "waves",
            "trust-core",
            "release",
            "updater-core",
            "partition-disk",
            "trust-client",
        ],
    ),
    edge(
        "updog-repo",
        Level::Three,
        &["partition-core", "release", "waves", "trust-core", "trust-client", "updater-core"],
    ),
    edge(
        "updog-image",
        Level::Three,
        &["partition-core", "boot-manifest", "partition-disk", "release", "trust-client"],
    ),
    // Aside: nothing that ships may point at these.
    edge("fixtures", Level::Aside, &["partition-core", "partition-disk"]),
    edge("updog-packaging", Level::Aside, &["partition-disk", "updater-core", "updog"]),
    Room { to: None, ..edge("updog-tests", Level::Aside, &[]) },
    Room { to: None, ..edge("updog-bench", Level::Aside, &[]) },
    Room { to: None, ..edge("xtask", Level::Aside, &[]) },
];

/// Crates with a file system, network, clock, process, randomness or log in them.
const OUTSIDE: &[&str] = &[
    "async-trait",
    "clap",
    "fixtures",
    "getrandom",
    "indicatif",
    "libc",
    "log",
    "rand",
    "reqwest",
    "rustix",
    "rustls",
    "signal-hook",
    "tempfile",
    "tokio",
    "tracing",
    "tracing-subscriber",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependencies = dependencies.iter().map(|(name, kind)| Dependency {
            name: (*name).to_owned(),
            kind: kind.map(str::to_owned),
            req: "*".to_owned(),
            path: None,
            uses_default_features: false,
            features: Vec::new(),
        });
        Package {
            id: name.to_owned(),
            name: name.to_owned(),
            version: semver::Version::new(0, 1, 0),
            license: None,
            source: None,
            dependencies: dependencies.collect(),
            manifest_path: process::root().join("waves/Cargo.toml"),
        }
    }

    #[test]
    fn an_arrow_up_is_named() {
        let waves = package("waves", &[("release", None)]);
        let release = package("release", &[("waves", None)]);
        assert_eq!(problems(&[&waves, &release]), ["waves → release: points up"]);
    }

    #[test]
    fn tests_may_use_fixtures_but_not_what_stands_above() {
        let waves = package("waves", &[("fixtures", Some("dev")), ("updog", Some("dev"))]);
        let (fixtures, updog) = (package("fixtures", &[]), package("updog", &[]));
        assert_eq!(problems(&[&waves, &fixtures, &updog]), ["waves → updog (dev): points up"]);
    }

    #[test]
    fn a_pure_crate_reaches_nothing_outside() {
        let waves = package("waves", &[("tokio", None), ("chrono", None)]);
        assert_eq!(problems(&[&waves]), ["waves → tokio: a pure crate must not reach the outside"]);
    }

    #[test]
    fn a_crate_without_a_room_is_named() {
        let stray = package("stray", &[]);
        assert_eq!(problems(&[&stray]), ["stray: has no room in xtask/src/layers.rs"]);
    }
}
