//! What new targets change for hosts: releases first, then files.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tough::schema::{Target, Targets};

use super::leaves::{changes, leaves, plain};
use crate::time;

/// What hosts will see: releases that come, go and change, field by field.
pub(super) fn manifest_changes(before: &Value, after: &Value) -> Vec<String> {
    let (old, new) = (releases(before), releases(after));
    let mut lines = Vec::new();
    for (name, release) in &new {
        let title = plain(&name.join(" "));
        match old.get(name) {
            None => {
                lines.push(format!("release added: {title}"));
                lines.extend(leaves(release).into_iter().map(|(path, value)| format!("  {path}: {value}")));
            }
            Some(was) => {
                let differs = changes(was, release);
                if !differs.is_empty() {
                    lines.push(format!("release changed: {title}"));
                    lines.extend(differs.into_iter().map(|line| format!("  {line}")));
                }
            }
        }
    }
    let removed = old.keys().filter(|name| !new.contains_key(*name));
    lines.extend(removed.map(|name| format!("release removed: {}", plain(&name.join(" ")))));
    lines.extend(changes(&without(before, "updates"), &without(after, "updates")));
    lines
}

/// Files that come, go and change, with their digests, and every other field of the targets role.
pub(super) fn file_changes(before: Option<&Targets>, after: &Targets) -> Vec<String> {
    let (old, new) = (before.map(listed).unwrap_or_default(), listed(after));
    let mut lines = vec![match before {
        Some(before) => format!("it expires at {} instead of {}", expiry(after), expiry(before)),
        None => format!("it expires at {}", expiry(after)),
    }];
    for (name, target) in &new {
        let title = plain(name);
        match old.get(name) {
            Some(was) if was == target => {}
            Some(was) => {
                lines.push(format!("file changed: {title}: {}, was {}", digest(target), digest(was)));
            }

            None => lines.push(format!("file added: {title}: {}", digest(target))),
        }
    }
    let removed = old.keys().filter(|name| !new.contains_key(*name));
    lines.extend(removed.map(|name| format!("file removed: {}", plain(name))));
    lines.extend(changes(&before.map_or_else(|| json!({}), rest), &rest(after)));
    lines
}

/// Each release by its name, and the rest of it.
fn releases(manifest: &Value) -> BTreeMap<[String; 3], Value> {
    let updates = manifest.get("updates").and_then(Value::as_array);
    let word =
        |update: &Value, field: &str| update.get(field).and_then(Value::as_str).unwrap_or("?").to_owned();
    updates
        .into_iter()
        .flatten()
        .map(|update| {
            let rest = NAME.into_iter().fold(update.clone(), |rest, field| without(&rest, field));
            (NAME.map(|field| word(update, field)), rest)
        })
        .collect()
}

fn listed(targets: &Targets) -> BTreeMap<&str, &Target> {
    targets.targets.iter().map(|(name, target)| (name.raw(), target)).collect()
}

fn digest(target: &Target) -> String {
    format!("{} bytes, sha256 {}", target.length, hex::encode(&target.hashes.sha256))
}

fn expiry(targets: &Targets) -> String {
    time::text(time::of_jiff(targets.expires))
}

/// All but the version, the expiry and what a line about a file says.
fn rest(targets: &Targets) -> Value {
    let mut value = without(&without(&json!(targets), "version"), "expires");
    let files = value.get_mut("targets").and_then(Value::as_object_mut);
    if let Some(files) = files {
        for (_, target) in files.iter_mut() {
            *target = without(target, "length");
            if let Some(hashes) = target.get_mut("hashes").and_then(Value::as_object_mut) {
                hashes.remove("sha256");
            }
            if target.get("hashes") == Some(&json!({})) {
                *target = without(target, "hashes");
            }
        }
        files.retain(|_, target| *target != json!({}));
    }
    if value.get("targets") == Some(&json!({})) {
        value = without(&value, "targets");
    }
    value
}

fn without(value: &Value, field: &str) -> Value {
    let mut value = value.clone();
    if let Some(fields) = value.as_object_mut() {
        fields.remove(field);
    }
    value
}

const NAME: [&str; 3] = ["variant", "arch", "version"];
