//! Which targets a copy holds.

use std::collections::{BTreeMap, BTreeSet};

use release::Version;
use release::manifest::{self, Manifest, Update};
use trust_core::{Session, Target};

use crate::draft::title;
use crate::error::{Error, Result};
use crate::host_check::{find, read_manifest};
use crate::source::Source;

/// What of the targets is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All that any role signs for.
    Everything,
    /// None: hosts get them elsewhere.
    MetadataOnly,
    /// The manifest, and indexes and frames of these releases; in a mirror their deltas too.
    Releases(Wanted),
}

/// Whether releases come with the deltas that lead to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deltas {
    /// A server spares its hosts bytes with them.
    With,
    /// In one file, all frames are there already.
    Without,
}

/// Which releases are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// These versions; none: the newest of each variant and architecture.
    pub versions: Vec<Version>,
    /// This variant only.
    pub variant: Option<String>,
    /// This architecture only.
    pub arch: Option<String>,
}

/// What was selected.
#[derive(Debug, Default)]
pub(super) struct Selected {
    /// The releases, for people.
    pub(super) releases: Vec<String>,
    /// The targets, each once, by their path.
    pub(super) targets: Vec<Target>,
}

/// Looks the wanted targets up, each by the path of trust that a host would go.
pub(super) fn select(
    source: &dyn Source,
    session: &mut Session,
    selection: &Selection,
    deltas: Deltas,
) -> Result<Selected> {
    let (releases, names) = match selection {
        Selection::MetadataOnly => return Ok(Selected::default()),
        Selection::Everything => (Vec::new(), all_names(session)),
        Selection::Releases(wanted) => {
            let manifest = read_manifest(source, session)?.unwrap_or_default();
            let updates = wanted.of(&manifest)?;
            let releases = updates.iter().map(|update| title(update)).collect();
            let names = updates.into_iter().flat_map(|update| names_of(update, deltas));
            (releases, names.chain([manifest::TARGET_NAME.to_owned()]).collect())
        }
    };
    let mut targets = BTreeMap::new();
    for name in names {
        // A name that a delegated role lists and no delegation leads to is none that a host could have.
        if let Some(target) = find(source, session, &name)? {
            targets.insert(target.path.clone(), target);
        }
    }
    Ok(Selected { releases, targets: targets.into_values().collect() })
}

/// Every name that the top or a delegated role lists.
pub(crate) fn all_names(session: &Session) -> BTreeSet<String> {
    let delegated = session.delegated_roles().flat_map(|(_, _, names)| names.map(str::to_owned));
    session.names().map(str::to_owned).chain(delegated).collect()
}

impl Wanted {
    /// The updates that are meant.
    ///
    /// # Errors
    /// When a version is asked for that is not there, or there is none at all.
    pub(super) fn of<'a>(&self, manifest: &'a Manifest) -> Result<Vec<&'a Update>> {
        let fits = |update: &&Update| {
            self.variant.as_ref().is_none_or(|variant| *variant == update.variant)
                && self.arch.as_ref().is_none_or(|arch| *arch == update.arch)
        };
        let updates: Vec<&Update> = manifest.updates.iter().filter(fits).collect();
        if let Some(absent) =
            self.versions.iter().find(|v| updates.iter().all(|update| update.version != **v))
        {
            return Err(Error::NotInSource {
                found: format!("the manifest has no release {absent} that fits"),
            });
        }
        if updates.is_empty() {
            return Err(Error::NotInSource { found: "the manifest has no release that fits".into() });
        }
        let newest = |update: &&Update| {
            updates.iter().all(|other| {
                other.variant != update.variant
                    || other.arch != update.arch
                    || other.version <= update.version
            })
        };
        let named = |update: &&Update| self.versions.contains(&update.version);
        let chosen = updates.iter().copied();
        Ok(if self.versions.is_empty() {
            chosen.filter(newest).collect()
        } else {
            chosen.filter(named).collect()
        })
    }
}

fn names_of(update: &Update, deltas: Deltas) -> Vec<String> {
    let frames = update.images.iter().map(|(_, name)| name.clone());
    let indexes = update.updog.iter().flat_map(|ours| ours.index.iter().map(|(_, name)| name.clone()));
    let deltas = update.updog.iter().filter(|_| deltas == Deltas::With).flat_map(|ours| &ours.deltas);
    frames.chain(indexes).chain(deltas.map(|delta| delta.target.clone())).collect()
}
