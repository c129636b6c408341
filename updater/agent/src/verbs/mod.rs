//! The verbs, one file each. A verb takes the context and what was typed, and answers; it never prints.

mod apply;
mod arm;
mod auto;
pub mod bottlerocket;
mod cancel;
mod check;
pub(crate) mod config;
mod confirm;
mod ending;
pub(crate) mod flags;
mod health;
mod history;
pub(crate) mod looks;
mod observed;
pub(crate) mod permit;
mod plan;
mod report;
mod restart;
mod rollback;
mod stage;
pub(crate) mod status;
mod turn;
mod verify;

use crate::answer::Answer;
use crate::cli::Verb;
use crate::{Context, Result};

/// Does what was typed.
pub fn run(ctx: &Context<'_>, verb: &Verb) -> Result<Answer> {
    match verb {
        Verb::Check(typed) => check::run(ctx, typed),
        Verb::Plan(typed) => plan::run(ctx, &typed.clone().into()),
        Verb::Stage(typed) => stage::run(ctx, &typed.clone().into()),
        Verb::Apply(typed) => apply::run(ctx, &typed.update.clone().into(), typed.restart),
        Verb::Arm(restart) => arm::run(ctx, *restart),
        Verb::Cancel => cancel::run(ctx, updater_core::records::Wish::Hand),
        Verb::Confirm => confirm::run(ctx),
        Verb::Health(restart) => health::run(ctx, *restart),
        Verb::Report => report::run(ctx),
        Verb::Auto(typed) => auto::run(ctx, *typed),
        // They run for long and need what was typed: `run` has them.
        Verb::Serve | Verb::Watch => {
            Err(crate::Error::Usage(format!("{} is started by itself", verb.name())))
        }
        Verb::Restart => restart::run(ctx),
        Verb::Rollback(restart) => rollback::run(ctx, *restart),
        Verb::Verify(typed) => verify::run(ctx, typed.slot),
        Verb::Status => status::run(ctx),
        Verb::History => Ok(history::run(ctx)),
        Verb::Config { .. } => Ok(Answer::done("", serde_json::Value::Null)),
        Verb::ReturnPermit { lease } => permit::run(ctx, *lease),
        Verb::Bottlerocket(verb) => bottlerocket::run(ctx, verb),
    }
}
