//! `bench scale`: a repository of 1,000 releases beside one of 10: what publishing takes, and what a host's look takes.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use fixtures::server::{Faults, Server};
use release::{Digest, Version};

use super::usage::{self, TIME, Usage};
use super::{Bar, median, tell};
use crate::release_folder;
use crate::setup;
use crate::shell::Shell;
use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many releases the large repository has; each brings ten targets in the mean.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(20..))]
    releases: u64,
    /// How often a look is measured; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

/// The small one, which the large one is compared with.
const FEW: u64 = 10;

pub(super) fn run(args: &Args) -> Result<()> {
    setup::ensure(&[setup::Use::Bench])?;
    let programs = usage::programs()?;
    let folder = Workspace::load()?.target_directory.join("bench/scale");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    let few = Repository::make(&folder.join("few"), &programs, FEW, args.runs)?;
    let many = Repository::make(&folder.join("many"), &programs, args.releases, args.runs)?;
    println!("\n{:<32} {:>26}  {:>26}", "", few.title(), many.title());
    for (few, many) in few.steps.iter().zip(&many.steps) {
        println!("{:<32} {few:>26}  {many:>26}", few.name);
    }
    println!();
    let idle = many.look(IDLE)?;
    let first = many.look(FIRST)?;
    let coded = many.look(CODED)?;
    let base = few.look(IDLE)?.median_wall();
    let bytes = |step: &Step| step.all.iter().map(|took| took.fetched).collect::<Vec<_>>();
    #[expect(clippy::cast_precision_loss, reason = "bytes of documents fit")]
    let numbers = |all: Vec<u64>| all.into_iter().map(|bytes| bytes as f64).collect::<Vec<f64>>();
    let million = |all: Vec<f64>| all.into_iter().map(|bytes| bytes / 1e6).collect::<Vec<f64>>();
    let (plain, coded) = (million(numbers(bytes(first))), million(numbers(bytes(coded))));
    tell(&[
        Bar {
            what: "idle check, many: requests",
            unit: "",
            found: numbers(idle.all.iter().map(|took| took.requests).collect()),
            limit: 2.0,
        },
        Bar { what: "idle check, many: bytes", unit: "bytes", found: numbers(bytes(idle)), limit: 4096.0 },
        Bar {
            what: "idle check, many against few: time",
            unit: "times",
            found: idle.all.iter().map(|took| took.wall_s / base).collect(),
            limit: 1.2,
        },
        Bar {
            what: "first check, many: time",
            unit: "s",
            found: first.all.iter().map(|took| took.wall_s).collect(),
            limit: 1.0,
        },
        Bar { what: "first check, many: bytes", unit: "MB", found: plain, limit: FIRST_MB },
        Bar { what: "first check, many: bytes, coded", unit: "MB", found: coded, limit: FIRST_MB },
    ])
}

/// One repository, and what each step on it took.
#[derive(Debug)]
struct Repository {
    releases: u64,
    targets: usize,
    steps: Vec<Step>,
}

/// All runs of one step.
#[derive(Debug)]
struct Step {
    name: &'static str,
    all: Vec<Took>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
struct Took {
    wall_s: f64,
    rss_kib: u64,
    fetched: u64,
    requests: u64,
}

/// A host's first look may take so much, and does from a server that compresses documents.
const FIRST_MB: f64 = 2.5;
const FIRST: &str = "host: first check";
const CODED: &str = "host: first check, coded";
const IDLE: &str = "host: idle check";

impl Repository {
    fn make(folder: &Path, programs: &Path, releases: u64, runs: u32) -> Result<Repository> {
        let shell = usage::shell(folder, programs)?;
        let repo = "updog-repo --repo repo";
        shell.quiet(&format!("{repo} init && mkdir keys && {repo} key new keys/release.key --role all"))?;
        let started = Instant::now();
        for number in 0..releases - 1 {
            add(&shell, number)?;
        }
        let took = started.elapsed();
        println!("# {} releases added one by one in {:.0} s.", releases - 1, took.as_secs_f64());

        let mut steps = Vec::new();
        let server = Server::start(folder.join("www"), Faults::default())?;
        let mut step = |name, line: &str, code| -> Result<()> {
            steps.push(Step { name, all: vec![timed(&shell, &server, line, code)?] });
            Ok(())
        };
        let (sign, publish) = (format!("{repo} sign --key keys/release.key"), format!("{repo} publish www"));
        shell.quiet(&sign)?;
        step("publish, all of it", &publish, 0)?;
        describe(&shell, releases - 1)?;
        step("release add, one more", ADD, 0)?;
        step("sign", &sign, 0)?;
        step("publish, one more", &publish, 0)?;
        step("refresh", &format!("{repo} refresh www --key keys/release.key"), 0)?;
        step("validate", &format!("{repo} validate www --root repo/root/1.root.json"), 0)?;
        steps.extend(looks(&shell, &server, releases, runs)?);
        let targets = fs::read_dir(folder.join("www/targets"))?.count();
        let expected =
            usize::try_from((0..releases).map(|number| 6 + 3 * bases(number, releases)).sum::<u64>())?;
        ensure!(targets > expected, "expected {expected} targets and the manifests, found {targets} files");
        Ok(Repository { releases, targets, steps })
    }

    fn title(&self) -> String {
        format!("{} releases, {} targets", self.releases, self.targets)
    }

    fn look(&self, name: &str) -> Result<&Step> {
        self.steps.iter().find(|step| step.name == name).with_context(|| format!("{name} was not run"))
    }
}

impl Step {
    fn median_wall(&self) -> f64 {
        median(self.all.iter().map(|took| took.wall_s).collect()).unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rss = self.all.iter().map(|took| took.rss_kib).max().unwrap_or(0) / 1024;
        let asked = self.all.last().filter(|took| took.requests > 0);
        let asked = asked.map(|last| format!(", {} in {}", last.fetched, last.requests)).unwrap_or_default();
        f.pad(&format!("{:.2} s, {rss} MiB{asked}", self.median_wall()))
    }
}

/// A host with the oldest release that has never looked, at a server that does not compress and at one that does, and a
/// host with the newest that looks again.
fn looks(shell: &Shell, server: &Server, releases: u64, runs: u32) -> Result<[Step; 3]> {
    shell.quiet("updog-image layout --disk disk.img --boot 1M --root 1M --hash 1M")?;
    for (name, running) in [("first", 0), ("idle", releases - 1)] {
        let release = format!("VARIANT_ID=bench\nVERSION_ID={}\n", version(running));
        fs::write(shell.folder().join(format!("{name}-release")), release)?;
        let config = format!(
            "metadata_base_url = {:?}\ntargets_base_url = {:?}\nroot = \"repo/root/1.root.json\"\n\
             os_release = \"{name}-release\"\ndisk = \"disk.img\"\nstate = \"{name}\"\nseed = 7\n",
            server.url_of("metadata/"),
            server.url_of("targets/"),
        );
        fs::write(shell.folder().join(format!("{name}.toml")), config)?;
    }
    let check = |name: &str| format!("updog --config {name}.toml --booted A check");
    let mut first = Step { name: FIRST, all: Vec::new() };
    let mut idle = Step { name: IDLE, all: Vec::new() };
    shell.run(&check("idle"))?.expect(10)?;
    for _ in 0..runs {
        shell.quiet("rm -rf first")?;
        first.all.push(timed(shell, server, &check("first"), 0)?);
        idle.all.push(timed(shell, server, &check("idle"), 10)?);
    }
    server.set(Faults { gzip: true, ..Faults::default() });
    let mut coded = Step { name: CODED, all: Vec::new() };
    for _ in 0..runs {
        shell.quiet("rm -rf first")?;
        coded.all.push(timed(shell, server, &check("first"), 0)?);
    }
    server.set(Faults::default());
    Ok([first, coded, idle])
}

fn timed(shell: &Shell, server: &Server, line: &str, code: i32) -> Result<Took> {
    server.clear();
    let started = Instant::now();
    let said = shell.run(&format!("{TIME} {line}"))?;
    let wall_s = started.elapsed().as_secs_f64();
    said.expect(code)?;
    let rss_kib = Usage::of_last(shell.folder())?.rss_kib;
    let fetched = server.bytes_sent() + server.head_bytes();
    Ok(Took { wall_s, rss_kib, fetched, requests: server.log().len() as u64 })
}

/// Adds the release of this number to the draft.
fn add(shell: &Shell, number: u64) -> Result<()> {
    describe(shell, number)?;
    // The first has none to come from.
    let from = match bases(number, u64::MAX) {
        0 => String::new(),
        bases => format!(" --delta-from {bases}"),
    };
    shell.quiet(&ADD.replace(" --delta-from 1", &from)).map(drop)
}

/// From how many releases one comes by deltas. A release is six targets, and three for each base: ten in the mean.
fn bases(number: u64, releases: u64) -> u64 {
    let wanted = if number % 3 == 2 && number + 1 < releases { 2 } else { 1 };
    wanted.min(number)
}

/// Writes a release folder: images of noise that all releases share, but for one block of its own in each.
fn describe(shell: &Shell, number: u64) -> Result<()> {
    let version = version(number);
    release_folder::write(&shell.folder().join("release"), &version, |image, path| {
        let own = usize::try_from(number)? % BLOCKS;
        let bytes: Vec<u8> = (0..BLOCKS)
            .flat_map(|block| {
                let number = if block == own { format!(" {number}") } else { String::new() };
                noise(&format!("{image} {block}{number}"))
            })
            .collect();
        Ok(fs::write(path, bytes)?)
    })
}

/// A block that does not compress, so that a delta without it is worth its name.
fn noise(seed: &str) -> Vec<u8> {
    let part = |part: usize| *Digest::of(format!("{seed} {part}").as_bytes()).bytes();
    (0..BLOCK / 32).flat_map(part).collect()
}

fn version(number: u64) -> Version {
    Version::new(1, number / 100, number % 100)
}

/// Blocks of an image, and bytes of a block.
const BLOCKS: usize = 8;
const BLOCK: usize = 4096;
const ADD: &str = "updog-repo --repo repo release add release --level 1 --delta-from 1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_brings_ten_targets_in_the_mean() {
        let targets =
            |releases: u64| (0..releases).map(|number| 6 + 3 * bases(number, releases)).sum::<u64>();
        assert_eq!([targets(10), targets(1000)], [96, 9996]);
        assert_eq!(noise("root 1").len(), BLOCK);
        assert_ne!(noise("root 1"), noise("root 1 7"));
    }

    #[test]
    fn a_step_says_its_median_and_what_was_asked_for() {
        let took = |wall_s, requests| Took { wall_s, rss_kib: 20 << 10, fetched: 3453, requests };
        let step =
            |requests| Step { name: IDLE, all: [0.3, 0.1, 0.2].map(|wall| took(wall, requests)).into() };
        assert_eq!(step(2).to_string(), "0.20 s, 20 MiB, 3453 in 2");
        assert_eq!(step(0).to_string(), "0.20 s, 20 MiB");
    }
}
