//! What a working folder has published or taken over itself, as its updog-repo.json says. What merely lies in it, such as
//! blobs that somebody copied there, says nothing about who knew of it.

use std::collections::{BTreeMap, BTreeSet};

use release::manifest::Manifest;
use release::{Digest, ReleaseId};
use serde::{Deserialize, Serialize};

use crate::draft::title;
use crate::error::{Error, Result};
use crate::folder::{Folder, STATE, json};
use crate::metadata::Online;
use crate::versions::Versions;

/// Documents by their digests, and releases by their versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Known {
    /// Each document of a targets role, by the name of the role.
    roles: BTreeMap<String, BTreeSet<Digest>>,
    /// Each release that hosts were shown: its id by `variant arch version`.
    releases: BTreeMap<String, ReleaseId>,
}

impl Known {
    /// One document of a role.
    pub fn learn_role(&mut self, role: &str, bytes: &[u8]) {
        self.roles.entry(role.to_owned()).or_default().insert(Digest::of(bytes));
    }

    /// Everything that a publish is about to show.
    pub fn learn_targets(&mut self, online: &Online) {
        self.learn_role(TARGETS, online.targets.bytes());
        for (role, document) in &online.delegated {
            self.learn_role(role, document.bytes());
        }
    }

    /// Every release that was shown.
    pub fn learn_releases(&mut self, manifest: &Manifest) {
        let releases = manifest.updates.iter().filter_map(|update| Some((update, update.updog.as_ref()?)));
        self.releases.extend(releases.map(|(update, ours)| (title(update), ours.release)));
    }

    /// Whether this document of a role is one of them; `None`: nothing was ever written down about this role.
    pub fn role(&self, role: &str, bytes: &[u8]) -> Option<bool> {
        self.roles.get(role).map(|known| known.contains(&Digest::of(bytes)))
    }

    /// The release that hosts were shown under `variant arch version`.
    pub fn release(&self, title: &str) -> Option<ReleaseId> {
        self.releases.get(title).copied()
    }
}

impl Folder {
    /// The versions that were published from here.
    pub fn shown(&self) -> Result<Versions> {
        self.state().map(|state| state.published)
    }

    /// What was published from here, or taken over from those who sign for delegated roles.
    pub fn known(&self) -> Result<Known> {
        self.state().map(|state| state.known)
    }

    fn state(&self) -> Result<State> {
        let path = self.dir().join(STATE);
        let bytes = self.read(STATE)?.ok_or_else(|| Error::NoFolder { path: self.dir().to_owned() })?;
        let state: State = serde_json::from_slice(&bytes)
            .map_err(|error| Error::ParseState { path: path.clone(), reason: error.to_string() })?;
        if state.format != 1 {
            return Err(Error::ParseState {
                path,
                reason: format!("expected format 1, found {}", state.format),
            });
        }
        Ok(state)
    }

    /// Remembers what was published.
    pub fn save_shown(&self, published: Versions) -> Result<()> {
        self.write(STATE, &json(&State { published, ..self.state()? })?)
    }

    /// Remembers that this is what hosts were shown, and nothing else, in one step.
    pub fn save_taken_over(&self, published: Versions, known: Known) -> Result<()> {
        self.write(STATE, &json(&State { published, known, ..State::default() })?)
    }

    /// Remembers more than was known.
    pub fn learn(&self, learn: impl FnOnce(&mut Known)) -> Result<()> {
        let mut state = self.state()?;
        let before = state.known.clone();
        learn(&mut state.known);
        if state.known == before { Ok(()) } else { self.write(STATE, &json(&state)?) }
    }
}

/// updog-repo.json.
#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    format: u64,
    published: Versions,
    #[serde(default)]
    known: Known,
}

impl Default for State {
    fn default() -> Self {
        Self { format: 1, published: Versions::default(), known: Known::default() }
    }
}

/// The name of the role that leads to all others.
pub(crate) const TARGETS: &str = "targets";
