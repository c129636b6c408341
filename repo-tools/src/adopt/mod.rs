//! A working folder out of what is published, for when the one that published is lost.

mod intent;
mod survey;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use release::manifest::{self, Manifest};
use release::{Digest, names};
use serde::Serialize;
use tough::schema::Targets;
use trust_core::Target;

pub use intent::Term;
pub(crate) use intent::term_text;

use crate::copy::{Writing, fetch};
use crate::document::Document;
use crate::draft::{Blob, Draft};
use crate::error::{Error, Result};
use crate::files::{Files, Partial};
use crate::folder::Folder;
use crate::host_check::{find, target_bytes};
use crate::intent::FILE_NAME;
use crate::known::{Known, TARGETS};
use crate::metadata::blob_name;
use crate::parallel::{Meter, Tell, each};
use crate::source::Source;
use crate::stream::Fault;
use crate::unsigned::Papers;
use crate::versions::Versions;
use survey::Seen;

/// How to adopt.
#[derive(Debug, Clone)]
pub struct Adopting {
    /// A root that is trusted; none: the source's root 1 is taken for good.
    pub root: Option<Vec<u8>>,
    /// The time now.
    pub now: DateTime<Utc>,
    /// Targets fetched at a time.
    pub workers: usize,
    /// Whether to fetch them.
    pub writing: Writing,
}

/// A folder that was adopted.
#[derive(Debug, Clone, Serialize)]
pub struct Adopted {
    /// What was published there, and counts as published from here.
    pub versions: Versions,
    /// Releases in the draft.
    pub releases: usize,
    /// Blobs that the published roles list.
    pub blobs: usize,
    /// Those that were fetched.
    pub new_blobs: usize,
    /// Their bytes.
    pub new_bytes: u64,
    /// Delegated roles whose documents are here.
    pub delegated: Vec<String>,
    /// What is missing, each with why.
    pub lacking: Vec<String>,
    /// Roles whose documents have expired.
    pub expired: Vec<String>,
    /// How long documents are good for, for the new `repo.toml`; `None`: there was one, and it was kept.
    pub terms: Option<Vec<Term>>,
    /// Whether the draft is what is signed, to the byte. Otherwise the next `sign` makes new targets.
    pub is_signed: bool,
    #[serde(skip)]
    pub(crate) would_fetch: Vec<(PathBuf, u64)>,
}

/// Makes the working folder `dir` out of what hosts find at `source`: every root, the newest documents, the draft that they
/// were made of, each blob, and a `repo.toml` unless there is one. A run that was cut is completed by the same call.
pub fn adopt(
    files: Arc<dyn Files>,
    dir: &Path,
    source: &dyn Source,
    order: &Adopting,
    tell: &Tell<'_>,
) -> Result<Adopted> {
    let mut seen = Seen::take(source, order.root.clone(), order.now)?;
    refuse_foreign(&seen)?;
    let manifest = find(source, &mut seen.session, manifest::TARGET_NAME)?
        .map(|target| target_bytes(source, &target, MAX_MANIFEST))
        .transpose()?;
    let listed = seen.listed(source)?;
    let folder = Folder::prepare(files, dir)?;
    let _lock = folder.lock()?;
    let missing = missing(&folder, &listed)?;
    let manifest =
        manifest.map_or_else(|| Ok(Manifest::default()), |bytes| keep_manifest(&folder, &bytes))?;
    let blobs = (listed.len(), missing.len());
    let new_bytes = missing.iter().fold(0_u64, |sum, (target, _)| sum.saturating_add(target.length));
    let would_fetch = if order.writing == Writing::DryRun {
        // The manifest was read, and is rehearsed with the rest.
        let other = missing.into_iter().filter(|(target, _)| target.name != manifest::TARGET_NAME);
        other.map(|(target, path)| (path, target.length)).collect()
    } else {
        let meter = Meter::new(new_bytes, tell);
        let files = folder.files();
        let one = |(target, path): &(Target, PathBuf)| {
            let new = Partial::of(files.as_ref(), path)
                .map_err(|source| Error::WriteFile { path: path.clone(), source })?;
            fetch(new, source, target, path, &meter)
        };
        let judged = each(&missing, order.workers, &one)?;
        let faults = missing.iter().zip(judged).filter_map(|((target, _), judged)| {
            judged.err().map(|fault| format!("target {}: {}", target.name, said(fault)))
        });
        seen.lacking.extend(faults);
        let dir = folder.blobs_dir();
        files.sync_dir(&dir).map_err(|source| Error::WriteFile { path: dir, source })?;
        Vec::new()
    };
    let mut adopted = keep(&folder, seen, manifest, order.now)?;
    (adopted.blobs, adopted.new_blobs) = blobs;
    (adopted.new_bytes, adopted.would_fetch) = (new_bytes, would_fetch);
    Ok(adopted)
}

/// What other tools publish and we could not publish again.
fn refuse_foreign(seen: &Seen) -> Result<()> {
    if seen.roots.last().is_some_and(|root| !root.role().consistent_snapshot) {
        let reason = "the source has no consistent snapshots: what is published there could not be changed in one step";
        return Err(Error::Usage { reason: reason.into() });
    }
    let all = seen.delegated.values().chain([&seen.targets]);
    for name in all.flat_map(|document| document.role().targets.keys()) {
        names::check(name.raw()).map_err(|_| Error::TargetName { name: name.raw().to_owned() })?;
    }
    Ok(())
}

fn keep_manifest(folder: &Folder, bytes: &[u8]) -> Result<Manifest> {
    let manifest = Manifest::parse(bytes).map_err(|source| Error::Manifest { source })?;
    folder.save_blob(manifest::TARGET_NAME, bytes)?;
    Ok(manifest)
}

fn missing(folder: &Folder, listed: &[Target]) -> Result<Vec<(Target, PathBuf)>> {
    let (files, dir) = (folder.files(), folder.blobs_dir());
    let mut missing = Vec::new();
    for target in listed {
        let wrong = || Error::HostTarget { name: target.name.clone(), reason: "no SHA-256 is signed".into() };
        let sha256 = hex::encode(target.sha256().ok_or_else(wrong)?);
        let path = dir.join(blob_name(&sha256, &target.name));
        let length = files.length(&path).map_err(|source| Error::ReadFile { path: path.clone(), source })?;
        // One that has its name got it when its digest was right.
        if length != Some(target.length) {
            missing.push((target.clone(), path));
        }
    }
    Ok(missing)
}

fn said(fault: Fault) -> String {
    match fault {
        Fault::Missing => "it is not there".to_owned(),
        Fault::Denied(why) | Fault::Differs(why) => why,
    }
}

/// Everything but the blobs, the state last: without that file it is no working folder.
fn keep(folder: &Folder, seen: Seen, manifest: Manifest, now: DateTime<Utc>) -> Result<Adopted> {
    let versions = Versions {
        root: seen.roots.last().map_or(0, Document::version),
        targets: seen.targets.version(),
        snapshot: seen.snapshot.version(),
        timestamp: seen.timestamp.version(),
    };
    let mut known = Known::default();
    known.learn_role(TARGETS, seen.targets.bytes());
    for (name, document) in &seen.delegated {
        known.learn_role(name, document.bytes());
    }
    known.learn_releases(&manifest);
    let delegations = seen.targets.role().delegations.clone();
    let draft = Draft { targets: blobs_of(&seen.targets)?, manifest, delegations, withdrawn: Vec::new() };
    let mut adopted = Adopted {
        versions,
        releases: draft.manifest.updates.len(),
        blobs: 0,
        new_blobs: 0,
        new_bytes: 0,
        delegated: seen.delegated.keys().cloned().collect(),
        expired: expired(&seen, now),
        terms: None,
        is_signed: draft.is_signed_by(seen.targets.role())?,
        lacking: seen.lacking,
        would_fetch: Vec::new(),
    };
    if folder.read(FILE_NAME)?.is_none() {
        let terms = intent::terms(&seen.targets, &seen.snapshot, &seen.timestamp);
        let root = seen.roots.last().map(Document::role);
        let text = root.map(|root| intent::text(root, &terms)).unwrap_or_default();
        folder.write(FILE_NAME, text.as_bytes())?;
        adopted.terms = Some(terms.to_vec());
    }
    for (name, document) in &seen.delegated {
        folder.keep_delegated(name, document)?;
    }
    folder.save_draft(&draft)?;
    folder.save_papers(&Papers {
        roots: seen.roots,
        targets: Some(seen.targets),
        snapshot: Some(seen.snapshot),
        timestamp: Some(seen.timestamp),
        ..Papers::default()
    })?;
    // What lay in the folder before must not lie beside it: a root of another chain, or one that nobody has seen.
    folder.roots_to(versions.root)?;
    folder.save_taken_over(versions, known)?;
    Ok(adopted)
}

/// Every target but the manifest, which is made of the draft.
fn blobs_of(targets: &Document<Targets>) -> Result<BTreeMap<String, Blob>> {
    let listed = targets.role().targets.iter().filter(|(name, _)| name.raw() != manifest::TARGET_NAME);
    listed
        .map(|(name, target)| {
            let wrong =
                || Error::HostTarget { name: name.raw().to_owned(), reason: "its SHA-256 is none".into() };
            let sha256: Digest = hex::encode(&target.hashes.sha256).parse().map_err(|_| wrong())?;
            Ok((name.raw().to_owned(), Blob { length: target.length, sha256 }))
        })
        .collect()
}

fn expired(seen: &Seen, now: DateTime<Utc>) -> Vec<String> {
    let root = seen.roots.last().map(Document::expires);
    let top = [
        ("root", root),
        ("targets", Some(seen.targets.expires())),
        ("snapshot", Some(seen.snapshot.expires())),
        ("timestamp", Some(seen.timestamp.expires())),
    ];
    let delegated = seen.delegated.iter().map(|(name, document)| (name.as_str(), Some(document.expires())));
    let all = top.into_iter().chain(delegated);
    all.filter(|(_, expires)| expires.is_some_and(|at| at <= now)).map(|(name, _)| name.to_owned()).collect()
}

const MAX_MANIFEST: u64 = manifest::MAX_LENGTH as u64;
