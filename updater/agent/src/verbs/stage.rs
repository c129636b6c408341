//! `stage`: the release in the other slot, read back, not armed.

use serde_json::{Value, json};
use updater_core::{Reason, Refusal};

use super::{check, looks};
use crate::answer::Answer;
use crate::engine::stage::{Moved, Staged};
use crate::hooks::{self, Phase};
use crate::{Context, Options, Result, engine};

pub(super) fn run(ctx: &Context<'_>, options: &Options) -> Result<Answer> {
    Ok(match staged(ctx, options)? {
        Ok(staged) => {
            let (slot, version) = (staged.verified.slot(), staged.verified.version());
            let message = format!("{}\nslot {slot} staged: {version}, read back", moved(&staged.moved));
            Answer::done(message, data(&staged))
        }
        Err(answer) => answer,
    })
}

/// Staged, or the answer that there is no offer.
pub(super) fn staged(ctx: &Context<'_>, options: &Options) -> Result<Result<Staged, Answer>> {
    let checked = looks::look(ctx, options)?;
    match (checked.offer(), &options.expect) {
        (Err(none), _) => return Ok(Err(check::closed(none))),
        (Ok(offer), Some(expected)) if offer.version() != expected => {
            let detail = format!("{expected} was chosen, and {} is open now", offer.version());
            return Err(Refusal::new(Reason::Locked, detail).into());
        }
        (Ok(_), _) => {}
    }
    let planned = engine::plan(ctx, options, checked)?;
    Ok(Ok(carry_out(ctx, planned)?))
}

/// Writes and reads back what was planned, with whoever is to be asked before and after.
pub(super) fn carry_out(ctx: &Context<'_>, planned: engine::plan::Planned) -> Result<Staged> {
    let plan = planned.plan();
    plan.indexed()?;
    let (slot, version) = (plan.slot(), plan.to().to_string());
    hooks::ask(ctx, Phase::PreStage, slot, Some(&version))?;
    let staged = engine::stage(ctx, planned)?;
    hooks::ask(ctx, Phase::PostStage, slot, Some(&version))?;
    Ok(staged)
}

pub(super) fn moved(moved: &Moved) -> String {
    format!("{} bytes fetched, {} reused, {} written", moved.fetched, moved.reused, moved.written)
}

pub(super) fn data(staged: &Staged) -> Value {
    json!({
        "slot": staged.verified.slot().to_string(),
        "version": staged.verified.version(),
        "release": staged.verified.release(),
        "fetched_bytes": staged.moved.fetched,
        "reused_bytes": staged.moved.reused,
        "written_bytes": staged.moved.written,
    })
}
