//! `report`: what the last boot came to, early in this one. Needs no network; whoever runs it twice learns nothing new.
//!
//! What happened is written down first, then the flags of a trial that was left are cleared: cleared flags no longer tell.

use partition_core::{Flags, Slot};
use partition_disk::Access;
use serde_json::json;
use updater_core::Status;

use super::{ending, flags, status};
use crate::answer::Answer;
use crate::{Context, Error, Result, evidence, volatile};

pub(super) fn run(ctx: &Context<'_>) -> Result<Answer> {
    let running = ctx.running()?;
    let disk = ctx.disk(Access::Write)?;
    let slots = disk.layout().map_err(Error::disk("find the slots"))?.slots();
    let found = ending::find(ctx, running, &slots);
    let about = status::of(ctx, Some(running), slots);
    let tries = ctx.config.tries;
    let given = ctx.state.outcome().map_or(tries, |outcome| outcome.tries(running, tries));
    if ending::keep(ctx, &found, running) {
        // Whatever boot they are from is over, and this one speaks for itself.
        evidence::forget_panics(ctx);
    }
    // A slot that has not shown anything yet does not clear the other one.
    let shown = slots.get(running).is_some_and(Flags::successful);
    let changed =
        if shown { flags::end_trial(&disk, running, given).map(|changed| changed.wrote) } else { Ok(false) };
    let wrote = match changed {
        Ok(wrote) => wrote,
        Err(error) => {
            ctx.note(crate::answer::chain(&error));
            false
        }
    };
    volatile::note(ctx);
    let cause = found.cause.as_ref();
    let data = json!({
        "slot": running.to_string(),
        "outcome": found.settled.as_str(),
        "cause": cause.map(|cause| cause.why.to_string()),
        "detail": cause.and_then(|cause| cause.detail.clone()),
        "wrote": wrote,
    });
    Ok(Answer::done(sentence(ctx, running, &about), data))
}

/// One line for the journal.
fn sentence(ctx: &Context<'_>, running: Slot, status: &Status) -> String {
    let here = flags::spell(running, flags::held(ctx, running).as_ref());
    format!("{here} runs: {}", status.update())
}
