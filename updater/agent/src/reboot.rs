//! Restarting the machine: after everything is durable, and never from a disk image.

use std::os::unix::process::ExitStatusExt;

use signal_hook::consts::SIGTERM;

use crate::context::Context;
use crate::{Error, Result};

/// Asks init for a restart. `done` is the result of the verb: it stands already, so a signal that the restart sends us loses
/// nothing, and a restart that fails says so.
pub(crate) fn reboot(ctx: &Context<'_>, done: &str) -> Result<()> {
    let done = done.to_owned();
    if !ctx.machine.runs() {
        return Err(Error::Reboot { done, detail: "a disk image is not restarted".to_owned() });
    }
    let mut tried = Vec::new();
    for (program, arguments) in COMMANDS {
        match ctx.machine.program(program).args(arguments).status() {
            Ok(status) if status.success() => return Ok(()),
            // As part of a unit it is stopped with us: by the very restart that it has asked for.
            Ok(status) if status.signal() == Some(SIGTERM) => return Ok(()),
            Ok(status) => tried.push(format!("{program} ended with {status}")),
            Err(error) => tried.push(format!("{program}: {error}")),
        }
    }
    Err(Error::Reboot { done, detail: tried.join(", ") })
}

const COMMANDS: [(&str, &[&str]); 2] = [("systemctl", &["reboot"]), ("reboot", &[])];
