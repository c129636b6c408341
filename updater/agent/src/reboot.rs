//! Restarting the machine: after everything is durable, and never from a disk image.

use std::process::Command;

use crate::context::Context;
use crate::{Error, Result};

/// Asks init for a restart. The result of the verb stands already, so a signal that the restart sends us loses nothing.
pub(crate) fn reboot(ctx: &Context<'_>) -> Result<()> {
    if !ctx.machine.is_live() {
        return Err(Error::Reboot { detail: "a disk image is not restarted".to_owned() });
    }
    let mut tried = Vec::new();
    for (program, arguments) in COMMANDS {
        match Command::new(program).args(arguments).status() {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => tried.push(format!("{program} ended with {status}")),
            Err(error) => tried.push(format!("{program}: {error}")),
        }
    }
    Err(Error::Reboot { detail: tried.join(", ") })
}

const COMMANDS: [(&str, &[&str]); 2] = [("systemctl", &["reboot"]), ("reboot", &[])];
