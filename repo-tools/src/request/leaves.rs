//! JSON as lines `path: value`, and what differs between two of them: no change can hide in a field that this version
//! does not know.

use std::collections::BTreeMap;

use serde_json::Value;

/// Every value that has no values in it, by its path.
pub(super) fn leaves(value: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    walk(value, String::new(), &mut found);
    found
}

/// What is new, different and gone, in the order of the paths.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<String> {
    let (before, after) = (leaves(before), leaves(after));
    let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    paths
        .into_iter()
        .filter_map(|path| match (before.get(path), after.get(path)) {
            (Some(old), Some(new)) if old == new => None,
            (Some(old), Some(new)) => Some(format!("{path}: {new} (was {old})")),
            (None, Some(new)) => Some(format!("{path}: {new} (new)")),
            (old, None) => Some(format!("{path}: gone (was {})", old.map_or("", String::as_str))),
        })
        .collect()
}

/// Foreign text on one line, with nothing in it that moves a cursor or turns the direction of reading. Two texts never
/// look the same by it.
pub(crate) fn plain(text: &str) -> String {
    let shown = |letter: char| {
        letter != '\\' && (letter == ' ' || letter.is_ascii_graphic() || letter.is_alphanumeric())
    };
    text.chars()
        .map(|letter| if shown(letter) { letter.to_string() } else { letter.escape_default().to_string() })
        .collect()
}

fn walk(value: &Value, path: String, found: &mut BTreeMap<String, String>) {
    let below = |name: &str| {
        let name = plain(name).replace('/', "~1");
        if path.is_empty() { name } else { format!("{path}/{name}") }
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                walk(value, below(name), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (place, value) in items.iter().enumerate() {
                walk(value, below(&place.to_string()), found);
            }
        }
        // Nothing at all: what there was before the first.
        Value::Object(_) | Value::Null if path.is_empty() => {}
        // JSON's own text: a string keeps its quotes and differs from a number.
        leaf => {
            found.insert(path, plain(&leaf.to_string()));
        }
    }
}
