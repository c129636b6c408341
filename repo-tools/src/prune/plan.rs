//! Decides what may go. Pure: what is in the store, and the time.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::stock::{Paper, Stock};
use crate::time;

/// What goes and what stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Blobs that go.
    pub blobs: Vec<Gone>,
    /// Old targets and snapshot documents that go, after them.
    pub metadata: Vec<Gone>,
    /// Blobs that hosts do not see now and that stay, with the reason.
    pub kept: Vec<Kept>,
}

/// Something that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gone {
    /// Its file.
    pub name: String,
    /// Bytes; 0 for documents.
    pub length: u64,
    /// The moment from which nobody can ask for it.
    #[serde(serialize_with = "as_text")]
    pub since: DateTime<Utc>,
}

/// A blob that stays though hosts do not see it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Its file.
    pub name: String,
    /// Until then; `None`: the store does not say how old things are.
    #[serde(serialize_with = "as_text_if_known")]
    pub until: Option<DateTime<Utc>>,
}

/// Until when something must stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Until {
    At(DateTime<Utc>),
    Unknown,
    /// Hosts see it.
    Forever,
}

/// What nobody can ask for at `now`.
///
/// A document that was replaced stays until it has expired, and every snapshot that lists it, and until the longest
/// term of any document here has passed since it was replaced. A blob stays as long as any document that names it, and
/// for the longest term since it was written. To each a margin is added.
pub fn plan(stock: &Stock, now: DateTime<Utc>) -> Plan {
    let terms = Terms::of(stock);
    let mut plan = Plan::default();
    let mut named: BTreeMap<&str, Until> = BTreeMap::new();
    for paper in &stock.targets {
        let until = terms.targets(paper);
        for name in &paper.names {
            let known = named.entry(name).or_insert(until);
            *known = until.max(*known);
        }
        plan.metadata.extend(gone(&paper.file, 0, until, now));
    }
    for paper in &stock.snapshots {
        plan.metadata.extend(gone(&paper.file, 0, terms.snapshot(paper), now));
    }
    for blob in &stock.blobs {
        let young = terms.since(blob.modified);
        let until = named.get(blob.name.as_str()).map_or(young, |named| young.max(*named));
        match (gone(&blob.name, blob.length, until, now), until) {
            (Some(blob), _) => plan.blobs.push(blob),
            (None, Until::Forever) => {}
            (None, Until::Unknown) => plan.kept.push(Kept { name: blob.name.clone(), until: None }),
            (None, Until::At(at)) => plan.kept.push(Kept { name: blob.name.clone(), until: Some(at) }),
        }
    }
    plan
}

fn gone(name: &str, length: u64, until: Until, now: DateTime<Utc>) -> Option<Gone> {
    match until {
        Until::At(since) if since < now => Some(Gone { name: name.to_owned(), length, since }),
        Until::At(_) | Until::Unknown | Until::Forever => None,
    }
}

/// The rules over one stock.
struct Terms<'a> {
    stock: &'a Stock,
    live: Option<&'a Paper>,
    longest: Option<TimeDelta>,
}

impl<'a> Terms<'a> {
    fn of(stock: &'a Stock) -> Self {
        let papers = || stock.targets.iter().chain(&stock.snapshots);
        Self {
            stock,
            live: stock.snapshots.iter().find(|paper| paper.version == stock.snapshot),
            // By the time of writing: a copy that is younger than its original makes it shorter, and everything later.
            longest: papers().filter_map(|paper| Some(paper.expires - paper.written?)).max(),
        }
    }

    fn targets(&self, paper: &Paper) -> Until {
        let live = self.live.and_then(|live| live.lists.get(&paper.role)).copied();
        let listing = self
            .stock
            .snapshots
            .iter()
            .filter(|snapshot| snapshot.lists.get(&paper.role) == Some(&paper.version));
        let expires = listing.map(|snapshot| snapshot.expires).chain([paper.expires]).max();
        self.until(paper, &self.stock.targets, live, expires.unwrap_or(paper.expires))
    }

    fn snapshot(&self, paper: &Paper) -> Until {
        self.until(paper, &self.stock.snapshots, Some(self.stock.snapshot), paper.expires)
    }

    fn until(&self, paper: &Paper, all: &[Paper], live: Option<u64>, expires: DateTime<Utc>) -> Until {
        let replaced = match live {
            Some(live) if paper.version == live => return Until::Forever,
            // Not committed yet, perhaps in this minute.
            Some(live) if paper.version > live => paper.written,
            Some(live) => {
                let after = all.iter().filter(|other| {
                    other.role == paper.role && other.version > paper.version && other.version <= live
                });
                after.min_by_key(|other| other.version).and_then(|other| other.written)
            }
            // The role is gone from the snapshot that hosts see.
            None => self.live.and_then(|live| live.written),
        };
        self.since(replaced).max(Until::At(later(expires, MARGIN)))
    }

    /// The longest term after `at`.
    fn since(&self, at: Option<DateTime<Utc>>) -> Until {
        match (at, self.longest) {
            (Some(at), Some(longest)) => Until::At(later(later(at, longest.max(TimeDelta::zero())), MARGIN)),
            _ => Until::Unknown,
        }
    }
}

fn later(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    time::later(at, by)
}

fn as_text<S: serde::Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time::text(*at))
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn as_text_if_known<S: serde::Serializer>(
    at: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    at.map(time::text).serialize(serializer)
}

/// For clocks that differ, and for hosts that were half-way when it expired. A clock that is further ahead meets the
/// refusal of a repository whose timestamp has expired.
const MARGIN: TimeDelta = TimeDelta::days(7);
