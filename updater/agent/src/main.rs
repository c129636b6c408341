//! The host program: reads the command line, runs one verb, shows its answer.

use std::io::{Write as _, stderr};
use std::process::ExitCode;

use updog::interrupt::Interrupt;

fn main() -> ExitCode {
    let interrupt = Interrupt::on_signals().unwrap_or_else(|error| {
        // Without the flag a signal ends the process at once, which loses nothing either (P7).
        let _ = writeln!(stderr(), "note: signals end this run at once ({error}).");
        Interrupt::default()
    });
    updog::run(std::env::args_os(), &interrupt)
}
