//! What a new manifest changes for hosts, release by release.

use std::collections::BTreeMap;
use std::fmt;

use release::manifest::{Manifest, Update};
use serde::Serialize;

use crate::draft::title;

/// One change that hosts will see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// A release that was not there.
    Added {
        /// Variant, architecture and version.
        release: String,
    },
    /// A release that is no longer there.
    Removed {
        /// Variant, architecture and version.
        release: String,
    },
    /// A release that is offered otherwise.
    Changed {
        /// Variant, architecture and version.
        release: String,
        /// What of it.
        what: Vec<&'static str>,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { release } => write!(f, "+ {release}"),
            Self::Removed { release } => write!(f, "- {release}"),
            Self::Changed { release, what } => write!(f, "~ {release}: {}", what.join(", ")),
        }
    }
}

/// From `before` to `after`, sorted by release; `None` is a manifest without releases.
pub fn changes(before: Option<&Manifest>, after: Option<&Manifest>) -> Vec<Change> {
    let (before, after) = (by_title(before), by_title(after));
    let mut changes = Vec::new();
    for (release, update) in &after {
        let release = release.clone();
        match before.get(&release) {
            None => changes.push((release.clone(), Change::Added { release })),
            Some(old) if old == update => {}
            Some(old) => {
                let what = differences(old, update);
                changes.push((release.clone(), Change::Changed { release, what }));
            }
        }
    }
    let gone = before.keys().filter(|release| !after.contains_key(*release));
    changes.extend(gone.map(|release| (release.clone(), Change::Removed { release: release.clone() })));
    changes.sort_by(|a, b| a.0.cmp(&b.0));
    changes.into_iter().map(|(_, change)| change).collect()
}

fn by_title(manifest: Option<&Manifest>) -> BTreeMap<String, &Update> {
    let updates = manifest.map(|manifest| manifest.updates.as_slice()).unwrap_or_default();
    updates.iter().map(|update| (title(update), update)).collect()
}

fn differences(old: &Update, new: &Update) -> Vec<&'static str> {
    let (ours, theirs) = (old.updog.as_ref(), new.updog.as_ref());
    let checks = [
        ("images", old.images != new.images || old.extra_images != new.extra_images),
        ("waves", old.waves != new.waves),
        ("max_version", old.max_version != new.max_version),
        ("paused", ours.map(|ours| &ours.paused) != theirs.map(|ours| &ours.paused)),
        ("yanked", ours.map(|ours| &ours.yanked) != theirs.map(|ours| &ours.yanked)),
        ("from", ours.map(|ours| &ours.from) != theirs.map(|ours| &ours.from)),
        ("deltas", ours.map(|ours| &ours.deltas) != theirs.map(|ours| &ours.deltas)),
        ("notes", ours.map(|ours| &ours.notes) != theirs.map(|ours| &ours.notes)),
    ];
    let found: Vec<&str> = checks.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect();
    // What differs and is none of these is a key that this version does not know.
    if found.is_empty() { vec!["other keys"] } else { found }
}
