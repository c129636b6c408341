//! What is, as [`next_step`](updater_core::next_step) is told: flags, records, the gate's word, and what was seen of the
//! repository.

use chrono::{DateTime, Utc};
use partition_core::{Slot, Slots};
use updater_core::records::Pending;
use updater_core::{Health, Observed, Policy, Sight};

use super::flags;
use crate::{Context, gate, permit};

/// Looks at all of it, writes nothing.
pub(super) fn observe(
    ctx: &Context<'_>,
    policy: &Policy,
    (running, slots): (Slot, Slots),
    sight: Sight,
    now: DateTime<Utc>,
) -> Observed {
    let outcome = ctx.state.outcome();
    let intent = outcome.as_ref().and_then(|outcome| outcome.intent.as_ref());
    let staged = ctx.state.staged().filter(|staged| staged.slot != running);
    Observed {
        running,
        slots,
        standing: ctx.standing(),
        health: health(ctx),
        settled: flags::settled(ctx, running, &slots),
        pending: intent.map(Pending::from),
        tries: outcome.as_ref().map_or(policy.tries, |outcome| outcome.tries(running, policy.tries)),
        staged: staged.map(|staged| staged.release),
        cancelled: outcome.as_ref().and_then(|outcome| outcome.cancelled.clone()),
        sight,
        permit: permit::noted(ctx, now),
        floor: ctx.floor(),
    }
}

fn health(ctx: &Context<'_>) -> Health {
    let said = gate::said(ctx);
    match said.as_ref().map(|said| &*said.health) {
        Some("healthy") => Health::Good,
        Some("unhealthy") => Health::Bad,
        _ => Health::Open,
    }
}
