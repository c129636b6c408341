//! What became of the last update, with its cause: found, and kept once.

use partition_core::{Slot, Slots};
use updater_core::{Settled, Why};

use super::flags;
use crate::state::Ending;
use crate::{Context, evidence};

/// Looks only.
pub(super) fn find(ctx: &Context<'_>, running: Slot, slots: &Slots) -> Ending {
    let about = ctx.state.outcome().and_then(|outcome| outcome.intent);
    let settled = flags::settled(ctx, running, slots);
    let left = match settled {
        Settled::RolledBack | Settled::RollbackFailed | Settled::FellBack => true,
        Settled::Steady
        | Settled::Pending
        | Settled::Trial
        | Settled::Updated
        | Settled::NeverTried
        | Settled::NotArmed
        | Settled::Unknown => false,
    };
    let cause = left.then(|| evidence::why(ctx, running.other(), settled, about.as_ref()));
    // Of a disk image nobody can expect a reason.
    let cause = cause.filter(|cause| cause.why != Why::Unknown || ctx.machine.runs());
    Ending { settled, cause, about }
}

/// Writes it down where it ends something; `false`: that could not be written, so what it was read from has to stay.
pub(super) fn keep(ctx: &Context<'_>, ending: &Ending, running: Slot) -> bool {
    let kept = ctx.state.settle(ending, running, ctx.now);
    if kept.is_ok() && ending.cause.is_some() {
        ctx.state.forget_trial();
        evidence::forget_panics(ctx);
    }
    let durable = kept.is_ok();
    ctx.state.tolerate(kept);
    durable
}
