//! `bench`: what is measured by clocks, and so stands in no test.

mod boot;
mod daemon;
mod peers;
mod real;
mod scale;
mod usage;
mod weigh;

use anyhow::{Result, ensure};

use crate::process;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// Only the parts with this in their name.
    filter: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Builds of images and emulated boots.
    Boot(boot::Args),
    /// The idle daemon's memory.
    Daemon(daemon::Args),
    /// Installs and updates: ours and others', in one run.
    Peers(peers::Args),
    /// A Debian 12 without and with its security updates: bytes by each way.
    Real(real::Args),
    /// A repository of 1,000 releases: publishing, and a host's look.
    Scale(scale::Args),
}

pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.what {
        Some(What::Boot(args)) => boot::run(args),
        Some(What::Daemon(args)) => daemon::run(args),
        Some(What::Peers(args)) => peers::run(args),
        Some(What::Real(args)) => real::run(args),
        Some(What::Scale(args)) => scale::run(args),
        None => parts(args.filter.as_deref()),
    }
}

/// The parts that an update is made of, by criterion.
fn parts(filter: Option<&str>) -> Result<()> {
    let bench = || {
        let mut bench = process::cargo(&["bench", "--locked", "-p", "updog-bench", "--bench", "parts", "--"]);
        bench.args(filter);
        bench
    };
    if let Some(filter) = filter {
        let named = process::output(bench().arg("--list"))?;
        ensure!(!named.trim().is_empty(), "no part has {filter:?} in its name, and no bench is called so");
    }
    process::run(&mut bench())
}

/// A figure, and what it must not exceed.
#[derive(Debug)]
struct Bar {
    what: &'static str,
    unit: &'static str,
    /// Of all runs.
    found: Vec<f64>,
    limit: f64,
}

impl Bar {
    fn median(&self) -> f64 {
        median(self.found.clone()).unwrap_or(f64::INFINITY)
    }

    fn holds(&self) -> bool {
        self.median() <= self.limit
    }
}

/// The one in the middle; of an even number the upper one of the two, so that it is one that was measured.
fn median<T: PartialOrd + Copy>(mut all: Vec<T>) -> Option<T> {
    all.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    all.get(all.len() / 2).copied()
}

/// A line per bar; an error when one falls short.
fn tell(bars: &[Bar]) -> Result<()> {
    for bar in bars {
        let verdict = if bar.holds() { "holds" } else { "falls short" };
        let all: Vec<String> = bar.found.iter().map(|found| format!("{found:.2}")).collect();
        println!(
            "{:<44} {:>7.2} {} of {:<5} {verdict:<12} ({})",
            bar.what,
            bar.median(),
            bar.unit,
            bar.limit,
            all.join(", ")
        );
    }
    let short = bars.iter().filter(|bar| !bar.holds()).count();
    ensure!(short == 0, "{short} of {} bars fall short", bars.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_one_of_them() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4, 1, 3, 2]), Some(3));
        assert_eq!(median(Vec::<u64>::new()), None);
    }

    #[test]
    fn a_bar_is_held_by_the_median_and_not_by_nothing() {
        let bar = |found: &[f64]| Bar { what: "x", unit: "s", found: found.to_vec(), limit: 2.0 };
        assert!(bar(&[9.0, 1.0, 2.0]).holds());
        assert!(!bar(&[1.0, 2.1, 2.1]).holds());
        assert!(!bar(&[]).holds());
        tell(&[bar(&[1.0]), bar(&[3.0])]).expect_err("one falls short");
    }
}
