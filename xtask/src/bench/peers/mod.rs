//! `bench peers`: updog and others on one pair of images and one slot, in one run.

mod bars;
mod casync;
mod device;
mod entrant;
mod floor;
mod ground;
mod ostree;
mod own;
mod pair;
mod rauc;
pub(super) mod row;
mod sizes;
mod svg;
mod swupdate;
pub(super) mod table;
mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::builder::PossibleValuesParser;

use super::usage;
use crate::workspace::Workspace;
use crate::{process, setup};
use bars::Verdict;
use entrant::Family;
use ground::Ground;
use pair::Pair;
use row::{Row, Sample};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// MiB of each image.
    #[arg(long, default_value_t = MIB, value_parser = clap::value_parser!(u64).range(64..))]
    mib: u64,
    /// How often each is run; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// zstd's level for our frames and records, and for RAUC's bundles.
    #[arg(long, default_value_t = 9)]
    level: i32,
    /// Only these; bars between them and others stay open.
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(FAMILIES.map(|family| family.name)))]
    only: Vec<String>,
    /// Without the image four times as long, with which updog shows that its memory does not grow, and which takes 20 GB of disk; the bars
    /// about it stay open.
    #[arg(long)]
    small: bool,
}

impl Args {
    /// Files of a run of all, as the README has them, are not written over by a part.
    fn files(&self) -> [&'static str; 2] {
        let whole = self.only.is_empty() && self.mib == MIB && !self.small;
        if whole { ["peers.json", "peers.svg"] } else { ["peers-part.json", "peers-part.svg"] }
    }
}

/// What the bars are about.
const MIB: u64 = 1024;

const FAMILIES: [Family; 6] =
    [floor::FAMILY, own::FAMILY, swupdate::FAMILY, rauc::FAMILY, casync::FAMILY, ostree::FAMILY];

pub(super) fn run(args: &Args) -> Result<()> {
    setup::ensure(&[setup::Use::Bench])?;
    device::needs_root()?;
    let families: Vec<&Family> = FAMILIES
        .iter()
        .filter(|family| args.only.is_empty() || args.only.iter().any(|name| name == family.name))
        .collect();
    let programs = usage::programs()?;

    let started = Instant::now();
    let target = Workspace::load()?.target_directory;
    let folder = target.join("bench");
    let pair = Pair::make(&folder.join(format!("pair-{}", args.mib)), args.mib)?;
    let large = if args.small { Vec::new() } else { large(&folder, &programs, &pair, args.level)? };
    let ground = Ground::new(&folder.join(format!("peers-{}", args.mib)), &programs, pair, args.level)?;
    let mut rows = race(&ground, &families, args.runs);
    rows.extend(large);
    rows.extend(sizes::zstd(&ground));
    if families.iter().any(|family| family.name == own::FAMILY.name) {
        rows.extend(sizes::own(&ground));
    }
    if families.iter().any(|family| family.name == ostree::FAMILY.name) {
        rows.push(sizes::ostree(&ground));
    }

    let bars = bars::bars(&rows);
    print!("\n{}\n", table::table(&rows));
    for bar in &bars {
        println!("{bar}");
    }
    let [json, svg] = args.files();
    fs::write(folder.join(json), format!("{}\n", serde_json::to_string_pretty(&rows)?))?;
    fs::write(folder.join(svg), svg::svg(&rows, args.mib))?;
    println!(
        "# {} runs of each, {} s; in {}: {json}, {svg}.",
        args.runs,
        started.elapsed().as_secs(),
        process::shown(&folder)
    );
    let count = |verdict| bars.iter().filter(|bar| bar.verdict() == verdict).count();
    let (short, open) = (count(Verdict::FallsShort), count(Verdict::Open));
    println!("# {} bars: {short} fall short, {open} are open.", bars.len());
    let broken = broken(&rows);
    ensure!(broken.is_empty(), "these must run and did not: {}", broken.join(", "));
    ensure!(short == 0, "{short} of {} bars fall short", bars.len());
    Ok(())
}

/// Rows of ours, and of the floor that they are judged by, that have no figures: the bars that they leave open are no
/// peer's fault.
fn broken(rows: &[Row]) -> Vec<&str> {
    let failed = rows.iter().filter(|row| row.error.is_some()).map(|row| row.name.as_str());
    failed.filter(|name| must_run(name)).collect()
}

fn must_run(name: &str) -> bool {
    let name = name.strip_suffix(&larger("")).unwrap_or(name);
    let mut entrants = floor::FAMILY.entrants.iter().chain(own::FAMILY.entrants);
    entrants.any(|entrant| entrant.name == name) || [sizes::FRAMES, sizes::RECORDS].contains(&name)
}

/// Runs of updog alone with images four times as long.
fn large(folder: &Path, programs: &Path, pair: &Pair, level: i32) -> Result<Vec<Row>> {
    println!("# The same images four times in a row, for memory.");
    let pair = pair.repeated(&folder.join(format!("pair-{}x{LARGER}", pair.mib)), LARGER)?;
    let ground = Ground::new(&folder.join(format!("peers-{}", pair.mib)), programs, pair, level)?;
    let rows = race(&ground, &[&own::FAMILY], 1);
    Ok(rows.into_iter().map(|row| Row { name: larger(&row.name), ..row }).collect())
}

/// The name of such a row.
fn larger(name: &str) -> String {
    format!("{name}, image x {LARGER}")
}

const LARGER: u64 = 4;

/// In turns, so that what disturbs the machine disturbs all of them.
fn race(ground: &Ground, families: &[&Family], runs: u32) -> Vec<Row> {
    let mut found: BTreeMap<&str, Vec<Result<Sample, String>>> = BTreeMap::new();
    let mut failed: BTreeMap<&str, String> = BTreeMap::new();
    for family in families {
        if let Err(error) = (family.make)(ground) {
            failed.insert(family.name, said(&error));
        }
    }
    for run in 1..=runs {
        for family in families {
            for entrant in family.entrants {
                let sample = match failed.get(family.name) {
                    Some(error) => Err(error.clone()),
                    None => entrant.once(ground).map_err(|error| said(&error)),
                };
                match &sample {
                    Ok(sample) => println!("{run}: {:<36} {:>8.2} s", entrant.name, sample.wall_s),
                    Err(error) => println!("{run}: {:<36} did not run: {error}", entrant.name),
                }
                found.entry(entrant.name).or_default().push(sample);
            }
        }
    }
    let entrants = families.iter().flat_map(|family| family.entrants);
    entrants
        .map(|entrant| Row::of(entrant.name, entrant.note, &found.remove(entrant.name).unwrap_or_default()))
        .collect()
}

fn said(error: &anyhow::Error) -> String {
    format!("{error:#}").replace('\n', "; ")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn a_peer_may_be_missing_and_updog_may_not() {
        let failed = |name: &str| Row::of(name, "", &[Err("the slot holds other bytes".to_owned())]);
        let (peer, large) = (failed(casync::DELTA), failed(&larger(own::RESUME)));
        let all = [peer, failed(own::FULL), large, failed(floor::WRITE), failed(sizes::RECORDS)];
        let [_, ours @ ..] = all.each_ref().map(|row| row.name.as_str());
        assert_eq!(broken(&all), ours);
        assert!(broken(&[Row::of(own::FULL, "", &[Ok(Sample::default())])]).is_empty());
    }

    #[test]
    fn a_part_leaves_the_files_of_a_whole_run_alone() {
        #[derive(clap::Parser)]
        struct Typed {
            #[command(flatten)]
            args: Args,
        }
        let files = |line: &str| Typed::parse_from(line.split(' ')).args.files()[0];
        assert_eq!(files("peers --runs 1"), "peers.json");
        for part in ["peers --mib 256", "peers --only updog", "peers --small"] {
            assert_eq!(files(part), "peers-part.json", "{part}");
        }
    }

    #[test]
    fn a_name_that_nobody_has_is_refused() {
        #[derive(clap::Parser)]
        struct Typed {
            #[command(flatten)]
            args: Args,
        }
        let typed = |only| Typed::try_parse_from(["peers", "--only", only]).map(|typed| typed.args.only);
        assert_eq!(typed("floor,updog").unwrap(), ["floor", "updog"]);
        assert!(typed("floor,updgo").unwrap_err().to_string().contains("swupdate"));
    }
}
