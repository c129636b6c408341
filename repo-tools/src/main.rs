//! The release engineer's program; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(updog_repo::cli::run())
}
