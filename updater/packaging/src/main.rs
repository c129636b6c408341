//! `updog-pages`: writes the manual pages and the completions of `updog` and `signpost` into a folder.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Writes manual pages (man/) and completions (completions/) of updog and signpost.
#[derive(Debug, Parser)]
struct Cli {
    /// The folder; it is made.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

fn main() -> ExitCode {
    let Cli { out } = Cli::parse();
    match updog_packaging::write(&out) {
        Ok(count) => {
            println!("{count} files: {}", out.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: failed to write pages to {}: {error}", out.display());
            ExitCode::FAILURE
        }
    }
}
