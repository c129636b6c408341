//! What others have published, and this working folder has never known.
//!
//! A manifest is known when its bytes lie among the blobs here: every manifest that was ever signed in this working folder,
//! or in the one that it is a copy of, does. Against a known one every difference is meant: somebody here made it. Against
//! an unknown one only what comes is; the rest would take back what others did.

use release::Digest;
use release::manifest::{Kind, Manifest, TARGET_NAME};
use tough::schema::{Target, Targets};

use super::live::Live;
use crate::document::Document;
use crate::error::{Error, Result};
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
    let undone = undone(store, seen, staged)?;
    if undone.is_empty() {
        return Ok(());
    }
    Err(Error::Undoes { place: store.place(), targets: seen.version(), undone })
}

fn undone(store: &dyn Store, seen: &Document<Targets>, staged: &Staged) -> Result<Vec<String>> {
    let new = staged.metadata().online.as_ref().map(|online| &online.targets);
    if new.is_some_and(|new| new.bytes() == seen.bytes()) {
        return Ok(Vec::new());
    }
    let mut undone = Vec::new();
    let delegations = |targets: &Document<Targets>| targets.role().delegations.clone();
    // Who else may sign stands in no manifest; the version says whether it was published from here.
    if seen.version() > staged.shown().targets && new.map(delegations) != Some(delegations(seen)) {
        undone.push("who signs for delegated roles".to_owned());
    }
    let listed = seen.role().targets.iter().find(|(name, _)| name.raw() == TARGET_NAME);
    let Some((_, target)) = listed else {
        // Another tool made it.
        let gone = |name: &&tough::TargetName| new.is_none_or(|new| !new.role().targets.contains_key(*name));
        undone.extend(
            seen.role().targets.keys().filter(gone).map(|name| format!("removed: target {}", name.raw())),
        );
        return Ok(undone);
    };
    let sha256 = hex::encode(&target.hashes.sha256);
    if staged.knows_blob(&blob_name(&sha256, TARGET_NAME))? {
        return Ok(undone);
    }
    let Some(there) = manifest(store, &blob_name(&sha256, TARGET_NAME), target)? else {
        undone.push("a manifest that is missing or damaged there".to_owned());
        return Ok(undone);
    };
    let none = Manifest::default();
    let here = staged.view().manifest.as_ref().unwrap_or(&none);
    let differences = here.differences(&there);
    undone.extend(differences.iter().filter(|one| one.kind != Kind::Added).map(ToString::to_string));
    Ok(undone)
}

fn manifest(store: &dyn Store, name: &str, target: &Target) -> Result<Option<Manifest>> {
    let Some(found) = store.read(Part::Targets, name, target.length)? else { return Ok(None) };
    if Digest::of(&found.bytes).bytes().as_slice() != target.hashes.sha256.as_ref() {
        return Ok(None);
    }
    Ok(Manifest::parse(&found.bytes).ok())
}
