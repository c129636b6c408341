//! `signpost`: shows and edits slot flags, nothing else.
//!
//! Bottlerocket's nine verbs with its preconditions. They are flags only: no image is read, and none of updog's promises
//! about what was read back holds for them.

mod answer;
mod host;
mod status;
mod verb;

use std::process::ExitCode;

use clap::Parser;
use partition_disk::command::Command;

use answer::Answer;

fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(found) if std::env::args_os().any(|word| word == "--json") => return answer::say_words(&found),
        Err(usage) => {
            // Bottlerocket's exit code of a wrong command line; help and version are no errors.
            if usage.use_stderr() {
                let _ = usage.print();
                return ExitCode::FAILURE;
            }
            return answer::said(usage.print(), 0);
        }
    };
    let answer = verb::run(&command).unwrap_or_else(|error| Answer::failed(&error));
    answer.print(command.verb, command.json)
}
