//! `/usr/bin/updog-tiny`, also under the names `reboot` and `poweroff`.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use updog_tiny::stop::{self, Stop};

fn main() -> ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    let asked = match Path::new(&called).file_name().and_then(|name| name.to_str()) {
        Some("reboot") => stop::ask(Stop::Restart),
        Some("poweroff") => stop::ask(Stop::PowerOff),
        _ if std::process::id() == 1 => updog_tiny::pid1(),
        _ => Err("updog-tiny is the init of a test image and does nothing elsewhere".to_owned()),
    };
    match asked {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // As PID 1 the console may be what is gone.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
