//! `confirm`: the running slot is healthy.
//!
//! What became of the last update is written down first, then the flags change: cleared flags no longer tell.

use partition_core::{Refusal, Slot, verbs};
use partition_disk::{Access, Edit};
use serde_json::json;
use updater_core::Settled;
use updater_core::records::HistoryEvent;

use super::{ending, flags};
use crate::answer::Answer;
use crate::{Context, Error, Result};

pub(super) fn run(ctx: &Context<'_>) -> Result<Answer> {
    let running = ctx.running()?;
    let disk = ctx.disk(Access::Write)?;
    let before = disk.layout().map_err(Error::disk("find the slots"))?.slots();
    let tries = ctx.config.tries;
    let outcome = ctx.state.outcome();
    let given = outcome.as_ref().map_or(tries, |outcome| outcome.tries(running, tries));
    let found = ending::find(ctx, running, &before);
    ending::keep(ctx, &found, running);
    let back = found.settled == Settled::FellBack || told_of_falling_back(ctx, running);

    let changed = flags::change(&disk, "confirm", |layout| {
        let slots = layout.slots();
        // One write for both: after a cut the trial is over and the slot confirmed, or neither.
        let slots = verbs::trial_over(&slots, running, given)?.unwrap_or(slots);
        // Again with something armed: nothing would change, so there is nothing to refuse.
        let done =
            slots.get(running).is_some_and(|flags| flags.successful() && flags.tries() == tries.confirmed());
        let slots = match verbs::confirm(&slots, running, tries) {
            // The slot that was left would be tried again, at every boot until its tries are spent.
            Err(Refusal::WouldBoot { .. }) if back => verbs::come_home(&slots, running, tries)?,
            _ if done => slots,
            confirmed => confirmed?,
        };
        Ok(Edit { slots, boot_ever_succeeded: true })
    })?;
    if let Err(error) = ctx.machine.mark_confirmed() {
        ctx.note(format!("stage will ask for another confirm, since this boot cannot be marked ({error})"));
    }

    // Now the flags say "updated" where they said "trial".
    let now = ending::find(ctx, running, &changed.after);
    ending::keep(ctx, &now, running);
    ctx.state.forget_trial();
    ctx.state.tolerate(ctx.state.mark_home(running, flags::held(ctx, running)));

    let shown = if now.settled.ending().is_some() { now } else { found };
    let held = flags::held(ctx, running);
    let data = json!({
        "slot": running.to_string(),
        "outcome": shown.settled.as_str(),
        "before": flags::data(&changed.before),
        "after": flags::data(&changed.after),
        "wrote": changed.wrote,
    });
    let message = format!(
        "{} confirmed: {}",
        flags::spell(running, held.as_ref()),
        sentence(shown.settled, tries.confirmed())
    );
    Ok(Answer::done(message, data))
}

/// Whether the last thing that happened is that the other slot, confirmed, was left by itself.
fn told_of_falling_back(ctx: &Context<'_>, running: Slot) -> bool {
    ctx.state.outcome().is_some_and(|outcome| {
        let last = outcome.last.filter(|_| outcome.intent.is_none());
        last.is_some_and(|last| last.outcome == HistoryEvent::FellBack && last.slot == running.other())
    })
}

fn sentence(settled: Settled, tries: u8) -> String {
    let tries = format!("{tries} tries");
    match settled.ending() {
        Some(event) => format!("{}, {tries}", event.as_str()),
        None => tries,
    }
}
