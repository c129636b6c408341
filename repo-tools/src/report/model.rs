//! What a page says, before it is text.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use release::Images;
use release::manifest::Update;

/// What is known of a repository at one time.
#[derive(Debug, Clone)]
pub struct Model {
    /// Where it lies, without the secrets of a URL.
    pub place: String,
    /// The time that the page speaks of.
    pub now: DateTime<Utc>,
    /// Root, targets, snapshot, timestamp.
    pub roles: Vec<RoleRow>,
    /// Every key of the root.
    pub keys: Vec<KeyRow>,
    /// The updates in the manifest.
    pub releases: Vec<Release>,
}

/// A role: until when it is good, and who signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRow {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: u64,
    /// When hosts stop trusting it.
    pub expires: DateTime<Utc>,
    /// How many signatures it needs.
    pub threshold: u64,
    /// How many keys may sign it.
    pub keys: usize,
}

/// A key and what it may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Its whole id.
    pub id: String,
    /// `ed25519`, `ecdsa`, `rsa`.
    pub kind: String,
    /// Names of roles.
    pub roles: Vec<&'static str>,
}

/// An update and the lengths of its targets.
#[derive(Debug, Clone)]
pub struct Release {
    /// As hosts read it.
    pub update: Update,
    /// Bytes of each image's frames and index together; `None`: not listed.
    pub images: Images<Option<u64>>,
    /// Bytes of all deltas from each release, by the first digits of its id.
    pub deltas: BTreeMap<String, u64>,
}

impl Model {
    /// The role that hosts stop trusting first.
    pub fn first_to_expire(&self) -> Option<&RoleRow> {
        self.roles.iter().min_by_key(|role| role.expires)
    }

    /// The updates for one kind of host each, newest first.
    pub fn streams(&self) -> BTreeMap<(&str, &str), Vec<&Release>> {
        let mut streams: BTreeMap<(&str, &str), Vec<&Release>> = BTreeMap::new();
        for release in &self.releases {
            streams.entry((&release.update.variant, &release.update.arch)).or_default().push(release);
        }
        for releases in streams.values_mut() {
            releases.sort_by(|one, two| two.update.version.cmp(&one.update.version));
        }
        streams
    }
}

impl Release {
    /// Worth a picture: it has waves, and not all hosts have long had their turn.
    pub fn is_rolling(&self, now: DateTime<Utc>) -> bool {
        let closes = self.update.rollout().closes_at();
        closes.is_some_and(|closes| now < closes.checked_add_signed(AFTERGLOW).unwrap_or(closes))
    }

    /// All three images; `None`: one is not listed.
    pub fn whole(&self) -> Option<u64> {
        self.images.iter().try_fold(0, |sum: u64, (_, length)| Some(sum.saturating_add((*length)?)))
    }
}

/// How long a finished rollout is still shown as a curve.
const AFTERGLOW: TimeDelta = TimeDelta::days(14);
