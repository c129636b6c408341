//! `cancel`: what was armed is not tried after all.

use partition_core::{ArmedBy, Flags, Refusal, Slots, verbs};
use partition_disk::{Access, Edit};
use serde_json::json;
use updater_core::records::{By, HistoryEvent, HistoryLine, Wish};

use super::flags;
use crate::answer::Answer;
use crate::{Context, Error, Result};

pub(super) fn run(ctx: &Context<'_>, wish: Wish) -> Result<Answer> {
    let running = ctx.running()?;
    let _lock = ctx.state.run_lock_if_writable("cancel")?;
    let disk = ctx.disk(Access::Write)?;
    let other = running.other();
    let intent =
        ctx.state.outcome().and_then(|outcome| outcome.intent).filter(|intent| intent.target == other);
    let held = flags::held(ctx, other);
    let by = |slots: &Slots| match intent.as_ref().map(|intent| (intent.by, intent.fallback)) {
        Some((By::Rollback, _)) => ArmedBy::Rollback,
        // No record: a slot that was confirmed once is a fallback to keep.
        None if slots.get(other).is_some_and(Flags::successful) => ArmedBy::Rollback,
        Some((By::Arm, true)) => ArmedBy::ArmOverFallback,
        Some((By::Arm, false)) | None => ArmedBy::Arm,
    };
    let changed = flags::change(&disk, "cancel", |layout| {
        let slots = layout.slots();
        verbs::cancel(&slots, running, by(&slots)).map(Edit::slots)
    });
    let changed = match changed {
        Ok(changed) => changed,
        Err(Error::Slots { source: Refusal::NothingArmed, .. }) => {
            // An intent without flags is what a cut before the flags leaves.
            ctx.state.tolerate(ctx.state.clear_intent());
            let slots = disk.layout().map_err(Error::disk("find the slots"))?.slots();
            return Ok(Answer::nothing(
                format!("nothing is armed: slot {running} boots next"),
                flags::data(&slots),
            ));
        }
        Err(error) => return Err(error),
    };
    // After the flags: a cut between the two is found as `not_armed`.
    let armed = !matches!(intent.as_ref().map(|intent| intent.by), Some(By::Rollback));
    let release = held.clone().filter(|held| armed && held.release.is_some());
    ctx.state.tolerate(match wish {
        // A rollback that is taken back says nothing of a release.
        Wish::Hand if release.is_some() => ctx.state.cancel_by_hand(release),
        Wish::Hand | Wish::Auto => ctx.state.clear_intent(),
    });
    let line = HistoryLine {
        slot: Some(other),
        version: held.as_ref().map(|held| held.version.clone()),
        release: held.as_ref().and_then(|held| held.release),
        ..HistoryLine::new(ctx.now, HistoryEvent::Cancelled)
    };
    ctx.state.tolerate(ctx.state.add_history(&line));
    let data = json!({
        "slot": other.to_string(),
        "before": flags::data(&changed.before),
        "after": flags::data(&changed.after),
    });
    let message = format!("{} cancelled: slot {running} boots next", flags::spell(other, held.as_ref()));
    Ok(Answer::done(message, data))
}
