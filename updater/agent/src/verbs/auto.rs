//! `auto`: one turn for a timer. Takes what is open for this host, as `apply` does; that there is nothing to take, or not
//! yet, is no failure.

use partition_core::Standing;
use partition_disk::Access;
use serde_json::json;
use updater_core::records::{By, Intent};
use updater_core::{Exit, Reason, Refusal, Settled};

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
    apply::run(ctx, &Options::default(), restart)
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
        By::Arm => Answer::done(flags::restart(ctx, restart, message)?, data),
        // Gone back by hand; when to restart is for that hand to say.
        By::Rollback => Answer::nothing(format!("{message} by rollback"), data),
    })
}

/// Nothing to do, or not yet.
fn is_quiet(exit: Exit) -> bool {
    matches!(exit, Exit::NothingToDo | Exit::MustWait)
}
