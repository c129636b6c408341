//! `verify`: a slot is read back and compared with its indexes; changes nothing.

use partition_core::Slot;
use serde_json::json;

use crate::answer::Answer;
use crate::{Context, Result, engine};

pub(super) fn run(ctx: &Context<'_>, slot: Option<Slot>) -> Result<Answer> {
    let slot = match slot {
        Some(slot) => slot,
        None => ctx.running()?.other(),
    };
    let release = engine::verify_slot(ctx, slot)?;
    let data = json!({ "slot": slot.to_string(), "version": release.version, "release": release.id });
    Ok(Answer::done(format!("slot {slot} verified: {}", release.version), data))
}
