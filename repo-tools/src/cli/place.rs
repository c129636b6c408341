//! What a repository to read is called on the command line: a folder, a URL, a bucket, a bundle, a name in repo.toml.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;

use super::progress::Bar;
use super::{Context, usage};
use crate::bundle_source::BundleSource;
use crate::error::{Error, Result};
use crate::source::{FolderSource, OwnStoreSource, Source, UrlSource};
use crate::store::Part;

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
    pub(super) fn open(context: &'a Context, place: &str) -> Result<Place<'a>> {
        let place = &context.intent()?.place(place);
        let path = Path::new(place);
        if place.starts_with("http://") || place.starts_with("https://") {
            Ok(Place::Url(Box::new(UrlSource::new(place)?)))
        } else if place.contains("://") {
            let store = context.place(place)?.open(context.files.as_ref(), WORKERS)?;
            if store.list(Part::Metadata)?.is_empty() {
                return Err(usage(format!("failed to find metadata/ in {place}")));
            }
            Ok(Place::Store(OwnStoreSource(store)))
        } else if path.is_file() {
            Ok(Place::Bundle(Box::new(BundleSource::open(path)?)))
        } else if path.join("metadata").is_dir() {
            Ok(Place::Folder(FolderSource::new(context.files.as_ref(), path), path.to_owned()))
        } else {
            Err(usage(format!("failed to find metadata/ in {place}")))
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

/// A root file that was named.
pub(super) fn root(path: Option<&PathBuf>) -> Result<Option<Vec<u8>>> {
    let read =
        |path: &PathBuf| std::fs::read(path).map_err(|source| Error::ReadFile { path: path.clone(), source });
    path.map(read).transpose()
}

/// Runs `work` with a bar that any thread may move.
pub(super) fn with_bar<T>(context: &Context, what: &str, work: impl FnOnce(&crate::Tell<'_>) -> T) -> T {
    let bar = Mutex::new(Bar::new(context.form));
    let lock = || bar.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = work(&|done, total| lock().at(what, done, total));
    lock().end();
    answer
}

/// Targets fetched or read at a time: enough to hide the way to a far server, few enough not to be rude.
pub(super) const WORKERS: usize = 4;
