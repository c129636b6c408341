//! `plan`: what `stage` would do.

use serde_json::{Value, json};
use updater_core::Plan;

use super::{check, looks};
use crate::answer::Answer;
use crate::{Context, Options, Result, engine};

pub(super) fn run(ctx: &Context<'_>, options: &Options) -> Result<Answer> {
    let checked = looks::look(ctx, options)?;
    if let Err(none) = checked.offer() {
        return Ok(check::closed(none));
    }
    let planned = engine::plan(ctx, options, checked)?;
    let mut answer = Answer::done(text(planned.plan()), data(planned.plan()));
    // A plan without an index can be shown; that it could not be carried out is said beside it.
    if let Err(refusal) = planned.plan().indexed() {
        answer.hint = Some(format!("it cannot be staged: {refusal}"));
        answer.reason = Some(refusal.reason);
    }
    Ok(answer)
}

fn text(plan: &Plan) -> String {
    let lines: Vec<String> = plan.lines().into_iter().map(|(name, line)| format!("{name}: {line}")).collect();
    lines.join("\n")
}

fn data(plan: &Plan) -> Value {
    json!({ "plan": serde_json::to_value(plan).unwrap_or_default() })
}
