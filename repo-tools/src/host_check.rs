//! The host's own check: the same rules, in the same crates, as the updater applies.

use chrono::{DateTime, Utc};
use release::manifest::{self, Manifest, Update};
use release::payload::Index;
use release::{Digest, Images, ReleaseId};
use trust_core::{Expiry, Find, Limits, Reply, Request, Role, Session, Stored, Target, Trusted};

use crate::error::{Error, Result};
use crate::source::{Source, Streamed, if_there};

/// What a host makes of a repository.
#[derive(Debug)]
pub struct HostView {
    /// Versions and expiries.
    pub trusted: Trusted,
    /// The updates; `None` when the repository has no manifest yet.
    pub manifest: Option<Manifest>,
}

/// Follows the TUF client workflow from `root`, which a host was shipped with.
pub fn follow(
    source: &dyn Source,
    root: Vec<u8>,
    now: DateTime<Utc>,
    expiry: Expiry,
) -> Result<(Session, Trusted)> {
    let stored = Stored { root, ..Stored::default() };
    let mut session = Session::begin(stored, trust_core::Freshness { now, expiry }, Limits::default())
        .map_err(|source| Error::HostCheck { source })?;
    while let Some(request) = session.next_request() {
        session.receive(reply(source, &request)?).map_err(|source| Error::HostCheck { source })?;
    }
    let trusted = session.trusted().ok_or(Error::HostCheck { source: trust_core::Error::Unasked })?;
    Ok((session, trusted))
}

/// What a source has to say to a request of the rules. The root chain has its end where the next one is not there.
pub(crate) fn reply(source: &dyn Source, request: &Request) -> Result<Reply> {
    let found = source.metadata(&request.path, request.max_length);
    let found = if request.role == Role::Root { if_there(found)? } else { found? };
    Ok(found.map_or(Reply::NotFound, Reply::Bytes))
}

/// A target by name, through delegations where they lead to it.
pub fn find(source: &dyn Source, session: &mut Session, name: &str) -> Result<Option<Target>> {
    loop {
        match session.find(name).map_err(|source| Error::HostCheck { source })? {
            Find::Found(target) => return Ok(Some(*target)),
            Find::NotListed => return Ok(None),
            Find::Ask(request) => {
                session.receive(reply(source, &request)?).map_err(|source| Error::HostCheck { source })?;
            }
        }
    }
}

/// A small target, whole, with its digest right.
pub fn target_bytes(source: &dyn Source, target: &Target, max: u64) -> Result<Vec<u8>> {
    let wrong = |reason: String| Error::HostTarget { name: target.name.clone(), reason };
    if target.length > max {
        return Err(wrong(format!("expected at most {max} bytes, found {}", target.length)));
    }
    let mut bytes = Vec::new();
    let mut sink = |part: &[u8]| {
        bytes.extend_from_slice(part);
        Ok(())
    };
    match source.target(&target.path, target.length, &mut sink)? {
        Streamed::Whole => {}
        Streamed::Missing => return Err(wrong("the file is missing".into())),
        Streamed::Refused(reason) => return Err(wrong(reason)),
    }
    target.check(&bytes).map_err(|error| wrong(error.to_string()))?;
    Ok(bytes)
}

/// Everything that a host does before it fetches the first frame: metadata, manifest, every index, and that each
/// index fits its frames.
pub fn host_check(source: &dyn Source, root: Vec<u8>, now: DateTime<Utc>) -> Result<HostView> {
    let (mut session, trusted) = follow(source, root, now, Expiry::Enforce)?;
    let manifest = read_manifest(source, &mut session)?;
    if let Some(manifest) = &manifest {
        let problems: Vec<String> = manifest.check().iter().map(ToString::to_string).collect();
        if !problems.is_empty() {
            return Err(Error::ManifestProblems { problems });
        }
        let mut problems = Vec::new();
        for update in &manifest.updates {
            let Some(ours) = &update.updog else { continue };
            let index = Images::try_from_fn(|image| {
                check_image(source, &mut session, ours.index.get(image), update.images.get(image))
            })?;
            problems.extend(wrong_id(update, &index));
        }
        if !problems.is_empty() {
            return Err(Error::ManifestProblems { problems });
        }
    }
    Ok(HostView { trusted, manifest })
}

/// What is wrong with a release whose index targets do not make its id: hosts would take its images for another's.
pub(crate) fn wrong_id(update: &Update, index: &Images<Digest>) -> Option<String> {
    let (found, expected) = (ReleaseId::of(index), update.updog.as_ref()?.release);
    (found != expected)
        .then(|| format!("{}: expected release id {expected}, found {found}", crate::title(update)))
}

/// The manifest, parsed; `None` when the repository lists none.
pub fn read_manifest(source: &dyn Source, session: &mut Session) -> Result<Option<Manifest>> {
    let Some(target) = find(source, session, manifest::TARGET_NAME)? else { return Ok(None) };
    let max = u64::try_from(manifest::MAX_LENGTH).unwrap_or(u64::MAX);
    let bytes = target_bytes(source, &target, max)?;
    Manifest::parse(&bytes).map(Some).map_err(|source| Error::Manifest { source })
}

/// One image: its index parses, and its frames are as long as the index says.
pub fn check_image(source: &dyn Source, session: &mut Session, index: &str, frames: &str) -> Result<Digest> {
    let listed = |name: &str| Error::HostTarget { name: name.to_owned(), reason: "it is not listed".into() };
    let target = find(source, session, index)?.ok_or_else(|| listed(index))?;
    let bytes = target_bytes(source, &target, MAX_INDEX)?;
    let wrong = |name: &str, reason: String| Error::HostTarget { name: name.to_owned(), reason };
    let parsed = Index::parse(&bytes).map_err(|error| wrong(index, error.to_string()))?;
    let target = find(source, session, frames)?.ok_or_else(|| listed(frames))?;
    if target.length != parsed.frames_length() {
        let expected = parsed.frames_length();
        return Err(wrong(
            frames,
            format!("expected {expected} bytes as its index says, found {}", target.length),
        ));
    }
    Ok(Digest::of(&bytes))
}

/// 68 bytes a piece: this is an image of over 200 GiB.
pub(crate) const MAX_INDEX: u64 = 16 << 20;
