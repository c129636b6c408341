//! The keys of a recipe.

use toml::{Table, Value};

/// The first key, in file order by section, that nobody knows, with the nearest one that is known.
pub(super) fn unknown(recipe: &Table) -> Option<(String, Option<String>)> {
    recipe.iter().find_map(|(key, value)| {
        if !TOP.contains(&&**key) {
            return Some((key.clone(), nearest("", key, TOP)));
        }
        match SECTIONS.iter().find(|(name, _)| name == key) {
            Some((name, known)) => within(name, value, known),
            None if key == "on" => on(value),
            None => None,
        }
    })
}

/// A section is one table, or a list of tables.
fn within(name: &str, value: &Value, known: &[&str]) -> Option<(String, Option<String>)> {
    match value {
        Value::Table(table) => {
            let key = table.keys().find(|key| !known.contains(&&***key))?;
            Some((format!("{name}.{key}"), nearest(&format!("{name}."), key, known)))
        }
        Value::Array(list) => list.iter().find_map(|value| within(name, value, known)),
        _ => None,
    }
}

fn on(value: &Value) -> Option<(String, Option<String>)> {
    within("on", value, ARCHES).or_else(|| {
        let table = value.as_table()?;
        table.iter().find_map(|(arch, value)| within(&format!("on.{arch}"), value, EXTRA))
    })
}

fn nearest(section: &str, key: &str, known: &[&str]) -> Option<String> {
    let plain = key.to_ascii_lowercase().replace('-', "_");
    let scored = known.iter().map(|known| (strsim::damerau_levenshtein(&plain, known), known));
    let (distance, known) = scored.min()?;
    // A third of the letters may be wrong; beyond that a guess misleads.
    (distance * 3 <= known.len()).then(|| format!("{section}{known}"))
}

const TOP: &[&str] = &[
    "variant", "suite", "arch", "packages", "without", "remove", "epoch", "init", "cmdline", "keys",
    "kernel", "programs", "file", "link", "units", "user", "group", "size", "audit", "on",
];
const ARCHES: &[&str] = &["x86_64", "aarch64"];
const EXTRA: &[&str] = &["packages", "modules", "root_modules", "cmdline"];
const SECTIONS: &[(&str, &[&str])] = &[
    ("kernel", &["package", "modules", "root_modules", "load"]),
    ("programs", &["install"]),
    ("file", &["path", "text", "source", "mode"]),
    ("link", &["path", "target"]),
    ("units", &["enabled", "masked", "default"]),
    ("user", &["name", "uid", "home", "groups"]),
    ("group", &["name", "gid"]),
    ("size", &["esp", "boot", "root", "hash", "private", "data"]),
    ("audit", &["package", "path", "check", "reason"]),
];
