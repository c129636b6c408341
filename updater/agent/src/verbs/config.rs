//! `config show`: each value with where it came from.

use serde_json::{Map, Value, json};
use updater_core::Exit;

use crate::answer::Answer;
use crate::config::{Merged, Settings};

/// Shows what could be read; `problems` with it end as wrong configuration.
pub(crate) fn show(merged: &Merged, problems: &[String]) -> Answer {
    let shown = merged.show(&Settings::defaults());
    let width = shown.iter().map(|shown| shown.key.len()).max().unwrap_or_default();
    let mut lines = Vec::new();
    let mut data = Map::new();
    for shown in &shown {
        let text = shown.value.as_ref().map_or_else(|| "(not set)".to_owned(), ToString::to_string);
        lines.push(format!("{:<width$} = {text}  # {}", shown.key, shown.origin));
        let value =
            shown.value.as_ref().and_then(|value| serde_json::to_value(value).ok()).unwrap_or(Value::Null);
        data.insert(shown.key.to_owned(), json!({ "value": value, "origin": shown.origin.to_string() }));
    }
    let mut answer = Answer::done(lines.join("\n"), Value::Object(data));
    if !problems.is_empty() {
        answer.exit = Exit::Usage;
        answer.message = format!("{}\n{} problems, see above", answer.message, problems.len());
    }
    answer
}
