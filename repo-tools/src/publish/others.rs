//! What others have published, and this working folder has never known.
//!
//! The targets that hosts see are known when this working folder, or the one that it is a copy of, has published them.
//! Against known ones every difference is meant: somebody here made it. Against unknown ones only what comes is; the rest
//! would take back what others did. Which files lie in the folder says nothing: blobs travel by other ways than the rest.
//!
//! So it is with the documents of delegated roles, which are known from when they were taken over.

use std::collections::BTreeSet;

use release::Digest;
use release::manifest::{Difference, Kind, Manifest, TARGET_NAME, Update};
use tough::schema::{Target, Targets};

use super::live::Live;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::listing::{digests, named_by, title};
use crate::metadata::blob_name;
use crate::staged::Staged;
use crate::store::{Part, Store};

/// What to do about releases, waves and halts that others have published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Others {
    /// Leave them: a publish that would undo any is refused.
    #[default]
    Keep,
    /// Undo them. It was said so.
    Undo,
}

/// Refuses a publish that undoes what this working folder has never known.
pub(super) fn keeps_others(store: &dyn Store, live: &Live, staged: &Staged, others: Others) -> Result<()> {
    let Some(seen) = live.targets().filter(|_| others == Others::Keep) else { return Ok(()) };
    let mut undone = of_targets(store, seen, staged)?;
    if let (Some(seen), Some(new)) = (&live.metadata.online, &staged.metadata().online) {
        for (role, there) in &seen.delegated {
            undone.extend(of_role(role, there, new.delegated.get(role), staged)?);
        }
    }
    if undone.is_empty() {
        return Ok(());
    }
    Err(Error::Undoes { place: store.place(), targets: seen.version(), undone })
}

/// What the targets role itself would lose.
fn of_targets(store: &dyn Store, seen: &Document<Targets>, staged: &Staged) -> Result<Vec<String>> {
    let new = staged.metadata().online.as_ref().map(|online| &online.targets);
    if new.is_some_and(|new| new.bytes() == seen.bytes()) {
        return Ok(Vec::new());
    }
    if staged.knows_targets(seen)? {
        return Ok(Vec::new());
    }
    let mut undone = Vec::new();
    let delegations = |targets: &Document<Targets>| targets.role().delegations.clone();
    // It stands in no manifest.
    if new.map(delegations) != Some(delegations(seen)) {
        undone.push("who signs for delegated roles".to_owned());
    }
    let here = new.map(digests).unwrap_or_default();
    let there = digests(seen);
    let listed = seen.role().targets.iter().find(|(name, _)| name.raw() == TARGET_NAME);
    let Some((_, target)) = listed else {
        // Another tool made it.
        let gone = there.keys().filter(|name| !here.contains_key(*name));
        undone.extend(gone.map(|name| format!("removed: target {name}")));
        return Ok(undone);
    };
    let sha256 = hex::encode(&target.hashes.sha256);
    let mut told = BTreeSet::from([TARGET_NAME.to_owned()]);
    let Some(manifest) = manifest(store, &blob_name(&sha256, TARGET_NAME), target)? else {
        undone.push("a manifest that is missing or damaged there".to_owned());
        return Ok(undone);
    };
    let none = Manifest::default();
    let ours = staged.view().manifest.as_ref().unwrap_or(&none);
    let differences = ours.differences(&manifest);
    let taken_back = differences.iter().filter(|one| undoes(one, &manifest, ours));
    undone.extend(taken_back.map(ToString::to_string));
    // What goes with a release or a migration is told by that.
    let kept = named_by(ours);
    told.extend(named_by(&manifest).into_iter().filter(|name| !kept.contains(name)));
    for (name, sha256) in there.iter().filter(|(name, _)| !told.contains(*name)) {
        // Under the same manifest a target can have other bytes: a migration that was mended.
        if here.get(name) != Some(sha256) {
            undone.push(lost("", name, here.contains_key(name)));
        }
    }
    Ok(undone)
}

/// Whether it takes back what is there. What comes lifts `max_version` of its line, and that is no more than coming; unless
/// somebody had it below the newest release, to call hosts down.
fn undoes(one: &Difference, there: &Manifest, ours: &Manifest) -> bool {
    let line = |manifest: &Manifest| {
        let of = |update: &&Update| format!("{} {}", update.variant, update.arch) == one.of;
        manifest.updates.iter().filter(of).max_by(|a, b| a.version.cmp(&b.version)).cloned()
    };
    match one.kind {
        Kind::MaxVersion => line(there).zip(line(ours)).is_none_or(|(there, ours)| {
            there.max_version != there.version || ours.max_version < there.max_version
        }),
        _ => !one.only_adds(),
    }
}

/// What a delegated role would lose, and what it has let go of and would get back.
fn of_role(
    role: &str,
    there: &Document<Targets>,
    new: Option<&Document<Targets>>,
    staged: &Staged,
) -> Result<Vec<String>> {
    if new.is_some_and(|new| new.bytes() == there.bytes()) || staged.knows_role(role, there)? {
        return Ok(Vec::new());
    }
    let here = new.map(digests).unwrap_or_default();
    let seen = digests(there);
    let differs = seen.iter().filter(|(name, sha256)| here.get(*name) != Some(*sha256));
    let mut undone: Vec<String> =
        differs.map(|(name, _)| lost(role, name, here.contains_key(name))).collect();
    let mut once = BTreeSet::new();
    for document in staged.known_of_role(role)? {
        // Later ones hold what was added here since.
        if document.version() < there.version() {
            once.extend(digests(&document).into_keys());
        }
    }
    let back = here.keys().filter(|name| !seen.contains_key(*name) && once.contains(*name));
    undone.extend(back.map(|name| format!("listed again: target {}", title(role, name))));
    Ok(undone)
}

fn lost(role: &str, name: &str, stays: bool) -> String {
    let of = title(role, name);
    if stays { format!("other bytes: target {of}") } else { format!("removed: target {of}") }
}

fn manifest(store: &dyn Store, name: &str, target: &Target) -> Result<Option<Manifest>> {
    let Some(found) = store.read(Part::Targets, name, target.length)? else { return Ok(None) };
    if Digest::of(&found.bytes).bytes().as_slice() != target.hashes.sha256.as_ref() {
        return Ok(None);
    }
    Ok(Manifest::parse(&found.bytes).ok())
}
