//! `auto`: one turn for a timer. Goes as far as `mode` lets it; that there is nothing to do, or not yet, is no failure. It
//! restarts within the configured windows only.

use updater_core::Exit;

use super::turn;
use crate::answer::Answer;
use crate::cli::Restart;
use crate::{Context, Result};

pub(super) fn run(ctx: &Context<'_>, restart: Restart) -> Result<Answer> {
    let answer = match turn::take(ctx, restart) {
        Ok(answer) => answer,
        Err(error) if is_quiet(error.exit()) => Answer::from_error(&error),
        Err(error) => return Err(error),
    };
    let exit = if is_quiet(answer.exit) { Exit::Done } else { answer.exit };
    Ok(Answer { exit, ..answer })
}

/// Nothing to do, or not yet.
fn is_quiet(exit: Exit) -> bool {
    matches!(exit, Exit::NothingToDo | Exit::MustWait)
}
