//! `auto`: one turn for a timer. Goes as far as `mode` lets it; that there is nothing to do, or not yet, is no failure. It
//! restarts within the configured windows only.

use std::thread::sleep;
use std::time::{Duration, Instant};

use updater_core::Exit;

use super::turn;
use crate::answer::Answer;
use crate::cli;
use crate::report::{Event, Step};
use crate::{Context, Result, chance, telling};

pub(super) fn run(ctx: &Context<'_>, typed: cli::Auto) -> Result<Answer> {
    if typed.jitter {
        wait(ctx, ctx.config.jitter.mul_f64(chance::share()))?;
    }
    telling::begin(ctx);
    let ended = turn::take(ctx, typed.restart);
    telling::tell(ctx, &ended);
    let answer = match ended {
        Ok(answer) => answer,
        Err(error) if is_quiet(error.exit()) => Answer::from_error(&error),
        Err(error) => return Err(error),
    };
    let exit = if is_quiet(answer.exit) { Exit::Done } else { answer.exit };
    Ok(Answer { exit, ..answer })
}

/// Waits, unless interrupted.
fn wait(ctx: &Context<'_>, span: Duration) -> Result<()> {
    let start = Instant::now();
    let message = format!("beginning in {} s", span.as_secs());
    ctx.reporter.event(&Event::Step { step: Step::Check, message });
    while let Some(left) = span.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
        ctx.interrupt.check()?;
        sleep(left.min(POLL));
    }
    ctx.interrupt.check()
}

/// Nothing to do, or not yet.
fn is_quiet(exit: Exit) -> bool {
    matches!(exit, Exit::NothingToDo | Exit::MustWait)
}

/// How long an interrupt can go unseen.
const POLL: Duration = Duration::from_millis(100);
