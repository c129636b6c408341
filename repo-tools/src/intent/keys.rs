//! The keys of `repo.toml`.

use toml::{Table, Value};

use super::IntentError;

/// Refuses the first key that nobody knows.
pub(super) fn check(file: &Table) -> Result<(), IntentError> {
    known("", file, &["name", "keys", "roles", "waves", "stores", "doctor"])?;
    let roles = section(file, "roles");
    for table in roles.iter().copied() {
        known("roles", table, &["root", "targets", "snapshot", "timestamp"])?;
        for (role, table) in tables(table) {
            known(&format!("roles.{role}"), table, &["keys", "threshold", "expires", "margin"])?;
        }
    }
    for (name, table) in section(file, "waves").into_iter().flat_map(tables) {
        known(&format!("waves.{name}"), table, &["file", "end_after", "waves"])?;
        for wave in table.get("waves").and_then(Value::as_array).into_iter().flatten() {
            let Some(wave) = wave.as_table() else { continue };
            known(&format!("waves.{name}.waves"), wave, &["start_after", "fleet_percentage"])?;
        }
    }
    section(file, "doctor").map_or(Ok(()), |table| known("doctor", table, &["accept"]))
}

/// The known word that is nearest to this one, when it is near at all.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = word.to_ascii_lowercase().replace('-', "_");
    let scored = known.into_iter().map(|known| (strsim::damerau_levenshtein(&plain, known), known));
    let (distance, known) = scored.min()?;
    // A third of the letters may be wrong; beyond that a guess misleads.
    (distance * 3 <= known.len()).then_some(known)
}

fn known(place: &str, table: &Table, known: &[&str]) -> Result<(), IntentError> {
    let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    let full = |key: &str| if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
    let hint = match nearest(key, known.iter().copied()) {
        Some(nearest) => format!("did you mean {:?}?", full(nearest)),
        None => format!("known keys there: {}", known.join(", ")),
    };
    Err(IntentError::UnknownKey { key: full(key), hint })
}

fn section<'a>(file: &'a Table, name: &str) -> Option<&'a Table> {
    file.get(name).and_then(Value::as_table)
}

fn tables(table: &Table) -> impl Iterator<Item = (&String, &Table)> {
    table.iter().filter_map(|(name, value)| value.as_table().map(|table| (name, table)))
}
