//! `status`: looks, never writes.

use partition_core::{Condition, Slot, Slots};
use partition_disk::Access;
use serde_json::{Value, json};
use updater_core::records::Held;
use updater_core::{Settled, Sight, Status, Step, next_step};

use super::observed::observe;
use super::{ending, flags};
use crate::answer::Answer;
use crate::{Context, Error, Options, Result, gate, volatile};

pub(super) fn run(ctx: &Context<'_>) -> Result<Answer> {
    let disk = ctx.disk(Access::Read)?;
    let table = disk.table().map_err(Error::disk("read the partition table"))?;
    let slots = disk.layout().map_err(Error::disk("find the slots"))?.slots();
    let running = ctx.running();
    if let Err(error) = &running {
        ctx.note(format!("{}; which one runs is left open", crate::answer::chain(error)));
    }
    let status = of(ctx, running.ok(), slots);
    let mut data = status.data();
    let (word, remark) = condition(table.condition());
    if let Some(data) = data.as_object_mut() {
        data.insert("disk".to_owned(), json!(disk.path().display().to_string()));
        data.insert("table".to_owned(), json!(word));
        data.insert("volatile".to_owned(), json!(volatile::all(ctx)));
        data.insert("health".to_owned(), json!(gate::said(ctx)));
        data.insert("mode".to_owned(), json!(ctx.config.mode.as_str()));
        data.insert("next_step".to_owned(), next(ctx, status.running.map(|running| (running, slots))));
        let cancelled = ctx.state.outcome().and_then(|outcome| outcome.cancelled);
        data.insert("cancelled".to_owned(), json!(cancelled));
        data.insert("last_check".to_owned(), json!(ctx.state.looked()));
    }
    volatile::note(ctx);
    if let Some(failing) = gate::said(ctx).and_then(|said| said.failing()) {
        ctx.note(format!("unhealthy in this boot: {failing}"));
    }
    if let Some(remark) = remark {
        ctx.note(format!(
            "the partition table of {}: {remark}; the next change repairs it",
            disk.path().display()
        ));
    }
    Ok(Answer::done(status.to_string(), data))
}

/// All of it, as it is now.
pub(crate) fn of(ctx: &Context<'_>, running: Option<Slot>, slots: Slots) -> Status {
    let outcome = ctx.state.outcome().unwrap_or_default();
    let staged = ctx.state.staged();
    let staged = staged.filter(|staged| running != Some(staged.slot));
    let staged = staged.filter(|staged| slots.get(staged.slot).is_some_and(|flags| flags.priority() == 0));
    let holds = |slot| {
        let retired = slots.get(slot).is_none_or(|flags| flags.priority() == 0) && running != Some(slot);
        // What a retired slot held once may be half overwritten; only what was staged is there for certain.
        let known = !retired || staged.as_ref().is_some_and(|staged| staged.slot == slot);
        known.then(|| flags::held(ctx, slot)).flatten()
    };
    let holds = Slot::ALL.map(holds);
    let found = running.map(|running| ending::find(ctx, running, &slots));
    Status {
        running,
        slots,
        holds,
        staged: staged.map(|staged| {
            (staged.slot, Held { version: staged.version.to_string(), release: Some(staged.release) })
        }),
        settled: found.as_ref().map_or(Settled::Unknown, |found| found.settled),
        cause: found.and_then(|found| found.cause),
        intent: outcome.intent,
        last: outcome.last,
    }
}

/// The step that `auto` would take now, as far as that is known without asking the repository.
fn next(ctx: &Context<'_>, there: Option<(Slot, Slots)>) -> Value {
    let Some(there) = there else { return Value::Null };
    let policy = ctx.policy(&Options::default());
    let step = next_step(&observe(ctx, &policy, there, Sight::Unknown, ctx.now), &policy, ctx.now);
    let refusal = match &step {
        Step::Wait(refusal) | Step::Rest(refusal) => Some(refusal),
        _ => None,
    };
    json!({
        "step": step.name(),
        "reason": refusal.map(|refusal| refusal.reason),
        "detail": refusal.map(|refusal| &refusal.detail),
        "until": refusal.and_then(|refusal| refusal.until),
    })
}

/// A word for `--json`, and a remark where the table is not as it should be.
fn condition(condition: Condition) -> (&'static str, Option<String>) {
    match condition {
        Condition::Good => ("good", None),
        Condition::PrimaryDamaged(error) => {
            ("primary_damaged", Some(format!("the primary copy is damaged ({error})")))
        }
        Condition::BackupDamaged(error) => {
            ("backup_damaged", Some(format!("the backup copy is damaged ({error})")))
        }
        Condition::Differ => ("differ", Some("its two copies differ; the primary counts".to_owned())),
        Condition::DiskGrown => {
            ("disk_grown", Some("the disk has grown; the backup copy is not at its end".to_owned()))
        }
    }
}
