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
    let why = || evidence::why(ctx, running.other(), settled, about.as_ref());
    let cause = match settled {
        // Of a disk image nobody can expect a reason.
        Settled::RolledBack | Settled::RollbackFailed | Settled::FellBack => {
            Some(why()).filter(|cause| cause.why != Why::Unknown || ctx.machine.runs())
        }
        // It was not started, so only the selector can say why.
        Settled::NeverTried => Some(why()).filter(|cause| cause.why == Why::Unloadable),
        Settled::Steady
        | Settled::Pending
        | Settled::Trial
        | Settled::Updated
        | Settled::NotArmed
        | Settled::Unknown => None,
    };
    Ending { settled, cause, about }
}

/// Writes it down where it ends something; `false`: that could not be written, so what it was read from has to stay.
pub(super) fn keep(ctx: &Context<'_>, ending: &Ending, running: Slot) -> bool {
    let kept = ctx.state.settle(ending, running, ctx.now);
    if kept.is_ok() && ending.settled.ending().is_some() && ending.cause.is_some() {
        ctx.state.forget_trial();
        evidence::forget_panics(ctx);
    }
    let durable = kept.is_ok();
    ctx.state.tolerate(kept);
    durable
}
