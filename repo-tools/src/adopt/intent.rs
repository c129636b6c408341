//! `repo.toml` out of what is published. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tough::schema::{Root, Snapshot, Targets, Timestamp};

use crate::document::{Document, signed_at};
use crate::intent::{self, Intent};
use crate::names;
use crate::role::Role;

/// How long a role's documents are good for, as far as published ones tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Term {
    /// The role.
    pub role: Role,
    /// In hours; `None`: its document does not say when it was made, and the default is taken.
    pub hours: Option<i64>,
}

/// The terms of all roles. A timestamp says when it was signed; targets and snapshot have the second in which they were made
/// for a version, when `updog-repo` made them; of a root nothing is known.
pub(super) fn terms(
    targets: &Document<Targets>,
    snapshot: &Document<Snapshot>,
    timestamp: &Document<Timestamp>,
) -> [Term; 4] {
    let of = |role, expires, made| Term { role, hours: made_for(expires, made) };
    [
        Term { role: Role::Root, hours: None },
        of(Role::Targets, targets.expires(), second(targets.version())),
        of(Role::Snapshot, snapshot.expires(), second(snapshot.version())),
        of(Role::Timestamp, timestamp.expires(), signed_at(timestamp.role())),
    ]
}

fn second(version: u64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(i64::try_from(version).ok()?, 0)
}

/// Whole hours, between one and ten years; anything else is no term that somebody chose.
fn made_for(expires: DateTime<Utc>, made: Option<DateTime<Utc>>) -> Option<i64> {
    let term = expires.signed_duration_since(made?);
    let hours = (term + TimeDelta::minutes(30)).num_hours();
    (1..=10 * 366 * 24).contains(&hours).then_some(hours)
}

/// The file: the defaults, with the keys, thresholds and terms of what is published.
pub(super) fn text(root: &Root, terms: &[Term]) -> String {
    let called = called(root);
    let mut text = String::new();
    let mut section = "";
    for line in intent::DEFAULT.lines() {
        if line.starts_with('[') {
            section = line;
        }
        let role = Role::ALL.into_iter().find(|role| section == format!("[roles.{role}]"));
        let term = role.and_then(|role| terms.iter().find(|term| term.role == role));
        let hours = term.and_then(|term| term.hours);
        let said = match (role, line) {
            // What stands here takes the place of the examples.
            (Some(_), line) if line.starts_with("# keys =") || line.starts_with("# threshold =") => continue,
            (None, line) if section == "[keys]" && line.starts_with("# ") && line.contains(".pub\"") => {
                continue;
            }
            (Some(_), line) if line.starts_with("expires =") => {
                hours.map(|hours| format!("expires = {:?}", term_text(hours)))
            }
            (Some(role), line) if line.starts_with("margin =") => hours.and_then(|hours| margin(role, hours)),
            _ => None,
        };
        text.push_str(said.as_deref().unwrap_or(line));
        text.push('\n');
        if line == section && line == "[keys]" {
            text.extend(
                called
                    .iter()
                    .filter(|(id, name)| id != name)
                    .map(|(id, name)| format!("{name} = \"{id}\"\n")),
            );
        } else if let Some(role) = role.filter(|_| line == section) {
            text.push_str(&signers(root, role, &called));
        }
    }
    text
}

/// Who signs for a role, and how many.
fn signers(root: &Root, role: Role, called: &BTreeMap<String, String>) -> String {
    let Some(listed) = root.roles.get(&role.of_tough()).filter(|listed| !listed.keyids.is_empty()) else {
        return String::new();
    };
    let names: Vec<String> = listed
        .keyids
        .iter()
        .map(hex::encode)
        .map(|id| format!("{:?}", called.get(&id).unwrap_or(&id)))
        .collect();
    format!("keys = [{}]\nthreshold = {}\n", names.join(", "), listed.threshold)
}

/// What each key id is called in the file: its name in the root, in letters that a table of keys takes; the id where it has
/// none, or two would have the same.
fn called(root: &Root) -> BTreeMap<String, String> {
    let plain = |name: &str| -> String {
        name.chars()
            .map(|letter| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' })
            .collect()
    };
    let ids: Vec<String> = root.keys.keys().map(hex::encode).collect();
    let name = |id: &String| names::name(root, id).map(plain);
    ids.iter()
        .map(|id| {
            let others = |other: &&String| *other != id && name(other) == name(id);
            let own = name(id).filter(|_| !ids.iter().any(|other| others(&other)));
            (id.clone(), own.unwrap_or_else(|| id.clone()))
        })
        .collect()
}

/// A margin must be shorter than its term; where the default is not, a third of the term is left.
fn margin(role: Role, hours: i64) -> Option<String> {
    let margin = Intent::default().role(role).margin;
    (margin.num_hours() >= hours).then(|| format!("margin = {:?}", term_text((hours / 3).max(1))))
}

/// As `repo.toml` writes terms.
pub(crate) fn term_text(hours: i64) -> String {
    if hours % 24 == 0 { format!("{}d", hours / 24) } else { format!("{hours}h") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_what_somebody_may_have_chosen() {
        let made = DateTime::from_timestamp(1_800_000_000, 0);
        for (secs, hours) in [
            (7 * 86_400, Some(168)),
            // A version one above the last, or a clock that moved on between two documents.
            (90 * 86_400 - 1, Some(2160)),
            (90 * 86_400 + 2, Some(2160)),
            (3600, Some(1)),
            (60, None),
            (-86_400, None),
            (20 * 366 * 86_400, None),
        ] {
            let expires = made.unwrap() + TimeDelta::seconds(secs);
            assert_eq!(made_for(expires, made), hours, "{secs}");
        }
        assert_eq!(made_for(made.unwrap(), None), None);
        // Other tools count from 1.
        assert_eq!(made_for(made.unwrap(), second(7)), None);
    }

    #[test]
    fn a_margin_is_shorter_than_its_term() {
        assert_eq!(margin(Role::Timestamp, 168), None);
        assert_eq!(margin(Role::Timestamp, 24).as_deref(), Some("margin = \"8h\""));
        assert_eq!(margin(Role::Targets, 240).as_deref(), Some("margin = \"80h\""));
        assert_eq!(margin(Role::Timestamp, 1).as_deref(), Some("margin = \"1h\""));
    }

    #[test]
    fn the_file_is_understood_and_says_what_the_root_says() {
        let (a, b) = ("a".repeat(64), "b".repeat(64));
        let signs = |keys: &[&str], threshold| serde_json::json!({ "keyids": keys, "threshold": threshold });
        let root: Root = serde_json::from_value(serde_json::json!({
            "_type": "root", "spec_version": "1.0.0", "consistent_snapshot": true, "version": 3,
            "expires": "2030-01-01T00:00:00Z", "keys": {},
            "roles": {
                "root": signs(&[&a, &b], 2), "targets": signs(&[&a], 1),
                "snapshot": signs(&[&b], 1), "timestamp": signs(&[&b], 1),
            },
        }))
        .unwrap();
        let terms =
            [Term { role: Role::Timestamp, hours: Some(24) }, Term { role: Role::Targets, hours: Some(720) }];
        let file = text(&root, &terms);
        let intent = Intent::parse(file.as_bytes(), ".".as_ref()).unwrap();
        assert_eq!(intent::differences(&root, &intent, &ids(&intent)), []);
        assert_eq!(intent.role(Role::Timestamp).expires, TimeDelta::hours(24));
        assert_eq!(intent.role(Role::Targets).expires, TimeDelta::days(30));
        assert!(!file.contains("# keys = ["), "{file}");
    }

    fn ids(intent: &Intent) -> BTreeMap<String, String> {
        intent.keys().into_iter().map(|key| (key.name.clone(), key.name)).collect()
    }
}
