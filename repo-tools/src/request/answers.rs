//! Answers taken into the working folder. Pure: all are judged first, and one that is wrong stops all.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tough::schema::{Role as ToughRole, Root};

use super::fault::{Fault, Refused};
use super::subject::{Request, Subject};
use crate::ceremony::NextRoot;
use crate::document::{Document, Merged};
use crate::error::{Error, Result};
use crate::metadata::check_chain;
use crate::role::Role;
use crate::unsigned::{Missing, Papers, Rotation, missing, required};

/// What a run of collecting came to.
#[derive(Debug)]
pub struct Collected {
    /// The documents with what was taken; a root that is complete stands among the roots.
    pub papers: Papers,
    /// What each answer gave.
    pub taken: Vec<Taken>,
    /// Who must sign still.
    pub missing: Vec<Missing>,
}

/// What one answer gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// The file.
    pub file: PathBuf,
    /// The keys whose signatures are new here. None: they were here before, or the document was complete already.
    pub keys: Vec<String>,
}

/// How an answer stands to the working folder.
enum Place {
    /// Its document waits here.
    Waits,
    /// Its document is complete here; a signature more would change bytes that others name, or have seen.
    Late,
}

/// Merges answers into the papers.
///
/// # Errors
/// [`Error::Requests`] with every answer that is foreign, stale or of another role. Nothing is taken then.
pub fn collect(
    mut papers: Papers,
    role: Role,
    answers: &[(PathBuf, Request)],
    rotation: Rotation,
    now: DateTime<Utc>,
) -> Result<Collected> {
    let mut refused = Vec::new();
    let mut waiting = Vec::new();
    for (path, request) in answers {
        match place(&papers, role, request, rotation) {
            Ok(place) => waiting.push(matches!(place, Place::Waits)),
            Err(fault) => refused.push(Refused { path: path.clone(), fault }),
        }
    }
    if !refused.is_empty() {
        return Err(Error::Requests { refused });
    }
    let mut taken = Vec::new();
    for ((path, request), waits) in answers.iter().zip(waiting) {
        let keys = if waits { take(&mut papers, request, rotation)? } else { Vec::new() };
        taken.push(Taken { file: path.clone(), keys });
    }
    let missing = finish(&mut papers, role, rotation, now)?;
    Ok(Collected { papers, taken, missing })
}

/// Who must sign the open document of this role; nobody when it is complete.
pub(crate) fn still_missing(papers: &Papers, role: Role, rotation: Rotation) -> Vec<Missing> {
    let holders = holders(papers, role, rotation);
    let holders: Vec<&Root> = holders.iter().collect();
    match role {
        Role::Root => {
            papers.next_root.as_ref().map(|next| missing(next.document(), role, &holders)).unwrap_or_default()
        }
        _ => papers
            .targets
            .as_ref()
            .map(|targets| missing(targets, Role::Targets, &holders))
            .unwrap_or_default(),
    }
}

fn place(papers: &Papers, role: Role, request: &Request, rotation: Rotation) -> Result<Place, Fault> {
    if request.role() != role {
        return Err(Fault::OtherRole { expected: role.name(), found: request.role().name() });
    }
    let mut pairs = papers.roots.iter().zip(request.roots());
    if let Some((_, other)) = pairs.find(|(ours, theirs)| ours.bytes() != theirs.bytes()) {
        return Err(Fault::Foreign { version: other.version() });
    }
    if request.roots().len() > papers.roots.len() {
        let (here, there) = (papers.roots.len(), request.roots().len());
        return Err(Fault::Stale { reason: format!("its newest root is {there}, here it is {here}") });
    }
    if request.signatures().is_empty() {
        return Err(Fault::NoSignature);
    }
    match request.subject() {
        Subject::Root(theirs) => place_root(papers, theirs.document()),
        Subject::Targets(listing) => {
            let ours = papers.targets.as_ref();
            let Some(ours) = ours.filter(|ours| same(*ours, &listing.document)) else {
                let here = ours.map_or_else(|| "none".to_owned(), |ours| ours.version().to_string());
                let there = listing.document.version();
                let reason =
                    format!("it is of targets {there}, the newest here are {here} with other contents");
                return Err(Fault::Stale { reason });
            };
            let complete = missing(ours, role, &required(papers, rotation)).is_empty();
            Ok(if complete { Place::Late } else { Place::Waits })
        }
    }
}

fn place_root(papers: &Papers, theirs: &Document<Root>) -> Result<Place, Fault> {
    let version = theirs.version();
    if let Some(ours) = papers.roots.iter().find(|root| root.version() == version) {
        return if same(ours, theirs) {
            Ok(Place::Late)
        } else if version == 1 {
            Err(Fault::Foreign { version })
        } else {
            Err(Fault::Stale { reason: format!("root {version} is complete here, with other contents") })
        };
    }
    match &papers.next_root {
        Some(next) if same(next.document(), theirs) => Ok(Place::Waits),
        Some(_) => Err(Fault::Stale { reason: format!("root {version} here has other contents") }),
        None => Err(Fault::Stale { reason: format!("root {version} does not wait for signatures here") }),
    }
}

fn take(papers: &mut Papers, request: &Request, rotation: Rotation) -> Result<Vec<String>> {
    let holders = holders(papers, request.role(), rotation);
    let holders: Vec<&Root> = holders.iter().collect();
    let mut keys = Vec::new();
    for signature in request.signatures() {
        let merged = match request.role() {
            Role::Root => match &mut papers.next_root {
                Some(next) => next.document_mut().merge(signature, &holders)?,
                None => Merged::Known,
            },
            _ => match &mut papers.targets {
                Some(targets) => targets.merge(signature, &holders)?,
                None => Merged::Known,
            },
        };
        // A request holds only signatures that are right; a key that no root lists any more is of no use.
        if merged == Merged::Added {
            keys.push(hex::encode(&signature.keyid));
        }
    }
    Ok(keys)
}

/// A root that has all its signatures becomes one of the chain.
fn finish(papers: &mut Papers, role: Role, rotation: Rotation, now: DateTime<Utc>) -> Result<Vec<Missing>> {
    let missing = still_missing(papers, role, rotation);
    if role != Role::Root || !missing.is_empty() {
        return Ok(missing);
    }
    if let Some(next) = papers.next_root.take() {
        next.check(now)?;
        papers.roots.push(next.into_document());
        check_chain(&papers.roots)?;
    }
    Ok(missing)
}

/// The roots whose keys sign the open document of this role.
fn holders(papers: &Papers, role: Role, rotation: Rotation) -> Vec<Root> {
    if role != Role::Root {
        return required(papers, rotation).into_iter().cloned().collect();
    }
    let next = papers.next_root.as_ref().map(NextRoot::document);
    papers.roots.last().into_iter().chain(next).map(|root| root.role().clone()).collect()
}

/// Whether two documents ask for the same signature.
fn same<T>(ours: &Document<T>, theirs: &Document<T>) -> bool
where
    T: ToughRole + Serialize + DeserializeOwned + Clone,
{
    matches!((ours.message(), theirs.message()), (Ok(ours), Ok(theirs)) if ours == theirs)
}
