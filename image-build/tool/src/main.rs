//! `updog-image`: makes, shows, runs and checks images for updog hosts; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(updog_image::cli::run())
}
