//! What every verb that changes the draft says: what hosts will see otherwise, then the fact.

use release::manifest::{Difference, Effect};
use serde_json::{Value, json};

use super::Answer;
use super::answer::Ending;
use crate::change::Change;

/// The answer of a change of one release: `done` is the fact, unless it was so before (exit 10).
pub(super) fn answer(change: Change<(String, Effect)>, done: &str) -> Answer {
    let (title, effect) = change.answer;
    match effect {
        Effect::Changed => {
            said(&change.differences, format!("{done}: {title}"), &json!({ "release": title }))
        }
        Effect::Unchanged(so) => {
            nothing(format!("nothing to do: {title} is {so}"), json!({ "release": title }))
        }
    }
}

/// The answer of a change that was made. Nothing of it counts before it is signed and published.
pub(super) fn said(differences: &[Difference], fact: String, data: &Value) -> Answer {
    let mut lines: Vec<String> = differences.iter().map(ToString::to_string).collect();
    lines.push(fact);
    Answer::done(lines, with(data.clone(), true, differences))
}

/// The answer of a change that was made before (exit 10).
pub(super) fn nothing(fact: String, data: Value) -> Answer {
    Answer::ending(Ending::NothingToDo, vec![fact], with(data, false, &[]))
}

fn with(mut data: Value, changed: bool, differences: &[Difference]) -> Value {
    data["changed"] = Value::Bool(changed);
    data["differences"] = json!(differences);
    data
}
