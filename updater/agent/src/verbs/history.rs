//! `history`: what happened to this host.

use serde_json::json;
use updater_core::records::HistoryLine;
use updater_core::seconds;

use crate::Context;
use crate::answer::Answer;

pub(super) fn run(ctx: &Context<'_>) -> Answer {
    let lines = ctx.state.history();
    let text: Vec<String> = lines.iter().map(line).collect();
    let message = if text.is_empty() { "Nothing is recorded.".to_owned() } else { text.join("\n") };
    Answer::done(message, json!({ "history": lines }))
}

fn line(line: &HistoryLine) -> String {
    let at = seconds(line.at);
    let slot = line.slot.map_or_else(|| "-".to_owned(), |slot| slot.to_string());
    let version = line.version.as_deref().unwrap_or("-");
    let why = line.cause.as_ref().map_or_else(String::new, |cause| format!(" ({cause})"));
    format!("{at} {:<15} {slot} {version}{why}", line.event.as_str())
}
