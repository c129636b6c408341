//! `stage`: the release in the other slot, read back, not armed.

use serde_json::{Value, json};

use super::check;
use crate::answer::Answer;
use crate::engine::stage::{Moved, Staged};
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
    let checked = engine::check(ctx, options)?;
    if let Err(none) = checked.offer() {
        return Ok(Err(check::closed(none)));
    }
    let planned = engine::plan(ctx, options, checked)?;
    planned.plan().indexed()?;
    Ok(Ok(engine::stage(ctx, planned)?))
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
