//! A target into a bucket: small ones in one request, large ones in parts.

use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use object_store::{Error as Raw, MultipartUpload, ObjectStore, PutMode, PutMultipartOptions};

use super::{S3, attributes};
use crate::error::{Error, Result};
use crate::store::{Outgoing, Part, Sent};
use crate::worker::Panicked;

/// Nothing appears under the name before the digest of all that was read is right.
pub(super) fn upload(store: &S3, blob: &mut Outgoing<'_>) -> Result<Sent> {
    if blob.length() > PART {
        return in_parts(store, blob);
    }
    let _slot = store.slots.take();
    let bytes = next_part(blob, PART + 1)?;
    if !blob.is_right() {
        return Ok(Sent::Differs);
    }
    let name = blob.name();
    match store.put(Part::Targets, name, bytes, PutMode::Overwrite)? {
        Ok(()) => Ok(Sent::Whole),
        Err(error) => Err(store.failed("write", Part::Targets, name, &error)),
    }
}

/// A run that dies here leaves parts that no name leads to; a lifecycle rule of the bucket removes them.
fn in_parts(store: &S3, blob: &mut Outgoing<'_>) -> Result<Sent> {
    let name = blob.name().to_owned();
    let failed = |error: &Raw| store.failed("write", Part::Targets, &name, error);
    let (client, key) = (Arc::clone(&store.client), store.key(Part::Targets, &name)?);
    let options = PutMultipartOptions::from(attributes(Part::Targets, &name));
    let mut upload = store
        .run(async move { client.put_multipart_opts(&key, options).await })
        .map_err(|error| failed(&error))?;
    let sent = send_parts(store, blob, upload.as_mut());
    let whole = matches!(sent, Ok(Ok(())));
    if !whole || !blob.is_right() {
        // Best effort: what stays behind is seen by nobody.
        let _ = store.run(async move { upload.abort().await });
        return match sent? {
            Ok(()) => Ok(Sent::Differs),
            Err(error) => Err(failed(&error)),
        };
    }
    store.run(async move { upload.complete().await }).map(|_| Sent::Whole).map_err(|error| failed(&error))
}

/// The outer error is the source's, the inner one the server's.
fn send_parts(
    store: &S3,
    blob: &mut Outgoing<'_>,
    upload: &mut dyn MultipartUpload,
) -> Result<object_store::Result<()>> {
    let size = PART.max(blob.length().div_ceil(MAX_PARTS));
    let mut on_the_way: Vec<Receiver<object_store::Result<()>>> = Vec::new();
    loop {
        let slot = store.slots.take();
        let bytes = next_part(blob, size)?;
        if bytes.is_empty() {
            break;
        }
        let part = upload.put_part(bytes.into());
        on_the_way.push(store.worker.begin(async move {
            let answer = part.await;
            drop(slot);
            answer
        }));
        // Answers that have come; a failure ends it before more is read.
        let mut waiting = Vec::new();
        for answer in on_the_way {
            match answer.try_recv() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Ok(Err(error)),
                Err(_) => waiting.push(answer),
            }
        }
        on_the_way = waiting;
    }
    for answer in on_the_way {
        let answer =
            answer.recv().unwrap_or_else(|_| Err(Raw::Generic { store: "S3", source: Box::new(Panicked) }));
        if answer.is_err() {
            return Ok(answer);
        }
    }
    Ok(Ok(()))
}

/// Up to `size` bytes; fewer only at the end.
fn next_part(blob: &mut Outgoing<'_>, size: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(blob.length())).unwrap_or(0));
    let read = blob.by_ref().take(size).read_to_end(&mut bytes);
    read.map_err(|source| Error::ReadFile { path: blob.from().to_owned(), source })?;
    Ok(bytes)
}

/// The protocol's smallest part.
const PART: u64 = 5 << 20;
/// The protocol's largest count of them.
const MAX_PARTS: u64 = 10_000;
