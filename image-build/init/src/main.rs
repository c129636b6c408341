//! `/init` of the initramfs.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::process::id() != 1 {
        eprintln!("error: updog-init is the init of an initramfs and does nothing elsewhere");
        return ExitCode::from(2);
    }
    updog_init::boot();
    ExitCode::FAILURE
}
