//! `conformance`: the official TUF client suite against our client.

use std::path::PathBuf;

use anyhow::{Result, bail};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A checkout of theupdateframework/tuf-conformance.
    #[arg(long, value_name = "DIR")]
    pub(crate) suite: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    bail!("not here yet: {}", args.suite.display())
}
