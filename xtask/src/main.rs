//! The project's own commands: `cargo xtask COMMAND`.

mod bench;
mod ci;
mod command;
mod conformance;
mod cuts;
mod deb;
mod demo;
mod deny;
mod firmware;
mod interop;
mod layers;
mod lengths;
mod links;
mod needs;
mod process;
mod promises;
mod python;
mod release_folder;
mod same_bytes;
mod serve;
mod setup;
mod shell;
mod test;
mod tool;
mod vm;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

use command::Command;

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
