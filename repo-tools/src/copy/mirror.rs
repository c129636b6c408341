//! A copy in a folder that hosts can read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tough::schema::{Role as ToughRole, Root};
use trust_core::{Stored, Target};

use super::Writing;
use super::fetch::fetch;
use super::select::{Deltas, Selection, select};
use super::survey::{Anchor, Survey};
use crate::document::Document;
use crate::error::{Error, Result};
use crate::files::{self, Files};
use crate::for_hosts;
use crate::metadata::{MAX_METADATA, Metadata, Online, version_in};
use crate::parallel::{Meter, Tell, each};
use crate::publish::{Gap, Plan, documents, plan};
use crate::role::Role;
use crate::source::{Source, decoded};
use crate::versions::Versions;

/// How to mirror.
#[derive(Debug, Clone)]
pub struct Mirroring {
    /// A root that is trusted; none: the copy's own, else the source's first is taken for good.
    pub root: Option<Vec<u8>>,
    /// The time that expiry is measured with.
    pub now: DateTime<Utc>,
    /// What of the targets.
    pub selection: Selection,
    /// Whether hosts may fail for the moment between a root and the metadata that fits it.
    pub gap: Gap,
    /// Targets fetched at a time.
    pub workers: usize,
    /// Whether to write at all.
    pub writing: Writing,
}

/// What a mirror run did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mirrored {
    /// What hosts see at the copy now.
    pub versions: Versions,
    /// Releases that were asked for.
    pub releases: Vec<String>,
    /// The order in which metadata changed.
    pub plan: Plan,
    /// Targets that belong to the copy.
    pub targets: usize,
    /// Those that were not there before.
    pub new_targets: usize,
    /// Their bytes.
    pub new_bytes: u64,
    /// In a dry run, the files that would be written, with their lengths.
    #[serde(skip)]
    pub would_write: Vec<(PathBuf, u64)>,
}

/// Brings the folder `dir` up to `source`. What is in `dir` is never taken back: an older source is refused by the same
/// rules that hosts have.
///
/// The order is that of a publish: targets, roots, targets.json and snapshot.json under their versions, then
/// timestamp.json, the commit point. A cut before it leaves the old copy for hosts, after it the new one; the same call
/// completes what was cut. Targets that are there with their length are not fetched again: each got its name when it was
/// whole.
pub fn mirror(
    source: &dyn Source,
    files: &dyn Files,
    dir: &Path,
    order: &Mirroring,
    tell: &Tell<'_>,
) -> Result<Mirrored> {
    let copy = Copy { files, metadata: dir.join("metadata"), targets: dir.join("targets") };
    let _lock = (order.writing == Writing::Really).then(|| copy.begin()).transpose()?;
    let live = copy.live()?;
    let anchor = Anchor::of(source, order.root.clone())?;
    let mut survey = Survey::take(source, known(&live, &anchor.start), order.now)?;
    let new = next(&live, &anchor, &survey)?;
    let plan = plan(&live, &new, order.gap)?;
    let selected = select(source, &mut survey.session, &order.selection, Deltas::With)?;
    let missing = copy.missing(&selected.targets)?;
    let new_bytes = missing.iter().fold(0_u64, |sum, (target, _)| sum.saturating_add(target.length));
    let mut mirrored = Mirrored {
        versions: new.versions(),
        releases: selected.releases,
        targets: selected.targets.len(),
        new_targets: missing.len(),
        new_bytes,
        plan,
        would_write: Vec::new(),
    };
    if order.writing == Writing::DryRun {
        let delegated = copy.new_delegated(&survey)?.into_iter();
        let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let delegated = delegated.map(|(name, bytes)| (name.to_owned(), length(bytes))).collect();
        let papers = documents(&new, live.versions(), &mirrored.plan, delegated);
        let papers = papers.into_iter().map(|(name, length)| (copy.metadata.join(name), length));
        mirrored.would_write =
            missing.iter().map(|(target, path)| (path.clone(), target.length)).chain(papers).collect();
    } else {
        let meter = Meter::new(new_bytes, tell);
        each(&missing, order.workers, &|(target, path)| copy.fetch(source, target, path, &meter))?;
        if !missing.is_empty() {
            copy.sync_targets()?;
        }
        copy.show(&new, &survey, &mirrored.plan)?;
    }
    Ok(mirrored)
}

/// What the copy vouches for: its newest root, and the versions that must not fall.
fn known(live: &Metadata, start: &Document<Root>) -> Stored {
    let root = live.roots.last().unwrap_or(start).bytes().to_vec();
    let Some(online) = &live.online else { return Stored { root, ..Stored::default() } };
    Stored {
        root,
        timestamp: Some(online.timestamp.bytes().to_vec()),
        snapshot: Some(online.snapshot.bytes().to_vec()),
        targets: Some(online.targets.bytes().to_vec()),
        ..Stored::default()
    }
}

/// What the copy will hold: what it has, and over it what the survey brought.
fn next(live: &Metadata, anchor: &Anchor, survey: &Survey) -> Result<Metadata> {
    let mut roots = if live.roots.is_empty() { vec![anchor.start.clone()] } else { live.roots.clone() };
    let mut newer = Vec::new();
    for (name, bytes) in &survey.metadata {
        if version_in(name, "root").is_some() {
            newer.push(Document::<Root>::parse_from(bytes.clone(), &format!("metadata/{name}"))?);
        }
    }
    newer.sort_by_key(Document::version);
    roots.extend(newer);
    // The chain may have been walked before, when the copy was made; then the trusted root is in it.
    let chain = roots.iter().map(|root| (format!("{}.root.json", root.version()), root.bytes().to_vec()));
    anchor.check(&chain.collect())?;
    if roots.last().is_some_and(|root| !root.role().consistent_snapshot) {
        let reason =
            "the source has no consistent snapshots: a copy of it could not be changed in one step".into();
        return Err(Error::Usage { reason });
    }
    let before = live.online.as_ref();
    let online = Online {
        targets: newest(survey, "targets", before.map(|online| &online.targets))?,
        snapshot: newest(survey, "snapshot", before.map(|online| &online.snapshot))?,
        timestamp: newest(survey, "timestamp", before.map(|online| &online.timestamp))?,
        // Written from the survey, as received.
        delegated: BTreeMap::new(),
    };
    Ok(Metadata { roots, online: Some(online) })
}

fn newest<T>(survey: &Survey, role: &'static str, before: Option<&Document<T>>) -> Result<Document<T>>
where
    T: ToughRole + Serialize + DeserializeOwned + Clone,
{
    let is = |name: &str| name == format!("{role}.json") || version_in(name, role).is_some();
    match survey.metadata.iter().find(|(name, _)| is(name)) {
        Some((name, bytes)) => Document::parse_from(bytes.clone(), &format!("metadata/{name}")),
        None => before.cloned().ok_or(Error::NotListed { role }),
    }
}

/// The folder.
struct Copy<'a> {
    files: &'a dyn Files,
    metadata: PathBuf,
    targets: PathBuf,
}

impl Copy<'_> {
    /// Makes the folders, keeps others from writing there, and removes what a cut run left.
    fn begin(&self) -> Result<files::Lock> {
        for_hosts::begin(self.files, &self.metadata, &[self.metadata.clone(), self.targets.clone()])
    }

    /// What hosts find there now. Between a root and the metadata that fits it, when a run with an accepted gap was cut,
    /// hosts find the roots alone.
    fn live(&self) -> Result<Metadata> {
        match Metadata::read(self.files, &self.metadata) {
            Err(Error::NotVerifying { role, .. }) if role != Role::Root => {
                Ok(Metadata { roots: Metadata::read_roots(self.files, &self.metadata)?, online: None })
            }
            other => other,
        }
    }

    fn missing(&self, targets: &[Target]) -> Result<Vec<(Target, PathBuf)>> {
        let mut missing = Vec::new();
        for target in targets {
            let path = self.targets.join(decoded(&target.path)?);
            let length = self.files.length(&path);
            let length = length.map_err(|source| Error::ReadFile { path: path.clone(), source })?;
            if length != Some(target.length) {
                missing.push((target.clone(), path));
            }
        }
        Ok(missing)
    }

    /// One target: partial name, bytes, digest, sync, final name. The name is durable after [`Self::sync_targets`].
    fn fetch(&self, source: &dyn Source, target: &Target, path: &Path, meter: &Meter<'_>) -> Result<()> {
        let write = |source| Error::WriteFile { path: path.to_owned(), source };
        let dir = files::parent(path);
        if dir != self.targets {
            files::ensure_open_dir(self.files, dir).map_err(write)?;
        }
        let new = for_hosts::partial(self.files, path).map_err(write)?;
        fetch(new, source, target, path, meter)?.map_err(|fault| fault.of(target))?;
        if dir != self.targets {
            self.files.sync_dir(dir).map_err(write)?;
        }
        Ok(())
    }

    fn sync_targets(&self) -> Result<()> {
        let path = &self.targets;
        self.files.sync_dir(path).map_err(|source| Error::WriteFile { path: path.clone(), source })
    }

    /// The metadata, in the order of the plan.
    fn show(&self, new: &Metadata, survey: &Survey, plan: &Plan) -> Result<()> {
        let Some(online) = &new.online else { return Ok(()) };
        self.roots(new, &plan.roots_before)?;
        // They have their versions in their names, as those above them; nobody asks for them yet.
        for (name, bytes) in self.new_delegated(survey)? {
            self.put(name, bytes)?;
        }
        if plan.metadata {
            self.put(&format!("{}.targets.json", online.targets.version()), online.targets.bytes())?;
            self.put(&format!("{}.snapshot.json", online.snapshot.version()), online.snapshot.bytes())?;
            // The commit point.
            self.put(TIMESTAMP, online.timestamp.bytes())?;
        }
        self.roots(new, &plan.roots_after)
    }

    /// The documents of delegated roles that the copy does not have.
    fn new_delegated<'s>(&self, survey: &'s Survey) -> Result<Vec<(&'s str, &'s [u8])>> {
        let is_above = |name: &str| {
            name == TIMESTAMP
                || ["root", "snapshot", "targets"].iter().any(|role| version_in(name, role).is_some())
        };
        let mut new = Vec::new();
        for (name, bytes) in survey.metadata.iter().filter(|(name, _)| !is_above(name)) {
            let path = self.metadata.join(name);
            let there = files::read(self.files, &path, MAX_METADATA)
                .map_err(|source| Error::ReadFile { path, source })?;
            if there.as_deref() != Some(bytes) {
                new.push((name.as_str(), bytes.as_slice()));
            }
        }
        Ok(new)
    }

    fn roots(&self, new: &Metadata, versions: &[u64]) -> Result<()> {
        for root in new.roots.iter().filter(|root| versions.contains(&root.version())) {
            self.put(&format!("{}.root.json", root.version()), root.bytes())?;
        }
        Ok(())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.metadata.join(name);
        for_hosts::put_bytes(self.files, &path, bytes)
    }
}

const TIMESTAMP: &str = "timestamp.json";
