//! `serve`: a folder over HTTP, honestly or with faults.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use fixtures::server::{Faults, Server};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder to serve.
    folder: PathBuf,
    /// Where to listen; a free port when it ends in 0.
    #[arg(long, default_value = "127.0.0.1:0")]
    address: String,
    /// Such as `no-ranges,cut=1000000,slow=2M,status=503,only=.zst`; an unknown one prints them all.
    #[arg(long, default_value = "")]
    faults: Faults,
}

/// Prints its URL, then serves until it is killed.
pub(crate) fn run(args: &Args) -> Result<()> {
    if !args.folder.is_dir() {
        bail!("{} is no folder", args.folder.display());
    }
    let server = Server::start_on(&args.address, &args.folder, args.faults.clone())
        .with_context(|| format!("failed to listen on {}", args.address))?;
    println!("{}", server.url());
    loop {
        std::thread::park();
    }
}
