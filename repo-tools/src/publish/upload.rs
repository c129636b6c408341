//! Blobs into a store: which are missing, and several at once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use release::Hasher;
use tough::schema::Target;

use crate::error::{Error, Result};
use crate::files::Files;
use crate::metadata::Online;
use crate::publish::live::{Live, Trust};
use crate::source::Streamed;
use crate::store::{Entry, Outgoing, Part, Reading, Sent, Store};

/// How far the uploads are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes on their way or there.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// The blobs that `online` names and that are to be written, by one listing.
pub(crate) fn missing<'a>(
    store: &dyn Store,
    live: &Live,
    online: &'a Online,
    trust: Trust,
) -> Result<Vec<(String, &'a Target)>> {
    let blobs = online.blobs();
    if trust == Trust::Roots {
        return Ok(blobs);
    }
    let there = lengths(store.list(Part::Targets)?);
    let live = live.metadata.online.as_ref();
    let seen: BTreeMap<String, &Target> = live.map(Online::blobs).unwrap_or_default().into_iter().collect();
    let mut missing = Vec::new();
    for (name, target) in blobs {
        let same_length = there.get(&name) == Some(&target.length);
        // A blob under its final name is whole. One that hosts do not see yet is read again all the same where that is
        // cheap, because now it costs nothing to be wrong.
        let believed = seen.contains_key(&name) || store.reading() == Reading::Dear;
        if !same_length || !(believed || is_whole(store, &name, target)?) {
            missing.push((name, target));
        }
    }
    Ok(missing)
}

/// The first blob that is not there any more, by one listing.
pub(crate) fn absent(store: &dyn Store, online: &Online) -> Result<Option<String>> {
    let there = lengths(store.list(Part::Targets)?);
    let gone = |(name, target): &(String, &Target)| there.get(name) != Some(&target.length);
    Ok(online.blobs().into_iter().find(gone).map(|(name, _)| name))
}

/// Uploads `blobs` from `dir`, as many at once as the store likes. The first failure ends it; what is written stays and
/// the next run finds it.
pub(crate) fn upload(
    store: &dyn Store,
    (files, dir): (&dyn Files, &PathBuf),
    blobs: &[(String, &Target)],
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<()> {
    let total = blobs.iter().fold(0, |sum: u64, (_, target)| sum.saturating_add(target.length));
    let done = AtomicU64::new(0);
    let tell = |count: u64| {
        let done = done.fetch_add(count, Ordering::Relaxed).saturating_add(count);
        progress(Progress { done, total });
    };
    let queue = Mutex::new(blobs.iter());
    let failed: Mutex<Option<Error>> = Mutex::new(None);
    let one = || loop {
        if failed.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return;
        }
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let Some((name, target)) = next else { return };
        if let Err(error) = upload_one(store, (files, dir), (name, target), &tell) {
            failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    };
    match store.at_once().min(blobs.len()) {
        0 | 1 => one(),
        count => thread::scope(|scope| {
            for _ in 0..count {
                scope.spawn(one);
            }
        }),
    }
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

fn upload_one(
    store: &dyn Store,
    (files, dir): (&dyn Files, &PathBuf),
    blob: (&str, &Target),
    tell: &(dyn Fn(u64) + Sync),
) -> Result<()> {
    let mut blob = Outgoing::open(files, dir, blob, tell)?;
    match store.upload(&mut blob)? {
        Sent::Whole => Ok(()),
        Sent::Differs => Err(Error::BlobDiffers { path: blob.from().to_owned() }),
    }
}

fn is_whole(store: &dyn Store, name: &str, target: &Target) -> Result<bool> {
    let mut hasher = Hasher::new();
    let streamed = store.stream(Part::Targets, name, target.length, &mut |bytes| hasher.update(bytes))?;
    // A byte too many is in the digest.
    Ok(streamed == Streamed::Whole && hasher.finish().bytes().as_slice() == target.hashes.sha256.as_ref())
}

fn lengths(entries: Vec<Entry>) -> BTreeMap<String, u64> {
    entries.into_iter().map(|entry| (entry.name, entry.length)).collect()
}
