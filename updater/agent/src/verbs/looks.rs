//! What is remembered of a look at the repository: its answer, for `status`, and how often in a row it was in vain, so that a
//! host by itself asks less and less often. Local verbs need none of it.

use updater_core::records::{Looked, Retry, Seen};
use updater_core::{Exit, Refusal};

use crate::answer::chain;
use crate::engine::check::Checked;
use crate::{Context, Error, Options, Result, chance, engine};

/// Asks, and remembers the answer; what a carried copy says is no answer of the repository.
pub(super) fn look(ctx: &Context<'_>, options: &Options) -> Result<Checked> {
    let found = engine::check(ctx, options);
    if options.bundle.is_none() && !options.aside {
        keep(ctx, &found);
        if found.is_ok() {
            settled(ctx);
        }
    }
    found
}

/// Keeps the answer. A failure that may pass counts as one in vain.
pub(super) fn keep(ctx: &Context<'_>, result: &Result<Checked>) {
    let seen = match result {
        Ok(checked) => answer(checked),
        Err(error) => {
            let message = chain(error);
            Seen { exit: error.exit(), reason: error.reason(), message, version: None }
        }
    };
    if ctx.interrupt.raised() {
        return;
    }
    let in_vain = seen.exit == Exit::Transient;
    change(ctx, |before| {
        let looked = Looked::after(before, ctx.now, seen);
        Some(if in_vain { looked.in_vain(ctx.now, retry(ctx)) } else { looked })
    });
}

/// What was asked for was had: the next look comes when it comes.
pub(super) fn settled(ctx: &Context<'_>) {
    change(ctx, |before| {
        before.filter(|looked| looked.failures > 0 || looked.next.is_some()).map(Looked::settled)
    });
}

/// A turn has looked, and could then not have what it saw.
pub(super) fn in_vain(ctx: &Context<'_>) {
    change(ctx, |before| before.map(|looked| looked.in_vain(ctx.now, retry(ctx))));
}

/// How many bytes a run has fetched that wrote a slot.
pub(crate) fn fetched(ctx: &Context<'_>, bytes: u64) {
    change(ctx, |before| before.map(|looked| Looked { fetched_bytes: Some(bytes), ..looked }));
}

/// Whether a host by itself leaves the repository alone for now.
pub(super) fn too_early(ctx: &Context<'_>) -> Option<Refusal> {
    ctx.state.looked()?.holds(ctx.now, ctx.config.backoff_max)
}

fn answer(checked: &Checked) -> Seen {
    match checked.offer() {
        Ok(offer) => Seen {
            exit: Exit::Done,
            reason: None,
            message: format!("{} is open", offer.version()),
            version: Some(offer.version().to_string()),
        },
        Err(none) => Seen {
            exit: none.exit(),
            reason: Some(none.refusal.reason),
            message: none.refusal.to_string(),
            version: None,
        },
    }
}

fn change(ctx: &Context<'_>, change: impl FnOnce(Option<Looked>) -> Option<Looked>) {
    ctx.state.tolerate(ctx.state.change_looked(change));
}

fn retry(ctx: &Context<'_>) -> Retry {
    Retry { base: ctx.config.backoff, cap: ctx.config.backoff_max, random: chance::share() }
}

/// Whether an error is one of the network's, and not of the signal that ended the run or of a restart.
pub(super) fn is_of_the_network(error: &Error) -> bool {
    matches!(error, Error::Engine(error) if error.exit() == Exit::Transient)
}
