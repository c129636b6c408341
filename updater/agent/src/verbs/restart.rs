//! `restart`: for the daemon, whose clients ask for it. Into whatever boots next; locks of others hold it up, and hooks are asked when that is another slot.

use partition_core::{SlotSet, choose};
use partition_disk::Access;
use serde_json::json;

use super::flags;
use crate::answer::Answer;
use crate::cli::Restart;
use crate::inhibitors::{self, HeldUp};
use crate::{Context, Error, Result};

pub(super) fn run(ctx: &Context<'_>) -> Result<Answer> {
    let slots = ctx.disk(Access::Read)?.layout().map_err(Error::disk("find the slots"))?.slots();
    let next = choose(&slots, SlotSet::EMPTY).map(|choice| choice.slot);
    let message =
        next.map_or_else(|| "no slot boots next".to_owned(), |slot| format!("slot {slot} boots next"));
    let restart = Restart { reboot: true };
    if let Some(held_up) = inhibitors::held_up(ctx)? {
        return Ok(held(held_up));
    }
    if next.is_some() && next != ctx.running().ok() {
        flags::agreed(ctx, &message)?;
        // Somebody may have come while the hooks were asked.
        if let Some(held_up) = inhibitors::held_up(ctx)? {
            return Ok(held(held_up));
        }
        flags::still_next(ctx, &message)?;
    }
    let message = flags::leave(ctx, restart, message)?;
    Ok(Answer::done(message, json!({ "next": next.map(|slot| slot.to_string()) })))
}

fn held(HeldUp { holders, refusal }: HeldUp) -> Answer {
    let data = json!({ "holders": holders, "until": refusal.until });
    let (exit, reason) = (refusal.exit(), Some(refusal.reason));
    Answer { exit, reason, ..Answer::done(refusal.to_string(), data) }
}
