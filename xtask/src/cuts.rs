//! `cuts`: power is cut at every disk operation; what is left must boot.

mod recorded;

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::process;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many distinct durable disk states to reach, over all sweeps together.
    #[arg(long, value_name = "NUMBER", default_value_t = STATES)]
    states: u64,
    /// Cut the writes that an emulated machine's disk saw during an update: record a run, or read FILE.
    ///
    /// Beside FILE lie `before.img`, perhaps `after.img`, and the release folders.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "", conflicts_with = "states")]
    qemu_log: Option<Source>,
    /// How many distinct states between flushes to rebuild.
    #[arg(long, value_name = "NUMBER", default_value_t = POINTS, requires = "qemu_log")]
    points: usize,
    /// Names the sample, to repeat a run; drawn from the clock when left out.
    #[arg(long, value_name = "NUMBER", requires = "qemu_log")]
    seed: Option<u64>,
    /// Build the images from the programs in this folder, as `updog-image build --programs` does.
    #[arg(long, value_name = "DIR", requires = "qemu_log")]
    programs: Option<PathBuf>,
    /// Leave out booting five of the states.
    #[arg(long, requires = "qemu_log")]
    no_boot: bool,
}

/// Which recorded run.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// One that is recorded now.
    New,
    /// The one whose log is this file.
    Log(PathBuf),
}

impl From<OsString> for Source {
    fn from(typed: OsString) -> Self {
        if typed.is_empty() { Self::New } else { Self::Log(typed.into()) }
    }
}

/// What CI asks for.
const STATES: u64 = 20_000;
/// Between the flushes of a recorded run.
const POINTS: usize = 2_000;

impl Default for Args {
    fn default() -> Self {
        Self { states: STATES, qemu_log: None, points: POINTS, seed: None, programs: None, no_boot: false }
    }
}

/// Runs the test targets called `power_cut` and adds up the lines in which they say what they found.
pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.qemu_log {
        Some(log) => {
            let options = recorded::Options {
                points: args.points,
                seed: args.seed,
                programs: args.programs.clone(),
                boot: !args.no_boot,
            };
            recorded::run(log, &options)
        }
        None => sweep(args),
    }
}

/// Records a run now and cuts it, as CI does.
pub(crate) fn recorded_now() -> Result<()> {
    run(&Args { qemu_log: Some(Source::New), ..Args::default() })
}

fn sweep(args: &Args) -> Result<()> {
    let mut command =
        process::cargo(&["test", "--quiet", "--workspace", "--test", "power_cut", "--no-fail-fast"]);
    command.args(["--", "--nocapture"]).env("UPDOG_CUTS", args.states.to_string());
    let mut child = command.stdout(Stdio::piped()).spawn().context("failed to start cargo test")?;
    let mut total = Found::default();
    let mut rest = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.context("failed to read the output of cargo test")?;
            match Found::parse(&line) {
                Some(found) => {
                    total.states += found.states;
                    total.unbootable += found.unbootable;
                    println!("{line}");
                }
                None => rest.push(line),
            }
        }
    }
    let status = child.wait().context("failed to wait for cargo test")?;
    println!("{} distinct durable states, unbootable: {}", total.states, total.unbootable);
    if !status.success() {
        bail!("a sweep failed:\n{}", rest.join("\n"));
    }
    if total.unbootable > 0 {
        bail!("some states do not boot");
    }
    if total.states < args.states {
        bail!("only {} states were reached, {} were asked for", total.states, args.states);
    }
    Ok(())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    states: u64,
    unbootable: u64,
}

impl Found {
    /// `cuts: NAME states=N unbootable=N`, also behind what the test runner wrote on the same line.
    fn parse(line: &str) -> Option<Self> {
        let (_, rest) = line.split_once("cuts: ")?;
        let figure = |key: &str| rest.split_once(key)?.1.split_whitespace().next()?.parse().ok();
        Some(Self { states: figure("states=")?, unbootable: figure("unbootable=")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_sweeps_count() {
        let found = Some(Found { states: 12, unbootable: 3 });
        assert_eq!(Found::parse("cuts: arm then confirm states=12 unbootable=3"), found);
        assert_eq!(Found::parse(".cuts: arm states=12 unbootable=3"), found);
        assert_eq!(Found::parse("test cuts ... ok"), None);
    }
}
