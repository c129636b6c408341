//! What a root changes for people and keys.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tough::schema::Root;

use super::leaves;
use crate::names::{self, called};
use crate::role::Role;
use crate::time;

/// Every difference between two roots. Without an old one: what the table of keys does not say.
pub(super) fn root_changes(old: Option<&Root>, new: &Root) -> Vec<String> {
    let roots: Vec<&Root> = [Some(new), old].into_iter().flatten().collect();
    let mut lines = Vec::new();
    if let Some(old) = old {
        for role in Role::ALL {
            let (before, after) = (ids(old, role), ids(new, role));
            let added = after.difference(&before);
            lines.extend(added.map(|id| format!("{role}: {} may sign", called(&roots, id))));
            let removed = before.difference(&after);
            lines.extend(removed.map(|id| format!("{role}: {} may no longer sign", called(&roots, id))));
            let (before, after) = (threshold(old, role), threshold(new, role));
            if before != after {
                lines.push(format!("{role}: {after} signatures are needed instead of {before}"));
            }
        }
        let (before, after) = (time::of_jiff(old.expires), time::of_jiff(new.expires));
        if before != after {
            lines.push(format!("it expires at {} instead of {}", time::text(after), time::text(before)));
        }
    } else {
        lines.push(format!("it expires at {}", time::text(time::of_jiff(new.expires))));
    }
    let unnamed = |root: &Root| rest(root, &all_ids(new), old.map(all_ids).as_ref());
    lines.extend(leaves::changes(&old.map_or_else(|| json!({}), unnamed), &unnamed(new)));
    lines
}

/// The ids that `root` lists for a role, sorted.
pub(super) fn ids(root: &Root, role: Role) -> BTreeSet<String> {
    let keys = root.roles.get(&role.of_tough()).map(|keys| keys.keyids.as_slice()).unwrap_or_default();
    keys.iter().map(hex::encode).collect()
}

/// How many signatures `root` asks of a role.
pub(super) fn threshold(root: &Root, role: Role) -> u64 {
    root.roles.get(&role.of_tough()).map_or(1, |keys| keys.threshold.get())
}

fn all_ids(root: &Root) -> BTreeSet<String> {
    Role::ALL.into_iter().flat_map(|role| ids(root, role)).collect()
}

/// The fields of a root that the sentences and the table leave out. A key's contents follow from its id, which the
/// table shows; the name of a key that comes or goes is in the sentence about it.
fn rest(root: &Root, new: &BTreeSet<String>, old: Option<&BTreeSet<String>>) -> Value {
    let mut value = json!(root);
    let Some(fields) = value.as_object_mut() else { return value };
    fields.remove("version");
    fields.remove("expires");
    let listed = all_ids(root);
    if let Some(keys) = fields.get_mut("keys").and_then(Value::as_object_mut) {
        keys.retain(|id, _| !listed.contains(id));
    }
    if let Some(names) = fields.get_mut(names::FIELD).and_then(Value::as_object_mut) {
        names.retain(|id, _| old.is_some_and(|old| old.contains(id) == new.contains(id)));
    }
    for role in Role::ALL {
        let role = fields.get_mut("roles").and_then(|roles| roles.get_mut(role.name()));
        if let Some(role) = role.and_then(Value::as_object_mut) {
            role.remove("keyids");
            role.remove("threshold");
        }
    }
    for emptied in ["keys", names::FIELD] {
        if fields.get(emptied).is_some_and(|value| *value == json!({})) {
            fields.remove(emptied);
        }
    }
    value
}
