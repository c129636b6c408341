//! `doctor`: every problem of a working folder in one list. Looking ([`Observed`]) and judging are apart; judging is
//! pure.

mod contents;
mod finding;
mod freshness;
mod observed;
mod private;
mod roles;

use chrono::{DateTime, Utc};

pub use finding::{Finding, Kind};
pub use observed::{BlobSeen, KeySeen, Observed, PrivateSeen, Unseen};
pub(crate) use private::{directly_in as private_keys_in, inside as private_keys_inside};

use crate::intent::{Accepted, Intent};

/// What doctor has to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Diagnosis {
    /// Everything that is wrong, the most urgent first; empty: nothing.
    pub findings: Vec<Finding>,
    /// How many more there are that `repo.toml` accepts.
    pub accepted: usize,
}

/// Judges what was seen by what is meant.
pub fn examine(seen: &Observed, intent: &Intent, now: DateTime<Utc>) -> Diagnosis {
    let mut all = seen.troubles.clone();
    all.extend(freshness::check(seen, intent, now));
    all.extend(roles::check(seen, intent));
    all.extend(contents::check(seen));
    all.sort_by_key(|finding| Kind::ALL.iter().position(|kind| *kind == finding.kind));
    let total = all.len();
    all.retain(|finding| !is_accepted(finding, intent));
    Diagnosis { accepted: total - all.len(), findings: all }
}

fn is_accepted(finding: &Finding, intent: &Intent) -> bool {
    let here = [None, finding.role];
    here.into_iter().any(|role| intent.accepted.contains(&Accepted { kind: finding.kind, role }))
}
