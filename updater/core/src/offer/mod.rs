//! Which release of a manifest a host may have, and which rule decided.

mod excerpt;
pub mod explain;
mod rules;

use chrono::{DateTime, Utc};
use release::manifest::{Manifest, Update};
use release::{ReleaseId, Version};

pub use excerpt::excerpt;

use crate::records::Failed;
use crate::{Exit, Host, Policy, Reason, Refusal};

/// A release of the manifest and what the rules say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The release.
    pub update: Update,
    /// May this host have it?
    pub verdict: Verdict,
}

impl Candidate {
    /// Its release id; `None` where it is published without an index.
    pub fn release(&self) -> Option<ReleaseId> {
        self.update.updog.as_ref().map(|ours| ours.release)
    }
}

/// The answer for one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Open {
        /// Since when this host has had its turn; `None`: no wave held it back.
        since: Option<DateTime<Utc>>,
    },
    /// No: the first rule, in the order of [`candidates`], that refuses it.
    No(Refusal),
}

/// Every release of the manifest with its verdict, newest first.
///
/// The rules in their order: variant, arch, the wanted version (`--to`, else the lock), yanked, `max_version`, newer than
/// the running one, `from`, failed here before, paused, the wave, soak.
pub fn candidates(
    manifest: &Manifest,
    host: &Host,
    policy: &Policy,
    failed: &Failed,
    now: DateTime<Utc>,
) -> Vec<Candidate> {
    let asked = rules::Asked { host, policy, failed, now };
    let mut candidates: Vec<Candidate> = manifest
        .updates
        .iter()
        .map(|update| Candidate { update: update.clone(), verdict: asked.verdict(update) })
        .collect();
    // Stable: of equals, the first in the manifest stays first.
    candidates.sort_by(|one, two| two.update.version.cmp(&one.update.version));
    candidates
}

/// The newest open candidate, or the reason that comes closest to an offer.
pub fn offer(candidates: &[Candidate], host: &Host, policy: &Policy) -> Result<Offer, NoOffer> {
    let open = candidates.iter().find_map(|candidate| match &candidate.verdict {
        Verdict::Open { since } => Some((candidate, *since)),
        Verdict::No(_) => None,
    });
    match open {
        Some((candidate, since)) => {
            Ok(Offer { update: candidate.update.clone(), since, from: host.version.clone() })
        }
        None => Err(no_offer(candidates, host, policy)),
    }
}

/// A release that this host may have now. Made only by [`offer`].
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    update: Update,
    since: Option<DateTime<Utc>>,
    from: Version,
}

impl Offer {
    /// The release.
    pub fn update(&self) -> &Update {
        &self.update
    }

    /// Its version.
    pub fn version(&self) -> &Version {
        &self.update.version
    }

    /// The running version.
    pub fn from(&self) -> &Version {
        &self.from
    }

    /// Since when this host has had its turn; `None`: no wave held it back.
    pub fn since(&self) -> Option<DateTime<Utc>> {
        self.since
    }

    /// Its release id; `None` where it is published without an index.
    pub fn release(&self) -> Option<ReleaseId> {
        self.update.updog.as_ref().map(|ours| ours.release)
    }
}

/// What the rules say against a release that this host holds already; `None`: nothing, or it is not listed.
///
/// Listed more than once, as for two variants, the entry that passes most rules counts.
pub fn against(candidates: &[Candidate], release: ReleaseId) -> Option<&Refusal> {
    let about_it = candidates.iter().filter(|candidate| candidate.release() == Some(release));
    let verdicts = about_it.map(|candidate| match &candidate.verdict {
        Verdict::Open { .. } => (usize::MAX, None),
        Verdict::No(refusal) => (rules::passed(refusal.reason), Some(refusal)),
    });
    verdicts.max_by_key(|(passed, _)| *passed)?.1
}

/// A release that can be seen and not staged: nothing checks it piece by piece.
pub fn no_index(version: &Version) -> Refusal {
    Refusal::new(Reason::NoIndex, format!("{version} is published without an index that this updog can read"))
}

/// No release is open for this host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{refusal}")]
pub struct NoOffer {
    /// The rule that stands before the release that came closest.
    pub refusal: Refusal,
    /// The version of that release; `None`: no release came into question.
    pub version: Option<Version>,
}

impl NoOffer {
    /// The code that a run ends with when this is the answer.
    pub fn exit(&self) -> Exit {
        self.refusal.exit()
    }
}

/// Among the refused: the one that passed most rules; of those the one whose time comes first, then the newest.
fn no_offer(candidates: &[Candidate], host: &Host, policy: &Policy) -> NoOffer {
    let refused = candidates.iter().filter_map(|candidate| match &candidate.verdict {
        Verdict::No(refusal) => Some((candidate, refusal)),
        Verdict::Open { .. } => None,
    });
    let closest = refused.min_by_key(|(_, refusal)| {
        let until = refusal.until.unwrap_or(DateTime::<Utc>::MAX_UTC);
        (usize::MAX - rules::passed(refusal.reason), until)
    });
    match closest {
        // That a release is for others, or not the wanted one, is no answer to which one stands closest.
        Some((_, refusal)) if refusal.reason == Reason::Locked => {
            NoOffer { refusal: rules::wanted_is_missing(host, policy), version: None }
        }
        Some((candidate, refusal)) => {
            NoOffer { refusal: refusal.clone(), version: Some(candidate.update.version.clone()) }
        }
        None => {
            let detail = "the manifest lists no release";
            NoOffer { refusal: Refusal::new(Reason::NotNewer, detail), version: None }
        }
    }
}
