//! `health`: the gate that a boot passes before it is confirmed (P4, P5).

use std::thread::sleep;
use std::time::{Duration, Instant};

use partition_core::{Flags, Slot, Slots};
use partition_disk::{Access, Edit};
use serde_json::{Value, json};
use updater_core::Exit;
use updater_core::health::{Checked, Failing, Fault, Found, Gate, decide};
use updater_core::records::{FORMAT, HistoryEvent, HistoryLine, Trial};

use super::{confirm, ending, flags};
use crate::answer::Answer;
use crate::cli::Restart;
use crate::gate::{self, Boot};
use crate::{Context, Error, Result, evidence, volatile};

pub(super) fn run(ctx: &Context<'_>, restart: Restart) -> Result<Answer> {
    match pass(ctx, restart) {
        Err(error) if is_broken(&error) => broken(ctx, restart, error),
        other => other,
    }
}

fn pass(ctx: &Context<'_>, restart: Restart) -> Result<Answer> {
    let running = ctx.running()?;
    let slots = look(ctx)?;
    // Where nobody has reported: what the last boot left is read before this one leaves something.
    ending::keep(ctx, &ending::find(ctx, running, &slots), running);
    let successful = slots.get(running).is_some_and(Flags::successful);
    let boot = if successful { Boot::Confirmed } else { Boot::Trial };
    volatile::note(ctx);
    gate::say(ctx, None);
    let asked = gate::ask(ctx, boot)?;
    gate::say(ctx, Some(&asked.verdict));
    // Checks take minutes; the flags may be others by now.
    match decide(&look(ctx)?, running, asked.verdict) {
        Gate::Confirm => healthy(ctx, &asked.checked),
        Gate::Withhold(failing, stays) => {
            keep(ctx, running, &failing);
            let message = format!("{}; {stays}", spell(ctx, running, &failing));
            Ok(unhealthy(message, data(running, &failing, "withhold", &asked.checked)))
        }
        Gate::RecordAndRestart(failing) => leave(ctx, running, &failing, (restart, &asked.checked)),
    }
}

/// The trial has failed.
fn leave(
    ctx: &Context<'_>,
    running: Slot,
    failing: &Failing,
    (restart, checked): (Restart, &[Checked]),
) -> Result<Answer> {
    keep(ctx, running, failing);
    let message = spell(ctx, running, failing);
    if restart.reboot {
        wait_for_others(ctx);
    }
    Ok(unhealthy(flags::leave(ctx, restart, message)?, data(running, failing, "restart", checked)))
}

/// Whether the gate could not do its work: the disk, or what tells which slot runs, has failed.
fn is_broken(error: &Error) -> bool {
    matches!(error, Error::Disk { .. } | Error::Running(_))
}

/// A trial on which the gate cannot work has failed too, or nobody would ever leave it. That it is one, and of which slot,
/// is told by the selector's words alone.
fn broken(ctx: &Context<'_>, restart: Restart, error: Error) -> Result<Answer> {
    match evidence::on_trial(ctx) {
        Some(slot) => {
            let fault = Fault::Health("gate".to_owned());
            let failing = Failing { fault, detail: crate::answer::chain(&error) };
            leave(ctx, slot, &failing, (restart, &[]))
        }
        None => Err(error),
    }
}

fn look(ctx: &Context<'_>) -> Result<Slots> {
    Ok(ctx.disk(Access::Read)?.layout().map_err(Error::disk("find the slots"))?.slots())
}

fn healthy(ctx: &Context<'_>, checked: &[Checked]) -> Result<Answer> {
    let mut answer = confirm::run(ctx)?;
    let many = match checked.len() {
        0 => "nothing to check".to_owned(),
        1 => "1 check passed".to_owned(),
        many => format!("{many} checks passed"),
    };
    answer.message = format!("healthy: {many}\n{}", answer.message);
    if let Some(data) = answer.data.as_object_mut() {
        data.insert("health".to_owned(), json!("healthy"));
        data.insert("checks".to_owned(), checks(checked));
    }
    Ok(answer)
}

/// Written down before anything restarts: the slot that runs next tells why. What cannot be written is noted (P8).
fn keep(ctx: &Context<'_>, running: Slot, failing: &Failing) {
    let held = flags::held(ctx, running);
    let (version, release) = held.map_or((None, None), |held| (Some(held.version), held.release));
    let reason = failing.fault.to_string();
    let trial = Trial {
        format: FORMAT,
        reason: reason.clone(),
        detail: failing.detail.clone(),
        boot: ctx.machine.boot_id(),
        slot: running,
        version: version.clone(),
        release,
        at: ctx.now,
        extra: serde_json::Map::new(),
    };
    ctx.state.tolerate(ctx.state.write_trial(&trial));
    let line = HistoryLine {
        slot: Some(running),
        version,
        release,
        cause: Some(reason),
        detail: Some(failing.detail.clone()),
        ..HistoryLine::new(ctx.now, HistoryEvent::Unhealthy)
    };
    ctx.state.tolerate(ctx.state.add_history(&line));
}

/// Whoever arms, cancels or writes the table finishes first, unless it takes too long: a cut loses nothing (P1, P7), it
/// only costs the other one its work.
fn wait_for_others(ctx: &Context<'_>) {
    let start = Instant::now();
    while let Err(error @ Error::Locked { .. }) = ctx.state.run_lock_if_writable("health") {
        if start.elapsed() >= PATIENCE {
            ctx.note(format!("restarting all the same: {error}"));
            break;
        }
        sleep(Duration::from_millis(100));
    }
    // Takes the table lock once and changes nothing.
    let free = ctx.disk(Access::Write).and_then(|disk| {
        flags::change(&disk, "wait for the table", |layout| Ok(Edit::slots(layout.slots())))
    });
    if let Err(error) = free {
        ctx.note(crate::answer::chain(&error));
    }
}

fn spell(ctx: &Context<'_>, running: Slot, failing: &Failing) -> String {
    format!("{} unhealthy: {failing}", flags::spell(running, flags::held(ctx, running).as_ref()))
}

fn unhealthy(message: String, data: Value) -> Answer {
    Answer { exit: Exit::Attention, ..Answer::done(message, data) }
}

fn data(running: Slot, failing: &Failing, action: &str, checked: &[Checked]) -> Value {
    json!({
        "slot": running.to_string(),
        "health": "unhealthy",
        "cause": failing.fault.to_string(),
        "detail": failing.detail,
        "action": action,
        "checks": checks(checked),
    })
}

fn checks(checked: &[Checked]) -> Value {
    let one = |check: &Checked| match &check.found {
        Found::Passed => json!({ "name": check.name, "passed": true, "detail": null }),
        Found::Failed(detail) => json!({ "name": check.name, "passed": false, "detail": detail }),
    };
    checked.iter().map(one).collect()
}

const PATIENCE: Duration = Duration::from_secs(10);
