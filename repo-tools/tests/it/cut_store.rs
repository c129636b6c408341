//! Stores that fail where they are told to, and what hosts read in one.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use trust_core::{Expiry, Trusted};
use updog_repo::Error;
use updog_repo::host_check::{find, follow, host_check, target_bytes};
use updog_repo::source::{Sink, Source, StoreSource, Streamed};
use updog_repo::store::{Entry, Found, Hold, New, Outgoing, Part, Reading, Sent, Store, Swap, Tag};

/// What a cut takes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The operation.
    All,
    /// Its answer: it was done.
    Answer,
}

/// A store whose user dies at operation `at`: that one and all after it fail.
#[derive(Debug)]
pub(crate) struct CutStore<'a> {
    inner: &'a dyn Store,
    ops: AtomicUsize,
    cut: Option<(usize, Loss)>,
    /// Operations that change something, by number.
    writes: std::sync::Mutex<Vec<usize>>,
}

impl<'a> CutStore<'a> {
    pub(crate) fn new(inner: &'a dyn Store, cut: Option<(usize, Loss)>) -> Self {
        Self { inner, ops: AtomicUsize::new(0), cut, writes: std::sync::Mutex::default() }
    }

    pub(crate) fn ops(&self) -> usize {
        self.ops.load(Ordering::SeqCst)
    }

    pub(crate) fn writes(&self) -> Vec<usize> {
        self.writes.lock().unwrap().clone()
    }

    fn read<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let number = self.ops.fetch_add(1, Ordering::SeqCst);
        match self.cut {
            Some((at, Loss::All)) if number == at => Err(dead()),
            Some((at, Loss::Answer)) if number == at => work().and_then(|_| Err(dead())),
            Some((at, _)) if number > at => Err(dead()),
            _ => work(),
        }
    }

    fn write<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        self.writes.lock().unwrap().push(self.ops());
        self.read(work)
    }
}

fn dead() -> Error {
    Error::ReadFile { path: "the store".into(), source: std::io::Error::other("cut") }
}

impl Store for CutStore<'_> {
    fn place(&self) -> String {
        self.inner.place()
    }
    fn begin(&self, parts: &[Part]) -> Result<Hold, Error> {
        self.inner.begin(parts)
    }
    fn at_once(&self) -> usize {
        1
    }
    fn reading(&self) -> Reading {
        self.inner.reading()
    }
    fn list(&self, part: Part) -> Result<Vec<Entry>, Error> {
        self.read(|| self.inner.list(part))
    }
    fn read(&self, part: Part, name: &str, max: u64) -> Result<Option<Found>, Error> {
        self.read(|| self.inner.read(part, name, max))
    }
    fn stream(
        &self,
        part: Part,
        name: &str,
        length: u64,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Streamed, Error> {
        self.read(|| self.inner.stream(part, name, length, sink))
    }
    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<New, Error> {
        self.write(|| self.inner.put_new(name, bytes))
    }
    fn swap(&self, name: &str, bytes: &[u8], before: Option<&Tag>) -> Result<Swap, Error> {
        self.write(|| self.inner.swap(name, bytes, before))
    }
    fn upload(&self, blob: &mut Outgoing<'_>) -> Result<Sent, Error> {
        self.write(|| self.inner.upload(blob))
    }
    fn remove(&self, part: Part, name: &str) -> Result<(), Error> {
        self.write(|| self.inner.remove(part, name))
    }
}

/// What a host that was shipped with `root` finds: versions, and every target whole.
pub(crate) fn see(source: &dyn Source, root: &[u8], now: DateTime<Utc>) -> Result<Trusted, Error> {
    let (mut session, trusted) = follow(source, root.to_vec(), now, Expiry::Enforce)?;
    let names: Vec<String> = session.names().map(str::to_owned).collect();
    for name in names {
        let target = find(source, &mut session, &name)?.unwrap();
        target_bytes(source, &target, 1 << 20)?;
    }
    Ok(trusted)
}

/// The same without the frames: quick enough for a store behind a network.
pub(crate) fn glance(store: &dyn Store, root: &[u8], now: DateTime<Utc>) -> Result<Trusted, Error> {
    host_check(&StoreSource(store), root.to_vec(), now).map(|view| view.trusted)
}

/// A host that asked for roots and timestamp in one moment, and for all that follows in a later one.
pub(crate) struct Slow<'a> {
    pub(crate) first: &'a dyn Store,
    pub(crate) then: &'a dyn Store,
}

impl Source for Slow<'_> {
    fn metadata(&self, path: &str, max: u64) -> Result<Option<Vec<u8>>, Error> {
        let early = path.ends_with("root.json") || path == "timestamp.json";
        StoreSource(if early { self.first } else { self.then }).metadata(path, max)
    }
    fn target(&self, path: &str, length: u64, sink: &mut Sink<'_>) -> Result<Streamed, Error> {
        StoreSource(self.then).target(path, length, sink)
    }
}
