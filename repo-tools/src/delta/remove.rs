//! Takes deltas out of the draft.

use std::collections::BTreeSet;

use release::ReleaseId;
use release::manifest::{Delta, Manifest, Update};

use super::Refusal;
use crate::change::{drop_unnamed, named, same_line};
use crate::draft::{Choice, Draft, title};
use crate::error::{Error, Result};

/// Which deltas of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// From any base.
    Any,
    /// From these: versions in the draft, or at least eight of the first digits of a release id.
    Bases(Vec<String>),
}

/// Takes deltas of one release out of the draft, with their targets. Returns its title and the targets that are gone.
pub fn remove(draft: &mut Draft, choice: &Choice, from: &From) -> Result<(String, Vec<String>)> {
    let place = draft.choose(choice)?;
    let none = || Error::Choose { found: "there is none".into() };
    let update = draft.manifest.updates.get(place).ok_or_else(none)?;
    let release = title(update);
    let deltas = update.updog.iter().flat_map(|ours| &ours.deltas);
    let gone: BTreeSet<ReleaseId> = match from {
        From::Any => deltas.map(|delta| delta.from).collect(),
        From::Bases(bases) => {
            let mut gone = BTreeSet::new();
            for base in bases {
                let one = meant(&draft.manifest, update, base);
                let none = || Refusal::NoDelta { release: release.clone(), from: base.clone() }.ends();
                gone.insert(one.ok_or_else(none)?);
            }
            gone
        }
    };
    let before = named(draft);
    if let Some(ours) = draft.manifest.updates.get_mut(place).and_then(|update| update.updog.as_mut()) {
        ours.deltas.retain(|delta| !gone.contains(&delta.from));
    }
    Ok((release, drop_unnamed(draft, &before)))
}

/// The base that is meant by a version or the start of an id, when the update has a delta from it.
fn meant(manifest: &Manifest, update: &Update, base: &str) -> Option<ReleaseId> {
    let mut deltas = update.updog.iter().flat_map(|ours| &ours.deltas);
    let fits = |delta: &&Delta| {
        // Of releases with the same images by any of their versions.
        let of = manifest.updates.iter().filter(|update| is(update, delta.from));
        let mut versions = of.map(|update| update.version.to_string());
        versions.any(|version| version == base)
            || (base.len() >= 8 && delta.from.to_string().starts_with(base))
    };
    deltas.find(fits).map(|delta| delta.from)
}

/// The release with this id.
pub(crate) fn base_of(manifest: &Manifest, id: ReleaseId) -> Option<&Update> {
    manifest.updates.iter().find(|update| is(update, id))
}

/// The release with this id, as it is called for `new`: of several with the same images the newest for the same hosts.
pub(super) fn base_for<'a>(manifest: &'a Manifest, new: &Update, id: ReleaseId) -> Option<&'a Update> {
    let all = manifest.updates.iter().filter(|update| is(update, id));
    all.max_by(|a, b| (same_line(a, new), &a.version).cmp(&(same_line(b, new), &b.version)))
}

fn is(update: &Update, id: ReleaseId) -> bool {
    update.updog.as_ref().is_some_and(|ours| ours.release == id)
}

/// Deltas whose base is no release of the manifest, each with the release that it leads to.
pub fn dangling(manifest: &Manifest) -> Vec<(&Update, &Delta)> {
    let all = manifest.updates.iter().flat_map(|update| {
        let deltas = update.updog.iter().flat_map(|ours| &ours.deltas);
        deltas.map(move |delta| (update, delta))
    });
    all.filter(|(_, delta)| base_of(manifest, delta.from).is_none()).collect()
}
