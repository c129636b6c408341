//! `/init` of the initramfs.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::process::id() != 1 {
        eprintln!("error: updog-init is the init of an initramfs and does nothing elsewhere");
        return ExitCode::from(2);
    }
    let Err(error) = updog_init::boot();
    updog_init::restart(&error);
    ExitCode::FAILURE
}
