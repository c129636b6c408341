//! Bottlerocket's names: their text, their JSON, their exit codes 0 and 1.

use std::process::ExitCode;

use partition_disk::said;
use release::manifest::Update;
use serde_json::Value;
use updater_core::Exit;
use updater_core::records::Wish;

use super::{arm, cancel, check, flags, stage};
use crate::answer::Answer;
use crate::cli::bottlerocket::{Flags, Verb};
use crate::cli::{Global, Restart};
use crate::run::{complain, print};
use crate::{Context, Result, engine};

/// Does what the name means; data is what their client prints with `--json`.
pub(super) fn run(ctx: &Context<'_>, verb: &Verb) -> Result<Answer> {
    match verb {
        Verb::CheckUpdate(flags) => check_update(ctx, flags),
        Verb::Update(flags) => update(ctx, flags, Then::Arm),
        Verb::UpdateImage(flags) => update(ctx, flags, Then::Leave),
        Verb::UpdateApply(flags) => arm::run(ctx, Restart { reboot: flags.reboot }).map(|_| silent()),
        // Their client has no precondition: nothing armed is done already.
        Verb::UpdateRevert(_) => cancel::run(ctx, updater_core::records::Wish::Hand).map(|_| silent()),
        Verb::Prepare(_) => Ok(silent()),
    }
}

/// Prints as their client does, and ends with 0 or 1.
pub fn show(verb: &Verb, global: &Global, answer: &Answer) -> ExitCode {
    let nothing = matches!(answer.exit, Exit::NothingToDo | Exit::MustWait);
    match (verb, nothing) {
        (Verb::CheckUpdate(_), true) => {
            say("No update available");
            say(&answer.message);
            ExitCode::FAILURE
        }
        (Verb::Update(_) | Verb::UpdateImage(_), true) => {
            say("No update required");
            say(&answer.message);
            ExitCode::SUCCESS
        }
        _ if answer.exit != Exit::Done => {
            complain(answer);
            ExitCode::FAILURE
        }
        _ if answer.data.is_null() => ExitCode::SUCCESS,
        _ if global.json => printed(&serde_json::to_string_pretty(&answer.data).unwrap_or_default()),
        _ if answer.message.is_empty() => ExitCode::SUCCESS,
        _ => printed(&answer.message),
    }
}

/// What cannot be written is a failure like any other of theirs.
fn printed(text: &str) -> ExitCode {
    ExitCode::from(u8::from(!print(text, Exit::Done).is_ok()))
}

fn check_update(ctx: &Context<'_>, flags: &Flags) -> Result<Answer> {
    let checked = engine::check(ctx, &flags.options())?;
    if flags.all {
        let open = || checked.candidates().iter().filter(|candidate| check::is_open(candidate));
        let lines: Vec<String> = open().map(|candidate| name(&candidate.update)).collect();
        let data: Value = open().map(|candidate| check::object(&candidate.update)).collect();
        // Their text goes to stderr; on stdout it can be used.
        return Ok(Answer::done(lines.join("\n"), data));
    }
    Ok(match checked.offer() {
        Ok(offer) => Answer::done(name(offer.update()), check::object(offer.update())),
        Err(none) => check::closed(none),
    })
}

#[derive(Clone, Copy)]
enum Then {
    Arm,
    Leave,
}

fn update(ctx: &Context<'_>, typed: &Flags, then: Then) -> Result<Answer> {
    let checked = engine::check(ctx, &typed.options())?;
    let chosen = match checked.offer() {
        Ok(offer) => offer.update().clone(),
        Err(none) => return Ok(check::closed(none)),
    };
    say(&format!("Starting update to {}", chosen.version));
    let planned = engine::plan(ctx, &typed.options(), checked)?;
    planned.plan().indexed()?;
    let staged = engine::stage(ctx, planned)?;
    say(&stage::moved(&staged.moved));
    if let Then::Arm = then {
        arm::arm(ctx, staged.verified, Wish::Hand)?;
        let restart = Restart { reboot: typed.reboot };
        flags::restart(ctx, restart, String::new())?;
    }
    Ok(Answer::done(format!("Update applied: {}", name(&chosen)), check::object(&chosen)))
}

fn name(update: &Update) -> String {
    format!("{} {}", update.variant, update.version)
}

fn silent() -> Answer {
    Answer::done("", Value::Null)
}

fn say(line: &str) {
    said::aside(line);
}
