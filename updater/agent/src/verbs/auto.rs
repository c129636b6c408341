//! `auto`: one turn for a timer. Takes what is open for this host, as `apply` does; that there is nothing to take, or not
//! yet, is no failure. It restarts within the configured windows only.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use partition_core::Standing;
use partition_disk::Access;
use serde_json::json;
use updater_core::records::{By, Intent};
use updater_core::{Exit, Reason, Refusal, Settled, may_restart};

use super::{apply, flags};
use crate::answer::Answer;
use crate::cli::Restart;
use crate::{Context, Error, Options, Result, gate};

pub(super) fn run(ctx: &Context<'_>, restart: Restart) -> Result<Answer> {
    let answer = match turn(ctx, restart) {
        Ok(answer) => answer,
        Err(error) if is_quiet(error.exit()) => Answer::from_error(&error),
        Err(error) => return Err(error),
    };
    let exit = if is_quiet(answer.exit) { Exit::Done } else { answer.exit };
    Ok(Answer { exit, ..answer })
}

fn turn(ctx: &Context<'_>, restart: Restart) -> Result<Answer> {
    let running = ctx.running()?;
    let slots = ctx.disk(Access::Read)?.layout().map_err(Error::disk("find the slots"))?.slots();
    let intent = ctx.state.outcome().and_then(|outcome| outcome.intent);
    let settled = flags::settled(ctx, running, &slots);
    let waits = matches!(settled, Settled::Pending | Settled::NeverTried);
    if let Some(intent) = intent.filter(|_| waits && partition_core::verbs::armed(&slots, running)) {
        return armed(ctx, restart, &intent, settled);
    }
    let unhealthy = gate::said(ctx).is_some_and(|said| said.health == "unhealthy");
    if ctx.standing() == Standing::NotThisBoot && !unhealthy {
        // Early in a boot: the gate is still at work.
        let detail = format!("slot {running} is not confirmed in this boot yet");
        return Ok(Answer {
            exit: Exit::MustWait,
            reason: Some(Reason::NotConfirmed),
            ..Answer::done(Refusal::new(Reason::NotConfirmed, detail).to_string(), json!(null))
        });
    }
    let start = Instant::now();
    let answer = apply::run(ctx, &Options::default(), Restart::default())?;
    if answer.exit != Exit::Done {
        return Ok(answer);
    }
    // A window may have closed while the release was fetched.
    let took = TimeDelta::from_std(start.elapsed()).unwrap_or_default();
    restarted(ctx, restart, ctx.now.checked_add_signed(took).unwrap_or(ctx.now), answer)
}

/// Restarts, where that is asked for and one of the windows is open.
fn restarted(ctx: &Context<'_>, restart: Restart, now: DateTime<Utc>, answer: Answer) -> Result<Answer> {
    if !restart.reboot {
        return Ok(answer);
    }
    match may_restart(&ctx.config.windows, now) {
        Ok(()) => Ok(Answer { message: flags::restart(ctx, restart, answer.message)?, ..answer }),
        Err(refusal) => Ok(Answer {
            exit: Exit::MustWait,
            reason: Some(refusal.reason),
            message: format!("{}; {refusal}", answer.message),
            ..answer
        }),
    }
}

/// Something waits for a restart.
fn armed(ctx: &Context<'_>, restart: Restart, intent: &Intent, settled: Settled) -> Result<Answer> {
    let message = format!("{} is armed", flags::spell(intent.target, intent.held.as_ref()));
    let data = json!({ "slot": intent.target.to_string() });
    Ok(match intent.by {
        // Whatever kept the selector from starting it would keep it again: no restart every hour.
        _ if settled == Settled::NeverTried => Answer {
            exit: Exit::Attention,
            ..Answer::done(format!("{message}, but the last restart did not try it"), data)
        },
        By::Arm => return restarted(ctx, restart, ctx.now, Answer::done(message, data)),
        // Gone back by hand; when to restart is for that hand to say.
        By::Rollback => Answer::nothing(format!("{message} by rollback"), data),
    })
}

/// Nothing to do, or not yet.
fn is_quiet(exit: Exit) -> bool {
    matches!(exit, Exit::NothingToDo | Exit::MustWait)
}
