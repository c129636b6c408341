//! `qemu`: the image in an emulator, scenario by scenario.
//!
//! A [`scenario`] is data; [`play`] does it on a [`machine`] with [`firmware`] of its own, after [`damage`] to a disk that
//! the [`yard`] has made. One machine at a time.

mod container;
mod damage;
mod ending;
mod firmware;
mod machine;
pub(crate) mod pipe;
mod play;
mod scenario;
mod secure;
mod unattended;
mod yard;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

pub(crate) use firmware::{Firmware, Kind};
pub(crate) use machine::{Attach, Machine, Setup};
use scenario::Scenario;
pub(crate) use yard::{Make, Yard, copy};

use crate::workspace::Workspace;
use crate::{process, setup};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these, by name.
    names: Vec<String>,
    /// Also those that CI has no time for.
    #[arg(long)]
    all: bool,
    /// Name them and say what each is about; start nothing.
    #[arg(long)]
    list: bool,
    /// A folder with the image's programs, instead of building them.
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

/// Plays what was asked for: a line each.
pub(crate) fn run(args: &Args) -> Result<()> {
    let scenarios = all()?;
    if let Some(unknown) = args.names.iter().find(|name| !scenarios.iter().any(|(known, _)| known == *name)) {
        bail!("there is no scenario {unknown:?}; --list names them");
    }
    let wanted = |name: &str, scenario: &Scenario| match &*args.names {
        [] => args.all || scenario.ci,
        names => names.iter().any(|wanted| wanted == name),
    };
    let (wanted, others): (Vec<_>, Vec<_>) =
        scenarios.into_iter().partition(|(name, scenario)| wanted(name, scenario));
    if args.list {
        for (name, scenario) in wanted.iter().chain(&others) {
            println!("{name:<24} {}{}", scenario.what, if scenario.ci { "" } else { " (--all)" });
        }
        return Ok(());
    }
    setup::for_machines()?;
    let folder = Workspace::load()?.target_directory.join("qemu");
    let mut tally = Tally::default();
    for kind in [Kind::X86_64, Kind::SecureBoot, Kind::Container, Kind::Unattended, Kind::Aarch64] {
        let mine: Vec<_> = wanted.iter().filter(|(_, scenario)| scenario.machine == kind).collect();
        if !mine.is_empty() {
            tally.play(kind, &mine, &folder, args.programs.as_deref())?;
        }
    }
    if args.names.is_empty() && !others.is_empty() {
        let names: Vec<&str> = others.iter().map(|(name, _)| &**name).collect();
        println!("not played without --all: {}", names.join(", "));
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    ensure!(tally.failed == 0, "{} scenarios failed", tally.failed);
    Ok(())
}

#[derive(Debug, Default)]
struct Tally {
    passed: u32,
    failed: u32,
}

impl Tally {
    fn play(
        &mut self,
        kind: Kind,
        scenarios: &[&(String, Scenario)],
        folder: &Path,
        own: Option<&Path>,
    ) -> Result<()> {
        let start = Instant::now();
        let yard = Yard::new(folder.join(format!("yard-{}", kind.name())), kind, own)?;
        prepare(kind, &yard)?;
        let server = yard.serve()?;
        println!("{} images built and published in {} s", kind.name(), start.elapsed().as_secs());
        for (name, scenario) in scenarios {
            let start = Instant::now();
            let played = play::play(scenario, &yard, server.port(), &folder.join(name));
            let seconds = start.elapsed().as_secs();
            match played {
                Ok(()) => {
                    self.passed += 1;
                    println!("{name:<24} ok      {seconds:>3} s  {}", scenario.what);
                }
                Err(error) => {
                    self.failed += 1;
                    println!("{name:<24} FAILED  {seconds:>3} s  {error:#}");
                }
            }
        }
        Ok(())
    }
}

fn prepare(kind: Kind, yard: &Yard) -> Result<()> {
    match kind {
        Kind::SecureBoot => return secure::prepare(yard),
        Kind::Container => return container::prepare(yard),
        Kind::Unattended => return unattended::prepare(yard),
        Kind::X86_64 | Kind::Aarch64 => {}
    }
    let updates: Vec<Make> = std::iter::once(Make::GOOD).chain(Make::BAD).collect();
    yard.build(&[Make::FACTORY], &[])?;
    yard.build(&updates, &[])?;
    yard.publish(&updates)
}

/// All scenarios of the tree, by name.
fn all() -> Result<Vec<(String, Scenario)>> {
    let folder = process::root().join("tests/qemu");
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("failed to read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let named = paths.iter().map(|path| {
        let name =
            path.file_stem().and_then(|name| name.to_str()).context("a scenario's name is not UTF-8")?;
        Ok((name.to_owned(), Scenario::load(path)?))
    });
    named.collect()
}

/// What CI plays.
pub(crate) fn ci() -> Result<()> {
    run(&Args { names: Vec::new(), all: false, list: false, programs: None })
}

#[cfg(test)]
mod tests {
    /// What the page shows as printed is what CI plays.
    #[test]
    fn the_page_counts_what_is_played() {
        let played = super::all().unwrap().iter().filter(|(_, scenario)| scenario.ci).count();
        let page = std::fs::read_to_string(crate::process::root().join("docs/qemu.md")).unwrap();
        assert!(page.contains(&format!("\n{played} passed, 0 failed\n")), "{played}");
    }
}
