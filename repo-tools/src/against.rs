//! The manifests and targets that a draft is compared with: what was signed last, and what hosts see now.

use std::path::Path;

use chrono::{DateTime, Utc};
use release::Digest;
use release::manifest::{self, Manifest};
use trust_core::Expiry;

use crate::error::{Error, Result};
use crate::files;
use crate::folder::Folder;
use crate::host_check::{follow, read_manifest};
use crate::listing::Listing;
use crate::metadata::{MAX_METADATA, Shelf, blob_name};
use crate::source::Source;

/// The manifest that the newest targets sign; `None` when nothing is signed.
pub fn signed_manifest(folder: &Folder) -> Result<Option<Manifest>> {
    let Some(targets) = folder.papers()?.targets.filter(|targets| targets.signatures() > 0) else {
        return Ok(None);
    };
    let listed = targets.role().targets.iter().find(|(name, _)| name.raw() == manifest::TARGET_NAME);
    let Some((_, target)) = listed else { return Ok(None) };
    let sha256 = hex::encode(&target.hashes.sha256);
    let path = folder.blobs_dir().join(blob_name(&sha256, manifest::TARGET_NAME));
    let bytes = files::read(folder.files().as_ref(), &path, target.length)
        .map_err(|source| Error::ReadFile { path: path.clone(), source })?
        .ok_or_else(|| Error::Absent { path: path.clone() })?;
    if Digest::of(&bytes).to_string() != sha256 {
        return Err(Error::BlobDiffers { path });
    }
    Manifest::parse(&bytes).map(Some).map_err(|source| Error::Manifest { source })
}

/// The manifest that hosts find there, by their own rules but for expiry; `None` when nothing is published there.
pub fn live_manifest(folder: &Folder, source: &dyn Source, now: DateTime<Utc>) -> Result<Option<Manifest>> {
    if source.metadata("timestamp.json", MAX_TIMESTAMP)?.is_none() {
        return Ok(None);
    }
    let roots = folder.roots()?;
    let root = roots.first().ok_or(Error::NotSigned { what: crate::role::Role::Root })?;
    let (mut session, _) = follow(source, root.bytes().to_vec(), now, Expiry::Ignore)?;
    read_manifest(source, &mut session)
}

/// What the roles list that hosts find there, after [`live_manifest`] has followed them.
pub fn live_listing(source: &dyn Source) -> Result<Listing> {
    let read = |name: &str| source.metadata(name, MAX_METADATA);
    let online = Shelf { dir: Path::new("metadata"), names: &[], read: &read }.online()?;
    Ok(online.as_ref().map(Listing::of).unwrap_or_default())
}

const MAX_TIMESTAMP: u64 = 1 << 20;
