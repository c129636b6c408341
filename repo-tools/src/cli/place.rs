//! What a repository to read is called on the command line: a folder, a URL, a bucket, a bundle, a name in repo.toml.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use tough::schema::Root;
use trust_client::Location;

use super::progress::Bar;
use super::{Context, usage};
use crate::bundle_source::BundleSource;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::metadata::version_in;
use crate::plain::{self, MAX_ROOT};
use crate::source::{FolderSource, OwnStoreSource, Source, UrlSource};
use crate::store::{self, FolderStore, Part, Store as _};

/// The place, opened.
pub(super) enum Place<'a> {
    /// An http(s) URL.
    Url(Box<UrlSource>),
    /// A bucket.
    Store(OwnStoreSource<'a>),
    /// A folder with metadata/ in it.
    Folder(FolderSource<'a>, PathBuf),
    /// A file.
    Bundle(Box<BundleSource>),
}

impl<'a> Place<'a> {
    /// A place with a repository in it.
    pub(super) fn open(context: &'a Context, place: &Location) -> Result<Place<'a>> {
        let found = Self::at(context, place)?;
        let is_empty = match &found {
            Place::Url(_) | Place::Bundle(_) => false,
            Place::Store(store) => store.0.list(Part::Metadata)?.is_empty(),
            Place::Folder(_, dir) => !dir.join(Part::Metadata.name()).is_dir(),
        };
        if is_empty { Err(Error::NoRepository { place: place.clone() }) } else { Ok(found) }
    }

    /// A place that is there, whatever is in it.
    pub(super) fn at(context: &'a Context, place: &Location) -> Result<Place<'a>> {
        if place.is_http() {
            return Ok(Place::Url(Box::new(UrlSource::new(place)?)));
        }
        match place.typed().parse().map_err(usage)? {
            store @ store::Place::S3 { .. } => {
                Ok(Place::Store(OwnStoreSource(store.open(context.files.as_ref(), WORKERS)?)))
            }
            store::Place::Folder(path) if path.is_file() => {
                Ok(Place::Bundle(Box::new(BundleSource::open(&path)?)))
            }
            store::Place::Folder(path) if path.is_dir() => {
                Ok(Place::Folder(FolderSource::new(context.files.as_ref(), &path), path))
            }
            store::Place::Folder(_) => Err(Error::NoRepository { place: place.clone() }),
        }
    }

    pub(super) fn source(&self) -> &dyn Source {
        match self {
            Place::Url(source) => source.as_ref(),
            Place::Store(source) => source,
            Place::Folder(source, _) => source,
            Place::Bundle(source) => source.as_ref(),
        }
    }
}

/// The root that a reader begins with when none is named: the oldest that a folder or a bucket shows, since other tools
/// publish only the newest; elsewhere the first.
pub(super) fn own_root(context: &Context, place: &Place<'_>) -> Result<Vec<u8>> {
    let listed = match place {
        Place::Url(_) | Place::Bundle(_) => Vec::new(),
        Place::Folder(_, dir) => FolderStore::new(context.files.as_ref(), dir).list(Part::Metadata)?,
        Place::Store(store) => store.0.list(Part::Metadata)?,
    };
    let oldest = listed.iter().filter_map(|entry| version_in(&entry.name, "root")).min().unwrap_or(1);
    let name = format!("{oldest}.root.json");
    let bytes = place
        .source()
        .metadata(&name, MAX_ROOT)?
        .ok_or_else(|| usage(format!("failed to find {name}: name a root that you trust with --root")))?;
    of_form(bytes, &format!("metadata/{name}"))
}

/// A root file that was named.
pub(super) fn root(path: Option<&PathBuf>) -> Result<Option<Vec<u8>>> {
    path.map(|path| of_form(plain::read(path, MAX_ROOT)?, &path.display())).transpose()
}

/// A root as the rules read it: they do not know the name of its file.
fn of_form(bytes: Vec<u8>, place: &impl ToString) -> Result<Vec<u8>> {
    Document::<Root>::parse_from(bytes, place).map(|root| root.bytes().to_vec())
}

/// Runs `work` with a bar that any thread may move.
pub(super) fn with_bar<T>(context: &Context, what: &str, work: impl FnOnce(&crate::Tell<'_>) -> T) -> T {
    let bar = Mutex::new(Bar::new(context.form));
    let lock = || bar.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = work(&|done, total| lock().at(what, done, total));
    lock().end();
    answer
}

/// What a repository to read can be, for `--help`.
pub(super) const SOURCE: &str = "A folder, an http(s) URL or s3://bucket/prefix with metadata/ and targets/ in it, the \
                                 name of a store in repo.toml, or a bundle";
/// Targets fetched or read at a time: enough to hide the way to a far server, few enough not to be rude.
pub(super) const WORKERS: usize = 4;
