//! The command line. The library below never prints; all words people and programs read are said here.

mod answer;
mod build;
mod layout;
mod list;
mod run;
mod show;
mod verify;
mod which;

use clap::{Parser, Subcommand};

use answer::{Answer, USAGE, answer, said, say_words};

/// Makes, shows, runs and checks images for updog hosts.
#[derive(Debug, Parser)]
#[command(name = "updog-image", version)]
struct Command {
    #[command(subcommand)]
    verb: Verb,
    /// Answer with one JSON object on stdout, progress as JSON lines on stderr.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Build a disk and a release folder from a recipe.
    Build(Box<build::Build>),
    /// List the variants of this workspace.
    List(list::List),
    /// Show a recipe as it is meant.
    Show(show::Show),
    /// Start a built image in QEMU; its serial port is this terminal.
    Run(run::Run),
    /// Open a built image again and check all of it.
    Verify(verify::Verify),
    /// Make a disk file with two slots, PRIVATE and DATA.
    Layout(layout::LayOut),
}

/// Parses the command line, does what it says, prints the answer; the exit code.
pub fn run() -> u8 {
    let Command { verb, json } = match Command::try_parse() {
        Ok(command) => command,
        Err(found) if std::env::args_os().any(|word| word == "--json") => return say_words(&found),
        // Help and version are answers; the rest is usage.
        Err(found) => {
            if found.use_stderr() {
                let _ = found.print();
                return USAGE;
            }
            return said(found.print(), 0);
        }
    };
    let (name, result) = match verb {
        Verb::Build(verb) => ("build", verb.run(json)),
        Verb::List(verb) => ("list", verb.run()),
        Verb::Show(verb) => ("show", verb.run()),
        Verb::Run(verb) => ("run", verb.run(json)),
        Verb::Verify(verb) => ("verify", verb.run(json)),
        Verb::Layout(verb) => ("layout", verb.run()),
    };
    answer(name, json, result)
}
