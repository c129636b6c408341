//! `rollback`: back to the other slot by choice.

use partition_core::{Slots, verbs};
use partition_disk::{Access, Edit};
use serde_json::json;
use updater_core::records::{By, HistoryEvent, HistoryLine, Intent, Wish};

use super::flags;
use crate::answer::Answer;
use crate::cli::Restart;
use crate::{Context, Error, Result, evidence};

pub(super) fn run(ctx: &Context<'_>, restart: Restart) -> Result<Answer> {
    let running = ctx.running()?;
    let _lock = ctx.state.run_lock_if_writable("rollback")?;
    let disk = ctx.disk(Access::Write)?;
    let target = running.other();
    let rule = |slots: &Slots| verbs::rollback(slots, running, ctx.config.tries);

    // Asked before anything is written, since a refusal must change nothing.
    let slots = disk.layout().map_err(Error::disk("find the slots"))?.slots();
    let after = rule(&slots).map_err(|source| Error::Slots { verb: "roll back", source })?;
    let held = flags::held(ctx, target);
    let before = ctx.state.outcome();
    let intent = Intent {
        by: By::Rollback,
        wish: Wish::Hand,
        target,
        tries: after.get(target).map_or(0, partition_core::Flags::tries),
        boot_id: ctx.machine.boot_id(),
        at: ctx.now,
        held: held.clone(),
        fallback: false,
        extra: serde_json::Map::new(),
    };
    evidence::forget_panics(ctx);
    ctx.state.tolerate(ctx.state.write_intent(intent, flags::held(ctx, running)));
    let changed = flags::change(&disk, "roll back", |layout| rule(&layout.slots()).map(Edit::slots));
    let changed = changed.inspect_err(|_| {
        // The flags are as they were, so the record has to be.
        ctx.state.tolerate(
            before
                .as_ref()
                .map_or_else(|| ctx.state.clear_intent(), |before| ctx.state.write_outcome(before)),
        );
    })?;
    let line = HistoryLine {
        slot: Some(target),
        version: held.as_ref().map(|held| held.version.clone()),
        release: held.as_ref().and_then(|held| held.release),
        ..HistoryLine::new(ctx.now, HistoryEvent::RollbackArmed)
    };
    ctx.state.tolerate(ctx.state.add_history(&line));
    let data = json!({
        "slot": target.to_string(),
        "before": flags::data(&changed.before),
        "after": flags::data(&changed.after),
    });
    let message = format!("{} armed by rollback, boots next", flags::spell(target, held.as_ref()));
    Ok(Answer::done(flags::restart(ctx, restart, message)?, data))
}
