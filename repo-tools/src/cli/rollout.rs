//! `updog-repo waves pause`, `resume`, `slow`, `hurry`, `halt`: a rollout under way

use chrono::SubsecRound;
use clap::Subcommand;
use release::manifest::{ChangeError, Effect, Reason, Update};
use waves::Factor;

use super::pick::Pick;
use super::{Answer, Context, changed};
use crate::change::{change, change_release};
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Let nobody install a release for now; waves that have not opened wait, and keep their times for "resume".
    Pause {
        #[command(flatten)]
        pick: Pick,
        /// Why, in one line; hosts show it.
        #[arg(long)]
        reason: Reason,
    },
    /// End a pause: what had not opened comes later by the time that it was paused.
    Resume {
        #[command(flatten)]
        pick: Pick,
        /// Why, in one line; kept in the history.
        #[arg(long)]
        reason: Reason,
    },
    /// Let the waves that have not opened take FACTOR times as long from now on.
    Slow {
        #[command(flatten)]
        pick: Pick,
        #[command(flatten)]
        pace: Pace,
    },
    /// Let the waves that have not opened take FACTOR times less long from now on.
    Hurry {
        #[command(flatten)]
        pick: Pick,
        #[command(flatten)]
        pace: Pace,
    },
    /// End a rollout for good: no host installs the release any more, until it gets new waves.
    Halt {
        #[command(flatten)]
        pick: Pick,
        /// Why, in one line; hosts show it.
        #[arg(long)]
        reason: Reason,
    },
}

/// How much slower or faster.
#[derive(Debug, clap::Args)]
pub(super) struct Pace {
    /// Above 1, at most 1000.
    #[arg(allow_negative_numbers = true)]
    factor: Factor,
    /// Why, in one line; kept in the history.
    #[arg(long)]
    reason: Reason,
}

impl Verb {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Pause { .. } => "waves pause",
            Self::Resume { .. } => "waves resume",
            Self::Slow { .. } => "waves slow",
            Self::Hurry { .. } => "waves hurry",
            Self::Halt { .. } => "waves halt",
        }
    }
}

pub(super) fn run(context: &Context, verb: Verb) -> Result<Answer> {
    let now = context.now.trunc_subsecs(0);
    match verb {
        Verb::Pause { pick, reason } => one(context, pick, "paused", |update| update.pause(now, reason)),
        Verb::Resume { pick, reason } => one(context, pick, "resumed", |update| update.resume(now, reason)),
        Verb::Slow { pick, pace: Pace { factor, reason } } => {
            one(context, pick, "slowed down", |update| update.slow(now, factor, reason))
        }
        Verb::Hurry { pick, pace: Pace { factor, reason } } => {
            one(context, pick, "hurried", |update| update.hurry(now, factor, reason))
        }
        Verb::Halt { pick, reason } => one(context, pick, "halted", |update| update.halt(now, reason)),
    }
}

fn one(
    context: &Context,
    pick: Pick,
    done: &str,
    edit: impl FnOnce(&mut Update) -> Result<Effect, ChangeError>,
) -> Result<Answer> {
    let choice = pick.choice();
    let change = change(&context.folder()?, |draft| change_release(draft, &choice, edit))?;
    Ok(changed::answer(change, done))
}
