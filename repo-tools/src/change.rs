//! Changes of the draft: read, change, check, keep, and say what hosts will see otherwise.

use std::collections::BTreeSet;
use std::path::Path;

use release::manifest::{ChangeError, Difference, Effect, Hop, TARGET_NAME, Update};
use release::{Version, names};

use crate::delta::base_of;
use crate::draft::{Blob, Choice, Draft, title};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::listing::named_by;
use crate::plain;

/// What a change came to.
#[derive(Debug, Clone)]
pub struct Change<T> {
    /// What the change itself has to say.
    pub answer: T,
    /// Whether the draft is another one now.
    pub changed: bool,
    /// What hosts will see otherwise once it is signed and published.
    pub differences: Vec<Difference>,
}

/// Changes the draft under the lock. A change after which the manifest has more problems than before is refused, and
/// nothing is written.
pub fn change<T>(folder: &Folder, edit: impl FnOnce(&mut Draft) -> Result<T>) -> Result<Change<T>> {
    let _lock = folder.lock()?;
    let mut draft = folder.draft()?;
    let before = draft.clone();
    let answer = edit(&mut draft)?;
    let changed = draft != before;
    if changed {
        let problems = draft.problems();
        if problems.len() > before.problems().len() {
            return Err(Error::ManifestProblems { problems });
        }
        folder.save_draft(&draft)?;
    }
    Ok(Change { answer, changed, differences: draft.differences(&before) })
}

/// Changes one release of the draft. Returns its title and what came of it.
pub fn change_release(
    draft: &mut Draft,
    choice: &Choice,
    edit: impl FnOnce(&mut Update) -> Result<Effect, ChangeError>,
) -> Result<(String, Effect)> {
    let place = draft.choose(choice)?;
    let none = || Error::Choose { found: "there is none".into() };
    let update = draft.manifest.updates.get_mut(place).ok_or_else(none)?;
    let release = title(update);
    let effect = edit(update).map_err(|source| Error::Change { release: release.clone(), source })?;
    Ok((release, effect))
}

/// What removing a release came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// `variant arch version`.
    pub title: String,
    /// Targets that nothing names any more; their blobs stay where they are.
    pub targets: Vec<String>,
    /// The `max_version` of the releases that are left of this variant and architecture.
    pub max_version: Option<Version>,
}

/// Takes a release out of the draft, the deltas from it, and the targets that only they named.
pub fn remove_release(draft: &mut Draft, choice: &Choice) -> Result<Removed> {
    let place = draft.choose(choice)?;
    let before = named(draft);
    let gone = draft.manifest.updates.remove(place);
    // From the same images under another name the way is as good.
    let id = gone.updog.as_ref().map(|ours| ours.release);
    if let Some(id) = id.filter(|id| base_of(&draft.manifest, *id).is_none()) {
        for ours in draft.manifest.updates.iter_mut().filter_map(|update| update.updog.as_mut()) {
            ours.deltas.retain(|delta| delta.from != id);
        }
    }
    if stands_still(&gone) {
        draft.withdrawn.retain(|other| other.updog.as_ref().map(|ours| ours.release) != id);
        draft.withdrawn.push(gone.clone());
    }
    let targets = drop_unnamed(draft, &before);
    let left = draft.manifest.updates.iter().find(|update| same_line(update, &gone));
    Ok(Removed { title: title(&gone), targets, max_version: left.map(|update| update.max_version.clone()) })
}

/// Whether somebody has stopped it: halted, paused or yanked.
pub(crate) fn stands_still(update: &Update) -> bool {
    update.updog.as_ref().is_some_and(|ours| ours.paused.is_some() || ours.yanked.is_some())
}

/// Says above which version hosts of one variant and architecture go down. Returns that line and whether it is new.
pub fn set_max_version(draft: &mut Draft, choice: &Choice, max: &Version) -> Result<(String, bool)> {
    let place = draft.choose(choice)?;
    let none = || Error::Choose { found: "there is none".into() };
    let line = draft.manifest.updates.get(place).ok_or_else(none)?.clone();
    let name = format!("{} {}", line.variant, line.arch);
    let updates = || draft.manifest.updates.iter().filter(|update| same_line(update, &line));
    if !updates().any(|update| update.version <= *max) {
        let reason = format!("refused max_version {max}: no release of {name} is at or below it");
        return Err(Error::Usage { reason });
    }
    let changed = updates().any(|update| update.max_version != *max);
    for update in draft.manifest.updates.iter_mut().filter(|update| same_line(update, &line)) {
        update.max_version = max.clone();
    }
    Ok((name, changed))
}

/// Says which targets move data over this hop: files to be added under their names, or names of targets that are there. A
/// file with other bytes takes the place of a target that nothing but this hop names.
pub fn set_migration(folder: &Folder, draft: &mut Draft, hop: &Hop, targets: &[String]) -> Result<()> {
    let before = named(draft);
    let mut others = draft.manifest.clone();
    others.migrations.remove(hop);
    let others = named_by(&others);
    let mut names = Vec::new();
    for target in targets {
        names.push(migration(folder, draft, target, &others)?);
    }
    draft.manifest.migrations.insert(hop.clone(), names);
    drop_unnamed(draft, &before);
    Ok(())
}

/// Takes a hop out of the table, and the targets that only it named. Whether it was there.
pub fn remove_migration(draft: &mut Draft, hop: &Hop) -> bool {
    let before = named(draft);
    let was = draft.manifest.migrations.remove(hop).is_some();
    drop_unnamed(draft, &before);
    was
}

/// The target of one migration; a file becomes one.
fn migration(folder: &Folder, draft: &mut Draft, target: &str, others: &BTreeSet<String>) -> Result<String> {
    let path = Path::new(target);
    if draft.targets.contains_key(target) && !path.is_file() {
        return Ok(target.to_owned());
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if name == TARGET_NAME {
        return Err(Error::TargetName { name: name.to_owned() });
    }
    names::check(name).map_err(|error| Error::Usage { reason: error.to_string() })?;
    let read = |source| Error::ReadFile { path: path.to_owned(), source };
    let length = std::fs::metadata(path).map_err(read)?.len();
    if length > MAX_MIGRATION {
        let reason = format!("refused {target}: it has {length} bytes, a migration at most {MAX_MIGRATION}");
        return Err(Error::Usage { reason });
    }
    let bytes = plain::read(path, MAX_MIGRATION)?;
    let known = draft.targets.get(name);
    if others.contains(name) && known.is_some_and(|known| *known != Blob::of(&bytes)) {
        let reason =
            format!("refused {target}: the draft has other bytes under the name {name}, for something else");
        return Err(Error::Usage { reason });
    }
    let blob = folder.save_blob(name, &bytes)?;
    draft.targets.insert(name.to_owned(), blob);
    Ok(name.to_owned())
}

/// Every target that the manifest names.
pub(crate) fn named(draft: &Draft) -> BTreeSet<String> {
    named_by(&draft.manifest)
}

/// Lets go of targets that were named and are no more.
pub(crate) fn drop_unnamed(draft: &mut Draft, before: &BTreeSet<String>) -> Vec<String> {
    let after = named(draft);
    let gone: Vec<String> = before.difference(&after).cloned().collect();
    for name in &gone {
        draft.targets.remove(name);
    }
    gone
}

pub(crate) fn same_line(a: &Update, b: &Update) -> bool {
    a.variant == b.variant && a.arch == b.arch
}

/// Bottlerocket's are a few megabytes.
const MAX_MIGRATION: u64 = 256 << 20;
