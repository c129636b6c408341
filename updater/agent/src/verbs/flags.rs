//! What the verbs over slot flags have in common.

use partition_core::{Layout, Refusal, Slot, SlotSet, Slots, Tries, choose, verbs};
use partition_disk::{Access, ChangeError, Changed, Disk, Edit};
use serde_json::{Value, json};
use updater_core::records::Held;
use updater_core::{Question, Settled, settle};

use crate::cli::Restart;
use crate::hooks::{self, Phase};
use crate::{Context, Error, Result, reboot};

/// What became of the last update; looks only.
pub(super) fn settled(ctx: &Context<'_>, running: Slot, slots: &Slots) -> Settled {
    let outcome = ctx.state.outcome();
    let boot_id = ctx.machine.boot_id();
    settle(&Question {
        outcome: outcome.as_ref(),
        running,
        slots,
        boot_id: boot_id.as_deref(),
        tries: ctx.config.tries,
    })
}

/// Changes flags by one rule: fresh read, one table write.
pub(super) fn change(
    disk: &Disk,
    verb: &'static str,
    rule: impl FnOnce(&Layout) -> Result<Edit, Refusal>,
) -> Result<Changed> {
    disk.change(rule).map_err(|error| match error {
        ChangeError::Refused(source) => Error::Slots { verb, source },
        ChangeError::Disk(source) => Error::disk(verb)(source),
    })
}

/// Clears the flags of a trial that was left, when there is one.
pub(super) fn end_trial(disk: &Disk, running: Slot, tries: Tries) -> Result<Changed> {
    change(disk, "end the trial", |layout| {
        let slots = layout.slots();
        Ok(Edit::slots(verbs::trial_over(&slots, running, tries)?.unwrap_or(slots)))
    })
}

/// What a slot holds, as far as the records tell; of the running slot os-release tells more.
pub(crate) fn held(ctx: &Context<'_>, slot: Slot) -> Option<Held> {
    let staged = ctx.state.staged().filter(|staged| staged.slot == slot);
    let staged =
        staged.map(|staged| Held { version: staged.version.to_string(), release: Some(staged.release) });
    let outcome = ctx.state.outcome();
    let pending =
        outcome.as_ref().and_then(|outcome| outcome.intent.as_ref()).filter(|intent| intent.target == slot);
    let pending = pending.and_then(|intent| intent.held.clone());
    let known =
        pending.or(staged).or_else(|| outcome.as_ref().and_then(|outcome| outcome.holds.get(slot).cloned()));
    let runs = ctx.running().is_ok_and(|running| running == slot);
    let os = if runs { ctx.machine.os_release(ctx.config.os_release.as_deref()).ok() } else { None };
    match os.and_then(|os| os.version).map(|version| version.to_string()) {
        // The release id goes with the version it was recorded for.
        Some(version) => {
            let release = known.filter(|held| held.version == version).and_then(|held| held.release);
            Some(Held { version, release })
        }
        None => known,
    }
}

/// The flags of both slots and what boots next, for `--json`.
pub(super) fn data(slots: &Slots) -> Value {
    let flags = |slot| slots.get(slot).map(|flags| flags.to_string());
    let next = choose(slots, SlotSet::EMPTY).map(|choice| choice.slot.to_string());
    json!({ "A": flags(Slot::A), "B": flags(Slot::B), "next": next })
}

/// The last step, where it was asked for: into the other slot, if the hooks agree. Everything before it is durable.
pub(super) fn restart(ctx: &Context<'_>, restart: Restart, message: String) -> Result<String> {
    if restart.reboot {
        agreed(ctx, &message)?;
        still_next(ctx, &message)?;
    }
    leave(ctx, restart, message)
}

/// Asks the hooks about the restart into the other slot, after what was `done`.
pub(super) fn agreed(ctx: &Context<'_>, done: &str) -> Result<()> {
    let Ok(running) = ctx.running() else { return Ok(()) };
    let next = running.other();
    let held = held(ctx, next);
    hooks::ask(ctx, Phase::PreReboot, next, held.as_ref().map(|held| &*held.version))
        .map_err(|error| error.after(done))
}

/// Hooks take their time, and the restart that they were asked about is into the other slot.
pub(super) fn still_next(ctx: &Context<'_>, done: &str) -> Result<()> {
    let Ok(running) = ctx.running() else { return Ok(()) };
    let slots = ctx.disk(Access::Read)?.layout().map_err(Error::disk("find the slots"))?.slots();
    let next = choose(&slots, SlotSet::EMPTY).map(|choice| choice.slot);
    if next == Some(running.other()) {
        return Ok(());
    }
    let boots = next.map_or_else(|| "no slot boots".to_owned(), |slot| format!("slot {slot} boots"));
    let found = format!("{boots} next by now: slot {} was disarmed while hooks were asked", running.other());
    Err(Error::Overtaken { done: done.to_owned(), found })
}

/// The same without asking anybody: a trial that failed is left.
pub(super) fn leave(ctx: &Context<'_>, restart: Restart, message: String) -> Result<String> {
    if restart.reboot {
        reboot::reboot(ctx, &message)?;
        return Ok(format!("{message}, restarting"));
    }
    Ok(message)
}

/// `slot B` or `1.2.3 in slot B`.
pub(super) fn spell(slot: Slot, held: Option<&Held>) -> String {
    held.map_or_else(|| format!("slot {slot}"), |held| format!("slot {slot} ({})", held.version))
}
