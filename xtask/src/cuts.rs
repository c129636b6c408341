//! `cuts`: power is cut at every disk operation; what is left must boot.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::process;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many distinct durable disk states to reach, over all sweeps together.
    #[arg(long, value_name = "NUMBER", default_value_t = STATES)]
    states: u64,
}

/// What CI asks for.
const STATES: u64 = 20_000;

impl Default for Args {
    fn default() -> Self {
        Self { states: STATES }
    }
}

/// Runs the test targets called `power_cut` and adds up the lines in which they say what they found.
pub(crate) fn run(args: &Args) -> Result<()> {
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
