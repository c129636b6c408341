//! `cuts`: power is cut at every disk operation; what is left must boot.

use anyhow::Result;

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// How many distinct durable disk states to reach at least.
    #[arg(long, value_name = "NUMBER")]
    states: Option<u64>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    anyhow::bail!("{:?}", args.states)
}
