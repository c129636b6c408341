//! What people call a key. The names stand in the root itself, so that they are signed with it and go where it goes.

use std::path::Path;

use serde_json::{Map, Value};
use tough::schema::Root;

/// The field of a root; clients keep unknown fields and do not read them.
pub(crate) const FIELD: &str = "x-updog-key-names";

/// The name under which `root` lists this key id.
pub(crate) fn name<'a>(root: &'a Root, id: &str) -> Option<&'a str> {
    root._extra.get(FIELD)?.get(id)?.as_str().filter(|name| is_name(name))
}

/// `ann 5f3c…`, or the id alone: by the first of these roots that has a name for it.
pub(crate) fn called(roots: &[&Root], id: &str) -> String {
    match roots.iter().find_map(|root| name(root, id)) {
        Some(name) => format!("{name} {id}"),
        None => id.to_owned(),
    }
}

/// The key that has this name already.
pub(crate) fn holder<'a>(root: &'a Root, wanted: &str) -> Option<&'a str> {
    let names = root._extra.get(FIELD)?.as_object()?;
    names.iter().find(|(_, name)| name.as_str() == Some(wanted)).map(|(id, _)| id.as_str())
}

/// Sets the name of a key; `false` when it has it already.
pub(crate) fn set(root: &mut Root, id: &str, name: &str) -> bool {
    let names = root._extra.entry(FIELD.into()).or_insert_with(|| Value::Object(Map::new()));
    if !names.is_object() {
        *names = Value::Object(Map::new());
    }
    let Some(names) = names.as_object_mut() else { return false };
    names.insert(id.to_owned(), name.into()) != Some(name.into())
}

/// Forgets a key that left the root.
pub(crate) fn drop(root: &mut Root, id: &str) {
    let Some(names) = root._extra.get_mut(FIELD).and_then(Value::as_object_mut) else { return };
    names.remove(id);
    if names.is_empty() {
        root._extra.remove(FIELD);
    }
}

/// A name is one short word that no terminal takes for anything else.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._@+-".contains(&byte))
}

/// `ann` of `keys/ann.key.pub`.
pub(crate) fn of_file(path: &Path) -> Option<String> {
    let mut name = path.file_name()?.to_str()?;
    while let Some((stem, _)) = name.rsplit_once('.').filter(|(_, end)| ENDINGS.contains(end)) {
        name = stem;
    }
    is_name(name).then(|| name.to_owned())
}

const ENDINGS: [&str; 5] = ["pub", "key", "pem", "der", "json"];
