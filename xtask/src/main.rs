//! The project's own commands: `cargo xtask COMMAND`.

mod bench;
mod ci;
mod conformance;
mod cuts;
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
mod same_bytes;
mod serve;
mod setup;
mod shell;
mod test;
mod vm;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install the Debian packages that the commands need, or say which are missing.
    Setup(setup::Args),
    /// The whole route on a real disk image: publish, update, fail, come back.
    Demo(demo::Args),
    /// All tests of the workspace, doc tests included.
    Test(test::Args),
    /// Everything that must hold before a change lands.
    Ci(ci::Args),
    /// Print the crate graph by level; fail on an arrow that points up.
    Layers,
    /// Check licences, bans and sources; advisories with `--db`.
    Deny(deny::Args),
    /// Cut power at every disk operation; count durable states and the unbootable ones.
    Cuts(cuts::Args),
    /// Measure builds and boots.
    Bench(bench::Args),
    /// Boot the image in an emulator: updates, damage, and the way back.
    Qemu(vm::Args),
    /// What QEMU starts for each connection of a guest.
    #[command(hide = true)]
    Pipe(vm::pipe::Args),
    /// Build an image twice, the second time in another place, and compare the bytes.
    SameBytes(same_bytes::Args),
    /// Run the official TUF conformance suite against our client.
    Conformance(conformance::Args),
    /// Read our repositories with tuftool, and take those that it makes.
    Interop,
    /// What the slot selector does on one boot: choose, spend a try, say why.
    Firmware(firmware::Args),
    /// Serve a folder over HTTP, with faults if asked for.
    Serve(serve::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Setup(args) => setup::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Ci(args) => ci::run(&args),
        Command::Layers => layers::run(),
        Command::Deny(args) => deny::run(&args),
        Command::Cuts(args) => cuts::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Qemu(args) => vm::run(&args),
        Command::Pipe(args) => vm::pipe::run(&args),
        Command::SameBytes(args) => same_bytes::run(&args),
        Command::Conformance(args) => conformance::run(&args),
        Command::Interop => interop::run(),
        Command::Firmware(args) => firmware::run(&args),
        Command::Serve(args) => serve::run(&args),
    }
}
