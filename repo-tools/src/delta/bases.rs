//! Which releases a delta starts from. Pure: the draft's manifest, and what was asked for.

use release::manifest::{Manifest, Update};
use release::{ReleaseId, Version};
use serde::Serialize;

use super::Refusal;
use crate::draft::title;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bases {
    /// These versions, of the same variant and architecture.
    Named(Vec<Version>),
    /// So many releases before it, or as many as there are.
    Last(usize),
}

/// What the draft has for it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chosen<'a> {
    /// The newest first, no two of one release id, which is what a delta is known by.
    pub bases: Vec<&'a Update>,
    /// Those that are left out.
    pub same: Vec<Same>,
}

/// A release with the images of another: no delta leads from one to the other, and one leads away from both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Same {
    /// The one that is left out.
    pub base: Version,
    /// The one that has its images.
    pub of: Version,
}

impl std::fmt::Display for Same {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is left out: it has the same images as {}", self.base, self.of)
    }
}

/// The bases of `new`. What has its own images is none, and counts for none of the last.
///
/// # Errors
/// When one that was named is not there, is not ours, is for other hosts or is not older.
pub fn bases<'a>(manifest: &'a Manifest, new: &Update, asked: &Bases) -> Result<Chosen<'a>, Refusal> {
    let Some(own) = id(new) else {
        return Err(Refusal::NotOurs { release: title(new) });
    };
    let mut found = match asked {
        Bases::Named(versions) => {
            versions.iter().map(|version| named(manifest, new, version)).collect::<Result<Vec<_>, _>>()?
        }
        // What is no release of ours is no base; one that was taken back is: hosts want to leave it.
        Bases::Last(_) => line(manifest, new)
            .filter(|update| update.version < new.version && update.updog.is_some())
            .collect(),
    };
    found.sort_by(|a, b| b.version.cmp(&a.version));
    found.dedup_by(|a, b| a.version == b.version);
    let most = match asked {
        Bases::Named(_) => usize::MAX,
        Bases::Last(count) => *count,
    };
    let mut chosen = Chosen::default();
    for update in found {
        let known = id(update).filter(|id| *id != own);
        let twin = chosen.bases.iter().find(|base| id(base) == known);
        let twin = if known.is_none() { Some(&new) } else { twin };
        match twin {
            Some(twin) => {
                chosen.same.push(Same { base: update.version.clone(), of: twin.version.clone() });
            }
            None if chosen.bases.len() == most => break,
            None => chosen.bases.push(update),
        }
    }
    Ok(chosen)
}

fn id(update: &Update) -> Option<ReleaseId> {
    update.updog.as_ref().map(|ours| ours.release)
}

fn named<'a>(manifest: &'a Manifest, new: &Update, version: &Version) -> Result<&'a Update, Refusal> {
    let release = title(new);
    let Some(base) = line(manifest, new).find(|update| update.version == *version) else {
        return Err(absent(manifest, new, version));
    };
    let older = |base: &Update| base.version < new.version;
    match &base.updog {
        None => Err(Refusal::NotOurs { release: title(base) }),
        Some(_) if older(base) => Ok(base),
        Some(_) => Err(Refusal::NotOlder { release, base: version.clone() }),
    }
}

fn absent(manifest: &Manifest, new: &Update, version: &Version) -> Refusal {
    let release = title(new);
    if let Some(other) = manifest.updates.iter().find(|update| update.version == *version) {
        return Refusal::OtherHosts { release, base: title(other) };
    }
    let older = line(manifest, new).filter(|update| update.version < new.version);
    let known: Vec<String> = older.map(|update| update.version.to_string()).collect();
    let known = if known.is_empty() { "none that is older".to_owned() } else { known.join(", ") };
    Refusal::UnknownBase { release, base: version.clone(), known }
}

/// The releases for the same hosts.
fn line<'a>(manifest: &'a Manifest, new: &Update) -> impl Iterator<Item = &'a Update> {
    let (variant, arch) = (new.variant.clone(), new.arch.clone());
    manifest.updates.iter().filter(move |update| update.variant == variant && update.arch == arch)
}
