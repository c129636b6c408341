//! `cuts --qemu-log`: the writes of a recorded run, cut everywhere.
//!
//! QEMU logs every write, discard and flush that a guest's disk completes. From the disk before and that log the disk is
//! rebuilt as a power cut may leave it, judged on the host, and a few such disks are booted.

mod boots;
mod check;
mod disk;
#[cfg(test)]
mod encode;
mod images;
mod judge;
mod plan;
mod record;
mod run;
#[cfg(test)]
mod tests;
mod window;
mod write_log;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use partition_core::{Slot, Slots};

use super::Source;
use crate::workspace::Workspace;
use check::{Report, check};
use plan::Wanted;
use run::Run;

/// Where a recorded run lies.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// The disk before the first write.
    pub(crate) before: PathBuf,
    /// The log.
    pub(crate) log: PathBuf,
    /// The disk as it was left, if it was kept.
    pub(crate) after: Option<PathBuf>,
    /// The release folders of what the slots may hold.
    pub(crate) releases: Vec<PathBuf>,
}

/// How to check it.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) points: usize,
    pub(super) seed: Option<u64>,
    pub(super) programs: Option<PathBuf>,
    pub(super) boot: bool,
}

impl Recorded {
    /// What lies beside a log: `before.img`, perhaps `after.img`, and every release folder.
    fn beside(log: &Path) -> Result<Recorded> {
        let folder = log.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let named = || format!("failed to list {}", folder.display());
        let mut releases = Vec::new();
        for entry in std::fs::read_dir(folder).with_context(named)? {
            let path = entry.with_context(named)?.path();
            // A release folder, or what an image build leaves with one in it.
            let folders = [path.join("release"), path];
            releases
                .extend(folders.into_iter().find(|folder| folder.join(release::folder::FILE_NAME).is_file()));
        }
        releases.sort();
        let after = Some(folder.join("after.img")).filter(|after| after.is_file());
        Ok(Recorded { before: folder.join("before.img"), log: log.to_owned(), after, releases })
    }
}

/// Checks a log that was recorded before, or records one.
pub(super) fn run(source: &Source, options: &Options) -> Result<()> {
    let recorded = match source {
        Source::Log(log) => Recorded::beside(log)?,
        Source::New => {
            println!("recording an update in an emulated machine");
            record::record(
                &Workspace::load()?.target_directory.join("qemu-log"),
                options.programs.as_deref(),
            )?
        }
    };
    let start = Instant::now();
    let mut run = Run::load(&recorded.before, &recorded.log, &recorded.releases)?;
    let seed = options.seed.unwrap_or_else(fresh_seed);
    println!("seed {seed} (to repeat: --seed {seed})");
    if let Some(after) = &recorded.after {
        check::leads_to(&run, after)?;
        println!("the log leads to the disk that was left, byte for byte");
    }
    let report = check(&run, Wanted { points: options.points, drawn: DRAWN, seed })?;
    print(&report, start.elapsed());
    accept(&report, options.points)?;
    if options.boot {
        boot(&run, &report, recorded.log.parent().unwrap_or(Path::new(".")))?;
    }
    control(&mut run, seed)
}

/// Boots the states that were drawn.
fn boot(run: &Run, report: &Report, folder: &Path) -> Result<()> {
    let paths = check::save(run, &report.drawn, folder)?;
    for (path, cut) in paths.iter().zip(&report.drawn) {
        println!("{cut}");
        let start = Instant::now();
        boots::boot(path, cut.slot, &cut.release)
            .with_context(|| format!("failed to boot {}", path.display()))?;
        println!("  up and healthy, {} s", start.elapsed().as_secs());
        std::fs::remove_file(path).with_context(|| format!("failed to remove {}", path.display()))?;
    }
    Ok(())
}

/// The same writes without a flush between them must leave states that do not boot, or the check sees nothing.
fn control(run: &mut Run, seed: u64) -> Result<()> {
    run.log.forget_flushes();
    let report = check(run, Wanted { points: CONTROL, drawn: 0, seed })?;
    println!(
        "control: without its flushes the log leaves {} of {} states unbootable",
        report.unbootable, report.states
    );
    ensure!(report.unbootable > 0, "the check finds nothing wrong with a build that never flushes");
    Ok(())
}

fn print(report: &Report, took: Duration) {
    for flags in &report.flags {
        println!("  A {}, B {}", shown(flags, Slot::A), shown(flags, Slot::B));
    }
    println!(
        "{} flushes, {} points between them, {} distinct durable states ({} for the selector), unbootable: {}",
        report.flushes, report.points, report.states, report.judged, report.unbootable
    );
    println!("a whole slot within {} boots, {} s", report.boots, took.as_secs());
}

fn shown(flags: &Slots, slot: Slot) -> String {
    flags.get(slot).map_or_else(|| "none".to_owned(), |flags| flags.to_string())
}

/// A log without an update in it, or one that is too short, would hold whatever the build does.
fn accept(report: &Report, points: usize) -> Result<()> {
    if report.unbootable > 0 {
        bail!("some states do not boot:\n  {}", report.examples.join("\n  "));
    }
    ensure!(report.points >= points, "only {} points were reached, {points} were asked for", report.points);
    match &report.releases {
        (Some(from), Some(to)) if from != to => {
            println!("{from} boots before the first write, {to} after the last");
            Ok(())
        }
        (from, to) => bail!("expected an update in the log, found {from:?} before it and {to:?} after it"),
    }
}

fn fresh_seed() -> u64 {
    chrono::Utc::now().timestamp_micros().unsigned_abs()
}

/// States that are booted.
const DRAWN: usize = 5;
/// States of the control.
const CONTROL: usize = 200;
