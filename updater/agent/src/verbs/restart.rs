//! `restart`: for the daemon, whose clients ask for it. Into whatever boots next; locks of others hold it up, and hooks are asked when that is another slot.

use partition_core::{SlotSet, choose};
use partition_disk::Access;
use serde_json::json;
use updater_core::{Reason, Refusal};

use super::flags;
use crate::answer::Answer;
use crate::cli::Restart;
use crate::{Context, Error, Result, inhibitors};

pub(super) fn run(ctx: &Context<'_>) -> Result<Answer> {
    let slots = ctx.disk(Access::Read)?.layout().map_err(Error::disk("find the slots"))?.slots();
    let next = choose(&slots, SlotSet::EMPTY).map(|choice| choice.slot);
    let message =
        next.map_or_else(|| "no slot boots next".to_owned(), |slot| format!("slot {slot} boots next"));
    let restart = Restart { reboot: true };
    let holders: Vec<String> = inhibitors::list(ctx).iter().map(ToString::to_string).collect();
    if !holders.is_empty() {
        let detail = format!("the restart is held up by {}", holders.join(" and "));
        return Err(Refusal::new(Reason::Inhibited, detail).into());
    }
    let leaves = next.is_some() && next != ctx.running().ok();
    let message =
        if leaves { flags::restart(ctx, restart, message)? } else { flags::leave(ctx, restart, message)? };
    Ok(Answer::done(message, json!({ "next": next.map(|slot| slot.to_string()) })))
}
