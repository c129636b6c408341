//! Restarting the machine: after everything is durable, and never from a disk image.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use signal_hook::consts::SIGTERM;

use crate::context::Context;
use crate::execs::{self, Ended, Limit};
use crate::interrupt::Interrupt;
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
        let mut command = ctx.machine.program(program);
        command.args(arguments);
        // Not interrupted by the signal that the restart itself sends us.
        let ran = execs::run(command, Limit::of(PATIENCE), &Interrupt::default())?;
        // As part of a unit it is stopped with us: by the very restart that it has asked for.
        if matches!(&ran.ended, Ended::Status(status) if status.signal() == Some(SIGTERM)) {
            return Ok(());
        }
        match execs::failure(&ran) {
            None => return Ok(()),
            Some(how) => tried.push(format!("{program} {how}")),
        }
    }
    Err(Error::Reboot { done, detail: tried.join(", ") })
}

/// As long as `systemctl` itself waits for an answer, and a little more.
const PATIENCE: Duration = Duration::from_secs(40);

const COMMANDS: [(&str, &[&str]); 2] = [("systemctl", &["reboot"]), ("reboot", &[])];
