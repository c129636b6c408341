//! `return-permit`: gives one permit to restart back to the group. `confirm`, `health` and `cancel` start it beside themselves.

use serde_json::json;

use crate::answer::Answer;
use crate::cli::Verb;
use crate::{Context, Result, permit};

pub(super) fn run(ctx: &Context<'_>, lease: i64) -> Result<Answer> {
    let data = json!({ "lease": lease });
    if ctx.state.taken().is_none_or(|taken| taken.lease != lease) {
        return Ok(Answer::nothing("this host has no such permit to restart", data));
    }
    permit::give_back(ctx)?;
    Ok(Answer::done("the permit to restart was given back", data))
}

/// After a verb that has ended well: nobody needs the permit for the restart that is over, or not to be.
pub(crate) fn give_back_aside(ctx: &Context<'_>, verb: &Verb, config: Option<&std::path::Path>) {
    use crate::cli::bottlerocket;
    match verb {
        // In this boot it is for the restart to come.
        Verb::Confirm | Verb::Health(_) => permit::give_back_aside(ctx, config, true),
        Verb::Cancel | Verb::Bottlerocket(bottlerocket::Verb::UpdateRevert(_)) => {
            permit::give_back_aside(ctx, config, false);
        }
        _ => {}
    }
}
