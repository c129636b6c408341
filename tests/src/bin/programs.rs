//! `updog` and `updog-repo` in one file, by the name it is called: a test finds the programs of its own package only.

use std::path::Path;
use std::process::ExitCode;

use updog::interrupt::Interrupt;

fn main() -> ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    match Path::new(&called).file_name().and_then(|name| name.to_str()) {
        Some("updog") => updog::run(std::env::args_os(), &Interrupt::default()),
        Some("updog-repo") => ExitCode::from(updog_repo::cli::run()),
        _ => {
            eprintln!("error: {} is neither updog nor updog-repo", called.display());
            ExitCode::from(2)
        }
    }
}
