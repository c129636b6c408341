//! Where hosts read a repository: a folder, or a bucket that speaks the S3 protocol. One operation a method, so that a
//! test can stop a publish at each of them.

mod dry;
mod folder;
mod memory;
mod outgoing;
mod place;
mod s3;

use std::fmt::Debug;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::error::Result;
use crate::files::Lock;
use crate::source::Streamed;

pub use dry::Dry;
pub use folder::FolderStore;
pub use memory::Memory;
pub(crate) use outgoing::Hashing;
pub use outgoing::{Outgoing, Sent};
pub use place::Place;
pub(crate) use place::half_scheme;
pub use s3::{Fault, FaultKind, Patience, S3};

/// The operations that a publish, a refresh and a prune are made of.
///
/// A file under its name is whole: no reader ever sees half of one, and what a method has answered for survives a power
/// cut.
pub trait Store: Debug + Send + Sync {
    /// Where it is, for people: `/srv/updates` or `s3://bucket/prefix`.
    fn place(&self) -> String;
    /// Makes these parts ready for writing and keeps other writers out while the answer lives, where that can be done. A
    /// part that is not named is neither made nor touched: whoever asks may have no right to write there.
    fn begin(&self, parts: &[Part]) -> Result<Hold>;
    /// How many uploads at once serve this store.
    fn at_once(&self) -> usize;
    /// Whether reading back what is there costs next to nothing.
    fn reading(&self) -> Reading;
    /// Every file of one part, sorted by name; none when there is nothing yet.
    fn list(&self, part: Part) -> Result<Vec<Entry>>;
    /// A small file of at most `max` bytes; `None` when it is not there.
    fn read(&self, part: Part, name: &str, max: u64) -> Result<Option<Found>>;
    /// Streams a file of `length` bytes into `sink` in bounded memory; see [`Source::target`](crate::source::Source).
    fn stream(&self, part: Part, name: &str, length: u64, sink: &mut dyn FnMut(&[u8])) -> Result<Streamed>;
    /// Writes a metadata file under a name that nobody has taken.
    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<New>;
    /// Writes a metadata file in place of exactly the one that `before` was read with; `None`: of no file.
    fn swap(&self, name: &str, bytes: &[u8], before: Option<&Tag>) -> Result<Swap>;
    /// Writes a target. Its name carries its digest, so writing it again changes nothing.
    fn upload(&self, blob: &mut Outgoing<'_>) -> Result<Sent>;
    /// What lies there and others on this machine cannot read; a bucket is nobody's file system.
    fn closed(&self) -> Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }
    /// Removes a file; one that is gone already is as good.
    fn remove(&self, part: Part, name: &str) -> Result<()>;
}

/// The two folders of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Roles.
    Metadata,
    /// Files that targets roles list.
    Targets,
}

impl Part {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Metadata, Self::Targets];

    /// The folder's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Targets => "targets",
        }
    }
}

/// One file in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name in its part.
    pub name: String,
    /// Bytes.
    pub length: u64,
    /// When it was written, by the store's clock; `None` where the store does not say.
    pub modified: Option<DateTime<Utc>>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Which file it was.
    pub tag: Tag,
}

/// Tells one content of a name from the next: an `ETag`, or a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(pub(crate) String);

/// Who else may be writing.
#[derive(Debug)]
pub enum Hold {
    /// Nobody, while the lock lives.
    Alone(Lock),
    /// The store has no locks: [`Store::swap`] alone keeps writers apart.
    Shared,
}

/// Whether a store is at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// On this machine: a blob that hosts do not see yet is read again before it is believed.
    Cheap,
    /// Over a network, and every upload is checked by the server against the digest that signs its request.
    Dear,
}

/// How [`Store::put_new`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum New {
    /// It is written.
    Written,
    /// The name was taken; nothing changed.
    Taken,
}

/// How [`Store::swap`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// It is written.
    Done,
    /// Another file is there than the one that was read; nothing changed.
    Changed,
}

/// What a cache may do with a metadata file: nothing with the one file that says what is new.
pub(crate) fn cache_control(part: Part, name: &str) -> &'static str {
    match part {
        Part::Metadata if name == "timestamp.json" => "no-cache",
        // A versioned name never changes its bytes, but it may begin to exist.
        Part::Metadata => "public, max-age=60",
        Part::Targets => "public, max-age=31536000, immutable",
    }
}
