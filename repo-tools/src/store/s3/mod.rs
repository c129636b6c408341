//! A bucket that speaks the S3 protocol: Amazon's, or one of Ceph, R2 and the like that knows conditional
//! writes.

mod fault;
mod slots;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, S3ConditionalPut};
use object_store::path::Path as Key;
use object_store::{
    Attribute, Attributes, Error as Raw, ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion,
};

use super::{Entry, Found, Hold, New, Outgoing, Part, Place, Reading, Sent, Store, Swap, Tag, cache_control};
use crate::aws;
use crate::error::{Error, Result};
use crate::source::Streamed;
use crate::worker::Worker;

pub use fault::{Fault, FaultKind};
use slots::Slots;

/// How long to wait for a server, and how much to ask of it at once.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Uploads at once, and parts in flight over all of them.
    pub at_once: usize,
    /// How often a failed request is sent again.
    pub retries: usize,
    /// No answer for so long: the server is too slow.
    pub answer: Duration,
    /// No request is sent again after so long.
    pub in_all: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { at_once: 4, retries: 5, answer: Duration::from_mins(1), in_all: Duration::from_mins(2) }
    }
}

/// A prefix in a bucket. Each file is one object, which appears whole or not at all.
#[derive(Debug)]
pub struct S3 {
    place: Place,
    prefix: String,
    client: Arc<AmazonS3>,
    worker: Worker,
    slots: Slots,
    at_once: usize,
}

impl S3 {
    /// Reads credentials, region and endpoint from the usual `AWS_` variables; nothing is sent yet.
    pub fn from_env(bucket: &str, prefix: &str, patience: Patience) -> Result<Self> {
        Self::from_variables(aws::variables(), (bucket, prefix), patience)
    }

    /// The same with variables at hand.
    pub fn from_variables(
        variables: impl IntoIterator<Item = (String, String)>,
        (bucket, prefix): (&str, &str),
        patience: Patience,
    ) -> Result<Self> {
        let place = Place::S3 { bucket: bucket.into(), prefix: prefix.into() };
        let failed = |fault: Fault| Error::Store { what: format!("open {place}"), fault };
        let client = aws::builder(variables, patience)
            .map_err(|reason| failed(Fault::in_settings(&reason)))?
            .with_bucket_name(bucket)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .build()
            .map_err(|error| failed(Fault::of_settings(&error)))?;
        let worker = Worker::start().map_err(|error| failed(Fault::of_machine(&error)))?;
        let at_once = patience.at_once.max(1);
        Ok(Self {
            prefix: prefix.into(),
            client: Arc::new(client),
            worker,
            slots: Slots::new(at_once),
            at_once,
            place,
        })
    }

    fn key(&self, part: Part, name: &str) -> Result<Key> {
        let text = if self.prefix.is_empty() {
            format!("{}/{name}", part.name())
        } else {
            format!("{}/{}/{name}", self.prefix, part.name())
        };
        Key::parse(text).map_err(|_| Error::TargetName { name: name.to_owned() })
    }

    /// What failed, in the user's words.
    fn failed(&self, verb: &str, part: Part, name: &str, error: &Raw) -> Error {
        let slash = if name.is_empty() { "" } else { "/" };
        let what = format!("{verb} {}/{}{slash}{name}", self.place, part.name());
        Error::Store { what, fault: Fault::of(error) }
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> object_store::Result<T> {
        self.worker
            .run(work)
            .unwrap_or_else(|panicked| Err(Raw::Generic { store: "S3", source: Box::new(panicked) }))
    }

    fn put(&self, part: Part, name: &str, bytes: Vec<u8>, mode: PutMode) -> Result<object_store::Result<()>> {
        let (client, key) = (Arc::clone(&self.client), self.key(part, name)?);
        let options = PutOptions { mode, attributes: attributes(part, name), ..PutOptions::default() };
        Ok(self.run(async move { client.put_opts(&key, bytes.into(), options).await.map(|_| ()) }))
    }

    fn range(&self, key: &Key, from: u64, length: u64) -> object_store::Result<bytes::Bytes> {
        let (client, key) = (Arc::clone(&self.client), key.clone());
        let to = length.min(from.saturating_add(WINDOW));
        self.run(async move { client.get_range(&key, from..to).await })
    }
}

impl Store for S3 {
    fn place(&self) -> String {
        self.place.to_string()
    }

    /// The protocol has no locks.
    fn begin(&self, _: &[Part]) -> Result<Hold> {
        Ok(Hold::Shared)
    }

    fn at_once(&self) -> usize {
        self.at_once
    }

    fn reading(&self) -> Reading {
        Reading::Dear
    }

    fn list(&self, part: Part) -> Result<Vec<Entry>> {
        let (client, prefix) = (Arc::clone(&self.client), self.key(part, "")?);
        let inside = prefix.clone();
        let listed = self.run(async move { client.list_with_delimiter(Some(&inside)).await });
        let listed = listed.map_err(|error| self.failed("list", part, "", &error))?;
        let mut entries: Vec<Entry> = listed
            .objects
            .into_iter()
            .filter_map(|object| {
                let name = object.location.filename()?.to_owned();
                Some(Entry { name, length: object.size, modified: Some(object.last_modified) })
            })
            .collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn read(&self, part: Part, name: &str, max: u64) -> Result<Option<Found>> {
        let (client, key) = (Arc::clone(&self.client), self.key(part, name)?);
        let got = self.run(async move {
            let got = client.get(&key).await?;
            let (tag, size) = (got.meta.e_tag.clone(), got.meta.size);
            Ok((tag, if size > max { None } else { Some(got.bytes().await?) }))
        });
        match got {
            Ok((Some(tag), Some(bytes))) => Ok(Some(Found { bytes: bytes.into(), tag: Tag(tag) })),
            Ok((_, None)) => Err(Error::ReadFile {
                path: format!("{}/{}/{name}", self.place, part.name()).into(),
                source: std::io::Error::new(
                    std::io::ErrorKind::FileTooLarge,
                    format!("more than {max} bytes"),
                ),
            }),
            Ok((None, _)) => Err(Error::Store {
                what: format!("read {}/{}/{name}", self.place, part.name()),
                fault: Fault::no_tag(),
            }),
            Err(Raw::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("read", part, name, &error)),
        }
    }

    fn stream(&self, part: Part, name: &str, length: u64, sink: &mut dyn FnMut(&[u8])) -> Result<Streamed> {
        let (client, key) = (Arc::clone(&self.client), self.key(part, name)?);
        let head = key.clone();
        let size = match self.run(async move { client.head(&head).await }) {
            Ok(meta) => meta.size,
            Err(Raw::NotFound { .. }) => return Ok(Streamed::Missing),
            Err(error) => return Err(self.failed("read", part, name, &error)),
        };
        if size != length {
            return Ok(Streamed::Refused(format!("expected {length} bytes, found {size}")));
        }
        let mut done = 0;
        while done < length {
            let bytes =
                self.range(&key, done, length).map_err(|error| self.failed("read", part, name, &error))?;
            let count = u64::try_from(bytes.len()).unwrap_or(0);
            if count == 0 {
                return Ok(Streamed::Refused(format!("expected {length} bytes, found {done}")));
            }
            sink(&bytes);
            done = done.saturating_add(count);
        }
        Ok(Streamed::Whole)
    }

    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<New> {
        match self.put(Part::Metadata, name, bytes.to_vec(), PutMode::Create)? {
            Ok(()) => Ok(New::Written),
            Err(Raw::AlreadyExists { .. } | Raw::Precondition { .. }) => Ok(New::Taken),
            Err(error) => Err(self.failed("write", Part::Metadata, name, &error)),
        }
    }

    fn swap(&self, name: &str, bytes: &[u8], before: Option<&Tag>) -> Result<Swap> {
        let mode = before.map_or(PutMode::Create, |tag| {
            PutMode::Update(UpdateVersion { e_tag: Some(tag.0.clone()), version: None })
        });
        match self.put(Part::Metadata, name, bytes.to_vec(), mode)? {
            Ok(()) => Ok(Swap::Done),
            Err(Raw::AlreadyExists { .. } | Raw::Precondition { .. }) => Ok(Swap::Changed),
            Err(error) => Err(self.failed("write", Part::Metadata, name, &error)),
        }
    }

    fn upload(&self, blob: &mut Outgoing<'_>) -> Result<Sent> {
        upload::upload(self, blob)
    }

    fn remove(&self, part: Part, name: &str) -> Result<()> {
        let (client, key) = (Arc::clone(&self.client), self.key(part, name)?);
        match self.run(async move { client.delete(&key).await }) {
            Ok(()) | Err(Raw::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("remove", part, name, &error)),
        }
    }
}

fn attributes(part: Part, name: &str) -> Attributes {
    let json = std::path::Path::new(name).extension().is_some_and(|end| end == "json");
    let kind = if json { "application/json" } else { "application/octet-stream" };
    Attributes::from_iter([
        (Attribute::CacheControl, cache_control(part, name)),
        (Attribute::ContentType, kind),
    ])
}

/// Read at once while a target is streamed.
const WINDOW: u64 = 4 << 20;
