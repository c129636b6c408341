//! To whom targets leave some names, and what those sign.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use release::manifest::TARGET_NAME;
use release::names;
use tough::TargetName;
use tough::schema::key::Key;
use tough::schema::{DelegatedRole, Delegations, PathPattern, PathSet, Targets};

use crate::delegated::{Lacks, check_name, covers, holder, lacking, listed_as, walk};
use crate::document::Document;
use crate::draft::{Blob, Draft};
use crate::error::{Error, Result};
use crate::files;
use crate::folder::Folder;
use crate::keys::{Signer, key_id};
use crate::metadata::MAX_METADATA;
use crate::time;
use crate::unsigned::{Papers, SPEC_VERSION};

/// A role that is to sign for some names.
#[derive(Debug, Clone)]
pub struct NewRole {
    /// Its name.
    pub name: String,
    /// Its keys.
    pub keys: Vec<Key>,
    /// How many of them must sign.
    pub threshold: NonZeroU64,
    /// Shell patterns of the names that it may sign for.
    pub paths: Vec<String>,
    /// Whether no later role is asked for these names.
    pub terminating: bool,
}

/// Leaves names to a role, in place of one of that name. What was signed before is the beginning. `false`: it is so
/// already.
pub fn add(draft: &mut Draft, papers: &Papers, role: &NewRole) -> Result<bool> {
    let before = meant(draft, papers);
    let refuse = |reason: String| Error::DelegatedRole { name: role.name.clone(), reason };
    check_name(&role.name)?;
    let mut ids = Vec::new();
    let mut delegations = before.clone();
    for key in &role.keys {
        let id = key_id(key)?;
        delegations.keys.insert(id.clone(), key.clone());
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let found = u64::try_from(ids.len()).unwrap_or(u64::MAX);
    if found < role.threshold.get() {
        return Err(refuse(format!("expected {} keys, found {found}", role.threshold)));
    }
    let pattern = |text: &String| {
        PathPattern::new(text).map_err(|_| refuse(format!("expected a path pattern, found {text:?}")))
    };
    let paths = role.paths.iter().map(pattern).collect::<Result<Vec<_>>>()?;
    let new = DelegatedRole {
        name: role.name.clone(),
        keyids: ids,
        threshold: role.threshold,
        paths: PathSet::Paths(paths),
        terminating: role.terminating,
        targets: None,
    };
    // Hosts ask the roles in order: one that is changed keeps its place.
    match delegations.roles.iter_mut().find(|known| known.name == role.name) {
        Some(known) => *known = new,
        None => delegations.roles.push(new),
    }
    Ok(set(draft, &before, delegations))
}

/// Leaves nothing to this role any more. Hosts that know it go on finding it listed.
pub fn remove(draft: &mut Draft, papers: &Papers, name: &str) -> Result<()> {
    let before = meant(draft, papers);
    let mut delegations = before.clone();
    delegations.roles.retain(|role| role.name != name);
    if delegations.roles.len() == before.roles.len() {
        return Err(unknown(name));
    }
    set(draft, &before, delegations);
    Ok(())
}

/// What the draft leaves to others.
pub fn meant(draft: &Draft, papers: &Papers) -> Delegations {
    let signed = papers.targets.as_ref().and_then(|targets| targets.role().delegations.clone());
    draft.delegations.clone().or(signed).unwrap_or_default()
}

fn set(draft: &mut Draft, before: &Delegations, mut after: Delegations) -> bool {
    after.keys.retain(|id, _| after.roles.iter().any(|role| role.keyids.contains(id)));
    let changed = *before != after;
    draft.delegations = Some(after);
    changed
}

fn unknown(name: &str) -> Error {
    let reason = "nothing is left to a role of this name".to_owned();
    Error::DelegatedRole { name: name.to_owned(), reason }
}

/// What a delegated role is to sign.
#[derive(Debug, Clone)]
pub struct Contents {
    /// Files that it adds, or puts in place of others, under their own names.
    pub add: Vec<PathBuf>,
    /// Targets that it lets go of.
    pub drop: Vec<String>,
    /// The time now.
    pub now: DateTime<Utc>,
    /// How long a new document is good for.
    pub term: TimeDelta,
}

/// What came of signing, or taking, a delegated role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its version.
    pub version: u64,
    /// How many targets it signs for.
    pub targets: usize,
    /// The signatures that it still lacks.
    pub lacks: Lacks,
    /// Whether anything was written.
    pub changed: bool,
}

/// Signs the document of a delegated role: a new one when its contents change or it has expired, else the one that
/// lacks signatures.
pub async fn sign(folder: &Folder, name: &str, contents: &Contents, signers: &[Signer]) -> Result<Role> {
    let (papers, draft) = (folder.papers()?, folder.draft()?);
    let top = meant(&draft, &papers);
    let (delegations, role) = holder(Some(&top), &papers.delegated, name).ok_or_else(|| unknown(name))?;
    for signer in signers {
        let id = key_id(&signer.public())?;
        if !role.keyids.contains(&id) {
            let reason = format!("it does not list {}, key {}", hex::encode(id), signer.origin().display());
            return Err(Error::DelegatedRole { name: name.to_owned(), reason });
        }
    }
    let newest = papers.delegated.get(name);
    let standing = standing(&papers, delegations, role);
    let mut document = current(folder, newest, role, contents, standing)?;
    if standing == Standing::Finished && newest.is_some_and(|newest| newest.bytes() == document.bytes()) {
        return Ok(outcome(&document, delegations, role, false));
    }
    for signer in signers {
        document.sign_as(signer, delegations, role).await?;
    }
    let changed = newest.is_none_or(|newest| newest.bytes() != document.bytes());
    if changed {
        folder.save_delegated(name, &document)?;
    }
    Ok(outcome(&document, delegations, role, changed))
}

fn outcome(
    document: &Document<Targets>,
    delegations: &Delegations,
    role: &DelegatedRole,
    changed: bool,
) -> Role {
    let lacks = lacking(Some(document), delegations, role);
    Role { version: document.version(), targets: document.role().targets.len(), lacks, changed }
}

/// What may still become of the newest document of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nothing that is signed names it: it can get more signatures.
    Open,
    /// A snapshot names its bytes, and it verifies: it stays as it is.
    Finished,
    /// A snapshot names its bytes, and they do not do any more: its keys or its threshold are others now.
    Outdated,
}

/// Bytes that a snapshot names may have been seen by hosts under their version, so they never change.
fn standing(papers: &Papers, delegations: &Delegations, role: &DelegatedRole) -> Standing {
    let newest = papers.delegated.get(&role.name);
    let snapshot = papers.snapshot.as_ref().filter(|snapshot| snapshot.signatures() > 0);
    let listed = snapshot.and_then(|snapshot| snapshot.role().meta.get(&listed_as(&role.name)));
    match (newest, listed) {
        (Some(newest), Some(listed)) if newest.version() <= listed.version.get() => {
            let lacks = lacking(Some(newest), delegations, role);
            if lacks.signatures == 0 { Standing::Finished } else { Standing::Outdated }
        }
        _ => Standing::Open,
    }
}

fn current(
    folder: &Folder,
    newest: Option<&Document<Targets>>,
    role: &DelegatedRole,
    contents: &Contents,
    standing: Standing,
) -> Result<Document<Targets>> {
    let mut wanted = newest.map(|newest| newest.role().targets.clone()).unwrap_or_default();
    for name in &contents.drop {
        let key = target_name(name)?;
        if wanted.remove(&key).is_none() {
            let reason = format!("it does not sign for {name}");
            return Err(Error::DelegatedRole { name: role.name.clone(), reason });
        }
    }
    for path in &contents.add {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let key = allowed(role, name)?;
        let blob = save(folder, name, path)?;
        wanted.insert(key, blob.target());
    }
    if let Some(newest) = newest.filter(|newest| newest.expires() > contents.now)
        && newest.role().targets == wanted
        && standing != Standing::Outdated
    {
        return Ok(newest.clone());
    }
    let mut targets = Targets::new(
        SPEC_VERSION.into(),
        time::next_version(contents.now, newest.map_or(0, Document::version)),
        time::expiry(contents.now, contents.term),
    );
    // What it leaves to others is not edited here, and not lost.
    targets.delegations = newest.and_then(|newest| newest.role().delegations.clone());
    targets.targets = wanted;
    Document::unsigned(targets)
}

/// A name under which hosts would come to this role.
fn allowed(role: &DelegatedRole, name: &str) -> Result<TargetName> {
    names::check(name).map_err(|error| Error::Usage { reason: error.to_string() })?;
    let key = target_name(name)?;
    if name == TARGET_NAME || !covers(role, &key) {
        let reason = format!("it may not sign for {name}");
        return Err(Error::DelegatedRole { name: role.name.clone(), reason });
    }
    Ok(key)
}

fn target_name(name: &str) -> Result<TargetName> {
    TargetName::new(name).map_err(|_| Error::TargetName { name: name.to_owned() })
}

fn save(folder: &Folder, name: &str, path: &Path) -> Result<Blob> {
    let bytes = files::read(folder.files().as_ref(), path, MAX_FILE)
        .map_err(|source| Error::ReadFile { path: path.to_owned(), source })?
        .ok_or_else(|| Error::misnamed(path))?;
    folder.save_blob(name, &bytes)
}

/// Takes the document of a delegated role that was signed elsewhere, by any tool, and its targets from `dir`, under
/// their names with or without their digests before them.
pub fn take(folder: &Folder, name: &str, file: &Path, dir: Option<&Path>) -> Result<Role> {
    let (papers, draft) = (folder.papers()?, folder.draft()?);
    let top = meant(&draft, &papers);
    let (delegations, role) = holder(Some(&top), &papers.delegated, name).ok_or_else(|| unknown(name))?;
    let bytes = files::read(folder.files().as_ref(), file, MAX_METADATA);
    let bytes = bytes
        .map_err(|source| Error::ReadFile { path: file.to_owned(), source })?
        .ok_or_else(|| Error::misnamed(file))?;
    let document: Document<Targets> = Document::parse_from(bytes, &file.display())?;
    let newest = papers.delegated.get(name);
    if newest.is_some_and(|newest| newest.bytes() == document.bytes()) {
        return Ok(outcome(&document, delegations, role, false));
    }
    if let Some(newest) = newest
        && newest.message()? == document.message()?
    {
        match standing(&papers, delegations, role) {
            Standing::Open => return join(folder, newest, &document, (delegations, role)),
            Standing::Finished => return Ok(outcome(newest, delegations, role, false)),
            Standing::Outdated => {}
        }
    }
    if let Some(newest) = newest.filter(|newest| newest.version() >= document.version()) {
        let reason = format!("expected a version above {}, found {}", newest.version(), document.version());
        return Err(Error::DelegatedRole { name: name.to_owned(), reason });
    }
    let taken = outcome(&document, delegations, role, true);
    if taken.lacks.signatures > 0 {
        return Err(Error::DelegationUnsigned { name: name.to_owned(), lacks: taken.lacks });
    }
    for (target, listed) in &document.role().targets {
        let name = target.raw();
        allowed(role, name)?;
        let digest = hex::encode(&listed.hashes.sha256);
        let blob = format!("{digest}.{name}");
        let here = folder.blobs_dir().join(&blob);
        let length = folder.files().length(&here);
        if length.map_err(|source| Error::ReadFile { path: here.clone(), source })? == Some(listed.length) {
            continue;
        }
        let given = dir.map(|dir| [dir.join(name), dir.join(&blob)]).unwrap_or_default();
        let found = given.iter().find(|path| path.is_file()).ok_or(Error::Absent { path: here })?;
        if save(folder, name, found)?.target().hashes != listed.hashes {
            return Err(Error::BlobDiffers { path: found.clone() });
        }
    }
    folder.save_delegated(name, &document)?;
    Ok(taken)
}

/// Puts the signatures of another copy of the same document to those that are here.
fn join(
    folder: &Folder,
    newest: &Document<Targets>,
    other: &Document<Targets>,
    (delegations, role): (&Delegations, &DelegatedRole),
) -> Result<Role> {
    let mut document = newest.clone();
    for signature in other.given() {
        document.merge_as(signature, delegations, role)?;
    }
    let changed = document.bytes() != newest.bytes();
    if changed {
        folder.save_delegated(&role.name, &document)?;
    }
    Ok(outcome(&document, delegations, role, changed))
}

/// The roles that the draft leads to: what is left to whom, and what they have signed.
pub fn list(draft: &Draft, papers: &Papers) -> BTreeMap<String, (DelegatedRole, Option<Role>)> {
    let mut listed = BTreeMap::new();
    let Ok(_) = walk(Some(&meant(draft, papers)), |delegations, role| {
        let document = papers.delegated.get(&role.name);
        listed.entry(role.name.clone()).or_insert_with(|| {
            let state = document.map(|document| outcome(document, delegations, role, false));
            (role.clone(), state)
        });
        Ok::<_, Infallible>(document.cloned())
    });
    listed
}

/// Read whole, as migrations are.
const MAX_FILE: u64 = 256 << 20;
