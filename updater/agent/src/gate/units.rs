//! Units that must be active, by `systemctl is-active`.

use std::time::Instant;

use updater_core::health::{Checked, Found};

use crate::execs::{self, Ended, Limit, last_lines};
use crate::{Context, Result};

/// Asks about one unit. One that is still starting is waited for, as long as a check may take; one that has failed is not.
pub(super) fn ask(ctx: &Context<'_>, unit: &str, limit: Limit) -> Result<Checked> {
    let started = Instant::now();
    loop {
        let mut command = ctx.machine.program("systemctl");
        command.args(["is-active", "--", unit]);
        let ran = execs::run(command, limit, &ctx.interrupt)?;
        let state = last_lines(&ran.output);
        let found = match ran.ended {
            Ended::Status(status) if status.success() => Found::Passed,
            Ended::Status(_) if state != "failed" && started.elapsed() < limit.each => {
                super::rest(ctx, super::POLL)?;
                continue;
            }
            Ended::Status(_) => Found::Failed(format!("is {state}, not active")),
            Ended::Late(_) | Ended::AllLate => Found::Failed("systemctl does not answer in time".to_owned()),
            Ended::NotStarted(error) => Found::Failed(format!("systemctl cannot be run: {error}")),
        };
        return Ok(Checked { name: unit.to_owned(), found });
    }
}
