//! `arm`: what was read back boots next, on trial.

use partition_core::{ArmedBy, Slot, verbs};
use partition_disk::{Access, Disk, Edit};
use serde_json::{Value, json};
use updater_core::records::{By, Held, HistoryEvent, HistoryLine, Intent, Wish};

use super::flags;
use crate::answer::Answer;
use crate::cli::Restart;
use crate::engine::route::Verified;
use crate::{Context, Error, Result, engine, evidence};

/// Offline: trusts nothing but the staged indexes, against which the slot is read back again.
pub(super) fn run(ctx: &Context<'_>, restart: Restart) -> Result<Answer> {
    let other = ctx.running()?.other();
    let staged = ctx
        .state
        .staged()
        .ok_or_else(|| Error::NotStaged { detail: "there is no record of it".to_owned() })?;
    if staged.slot != other {
        let detail = format!("the record is about slot {}, which runs", staged.slot);
        return Err(Error::NotStaged { detail });
    }
    let verified = engine::prove_slot(ctx, other).inspect_err(|error| disarm(ctx, other, error))?;
    let (message, data) = arm(ctx, verified, Wish::Hand)?;
    Ok(Answer::done(flags::restart(ctx, restart, message)?, data))
}

/// A slot that was just found not to be whole must not stay armed. Best effort: what is reported is why.
fn disarm(ctx: &Context<'_>, slot: Slot, error: &Error) {
    if !matches!(error, Error::Engine(engine::Error::Differs { .. })) {
        return;
    }
    let disarmed = ctx.state.run_lock("arm").and_then(|_lock| {
        let disk = ctx.disk(Access::Write)?;
        flags::change(&disk, "cancel", |layout| {
            verbs::cancel(&layout.slots(), slot.other(), ArmedBy::Arm).map(Edit::slots)
        })
    });
    match disarmed {
        Ok(changed) if changed.wrote => {
            ctx.note(format!("slot {slot} was armed and is not whole: it boots no more"));
            ctx.state.tolerate(ctx.state.clear_intent());
        }
        Ok(_) | Err(Error::Slots { .. }) => {}
        Err(error) => ctx.note(format!("slot {slot} stays as it was: {error}")),
    }
}

/// Arms what was proved: the intent durably first, then one table write.
///
/// A cut between the two is found as `not_armed`; the other order would leave an update that is nobody's.
pub(super) fn arm(ctx: &Context<'_>, verified: Verified, wish: Wish) -> Result<(String, Value)> {
    ctx.interrupt.check()?;
    let (slot, tries) = (verified.slot(), ctx.config.tries);
    let held = Held { version: verified.version().to_string(), release: Some(verified.release()) };
    let disk = ctx.disk(Access::Write)?;
    let intent = Intent {
        by: By::Arm,
        wish,
        target: slot,
        tries: tries.trial(),
        boot_id: ctx.machine.boot_id(),
        at: ctx.now,
        held: Some(held.clone()),
        fallback: is_fallback(ctx, &disk, slot)?,
        extra: serde_json::Map::new(),
    };
    evidence::forget_panics(ctx);
    ctx.state.write_intent(intent, flags::held(ctx, slot.other()))?;
    let armed = verified.arm(&disk, ctx.standing(), tries);
    let armed = armed.inspect_err(|_| ctx.state.tolerate(ctx.state.clear_intent()))?;
    let line = HistoryLine {
        slot: Some(slot),
        version: Some(held.version.clone()),
        release: held.release,
        ..HistoryLine::new(ctx.now, HistoryEvent::Armed)
    };
    ctx.state.tolerate(ctx.state.add_history(&line));
    let data = json!({
        "slot": slot.to_string(),
        "version": held.version,
        "release": held.release,
        "tries": tries.trial(),
        "before": flags::data(&armed.before()),
        "after": flags::data(&armed.after()),
    });
    let message = format!("slot {slot} armed: {}, {} tries, boots next", held.version, tries.trial());
    Ok((message, data))
}

/// Whether the slot is a confirmed fallback now, or was until an earlier run armed it.
fn is_fallback(ctx: &Context<'_>, disk: &Disk, slot: Slot) -> Result<bool> {
    let slots = disk.layout().map_err(Error::disk("look at the slots"))?.slots();
    let confirmed = slots.get(slot).is_some_and(|flags| flags.priority() > 0 && flags.successful());
    let before = ctx.state.outcome().and_then(|outcome| outcome.intent);
    let noted = before.is_some_and(|intent| intent.by == By::Arm && intent.target == slot && intent.fallback);
    Ok(confirmed || noted && verbs::armed(&slots, slot.other()))
}
