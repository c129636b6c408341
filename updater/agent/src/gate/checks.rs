//! `health.d`: every executable in it is a check.

use std::process::Command;

use updater_core::health::{Checked, Found};

use crate::execs::{self, Exec, Limit};
use crate::{Context, Result};

/// Runs a check.
pub(super) fn ask(ctx: &Context<'_>, check: Exec, limit: Limit) -> Result<Checked> {
    let found = match check.program {
        Ok(program) => {
            let mut command = Command::new(program);
            if let Ok(slot) = ctx.running() {
                command.env("UPDOG_SLOT", slot.to_string());
            }
            execs::failure(&execs::run(command, limit, &ctx.interrupt)?).map_or(Found::Passed, Found::Failed)
        }
        Err(error) => Found::Failed(format!("cannot be run: {error}")),
    };
    Ok(Checked { name: check.name, found })
}
