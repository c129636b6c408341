//! `signpost`: shows and edits slot flags, nothing else.
//!
//! Bottlerocket's nine verbs with its preconditions. They are flags only: no image is read, and none of updog's promises
//! about what was read back holds for them.

mod answer;
mod host;
mod status;
mod verb;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use partition_core::Slot;

use answer::Answer;
use verb::Verb;

/// Shows and edits the slot flags of a disk. The verbs change flags only: no image is checked.
#[derive(Debug, Parser)]
#[command(version)]
struct Command {
    /// The disk: a block device or an image file; without it the one this host runs from.
    #[arg(long, global = true, value_name = "DEV|FILE")]
    disk: Option<PathBuf>,
    /// The slot that counts as active, for a disk that this host does not run from.
    #[arg(long, global = true, value_name = "A|B")]
    booted: Option<Slot>,
    /// The state folder that updog is configured with: the run lock is there.
    #[arg(long, global = true, value_name = "DIR", default_value = "/var/lib/updog")]
    state: PathBuf,
    /// Answer with one JSON object.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(found) if std::env::args_os().any(|word| word == "--json") => return answer::say_words(&found),
        Err(usage) => {
            // Bottlerocket's exit code of a wrong command line; help and version are no errors.
            let wrong = usage.use_stderr();
            let _ = usage.print();
            return ExitCode::from(u8::from(wrong));
        }
    };
    let answer = command.verb.run(&command).unwrap_or_else(|error| Answer::failed(&error));
    answer.print(command.verb, command.json)
}
