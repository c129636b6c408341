//! A store in memory, for tests: as atomic as a bucket, with a clock that is set by hand.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use release::Digest;

use super::{Entry, Found, Hold, New, Outgoing, Part, Reading, Sent, Store, Swap, Tag};
use crate::error::{Error, Result};
use crate::source::Streamed;

/// A bucket in memory. It has no locks.
#[derive(Debug, Default)]
pub struct Memory(Mutex<State>);

#[derive(Debug, Default, Clone)]
struct State {
    now: DateTime<Utc>,
    files: BTreeMap<(Part, String), (Vec<u8>, DateTime<Utc>)>,
}

impl Memory {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// One with the same files.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self(Mutex::new(self.state().clone()))
    }

    /// What the store takes for the time from now on.
    pub fn set_clock(&self, now: DateTime<Utc>) {
        self.state().now = now;
    }

    /// Puts a file there as any other program would.
    pub fn plant(&self, part: Part, name: &str, bytes: &[u8]) {
        self.state().put(part, name, bytes.to_vec());
    }

    /// Every file with its bytes.
    pub fn tree(&self) -> BTreeMap<(Part, String), Vec<u8>> {
        self.state().files.iter().map(|(key, (bytes, _))| (key.clone(), bytes.clone())).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, part: Part, name: &str, bytes: Vec<u8>) {
        self.files.insert((part, name.to_owned()), (bytes, self.now));
    }

    fn bytes(&self, part: Part, name: &str) -> Option<&Vec<u8>> {
        self.files.get(&(part, name.to_owned())).map(|(bytes, _)| bytes)
    }
}

impl Store for Memory {
    fn place(&self) -> String {
        "memory".into()
    }

    fn begin(&self, _: &[Part]) -> Result<Hold> {
        Ok(Hold::Shared)
    }

    fn at_once(&self) -> usize {
        1
    }

    fn reading(&self) -> Reading {
        Reading::Dear
    }

    fn list(&self, part: Part) -> Result<Vec<Entry>> {
        let state = self.state();
        let inside = state.files.iter().filter(|((other, _), _)| *other == part);
        Ok(inside
            .map(|((_, name), (bytes, modified))| Entry {
                name: name.clone(),
                length: length(bytes),
                modified: Some(*modified),
            })
            .collect())
    }

    fn read(&self, part: Part, name: &str, max: u64) -> Result<Option<Found>> {
        let Some(bytes) = self.state().bytes(part, name).cloned() else { return Ok(None) };
        if length(&bytes) > max {
            let path = PathBuf::from(name);
            return Err(Error::ReadFile { path, source: std::io::ErrorKind::FileTooLarge.into() });
        }
        Ok(Some(Found { tag: tag(&bytes), bytes }))
    }

    fn stream(&self, part: Part, name: &str, _: u64, sink: &mut dyn FnMut(&[u8])) -> Result<Streamed> {
        let Some(bytes) = self.state().bytes(part, name).cloned() else { return Ok(Streamed::Missing) };
        sink(&bytes);
        Ok(Streamed::Whole)
    }

    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<New> {
        let mut state = self.state();
        if state.bytes(Part::Metadata, name).is_some() {
            return Ok(New::Taken);
        }
        state.put(Part::Metadata, name, bytes.to_vec());
        Ok(New::Written)
    }

    fn swap(&self, name: &str, bytes: &[u8], before: Option<&Tag>) -> Result<Swap> {
        let mut state = self.state();
        if state.bytes(Part::Metadata, name).map(|bytes| tag(bytes)).as_ref() != before {
            return Ok(Swap::Changed);
        }
        state.put(Part::Metadata, name, bytes.to_vec());
        Ok(Swap::Done)
    }

    fn upload(&self, blob: &mut Outgoing<'_>) -> Result<Sent> {
        let mut bytes = Vec::new();
        blob.read_to_end(&mut bytes)
            .map_err(|source| Error::ReadFile { path: blob.from().to_owned(), source })?;
        if !blob.is_right() {
            return Ok(Sent::Differs);
        }
        self.state().put(Part::Targets, blob.name(), bytes);
        Ok(Sent::Whole)
    }

    fn remove(&self, part: Part, name: &str) -> Result<()> {
        self.state().files.remove(&(part, name.to_owned()));
        Ok(())
    }
}

fn tag(bytes: &[u8]) -> Tag {
    Tag(Digest::of(bytes).to_string())
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
