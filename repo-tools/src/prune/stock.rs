//! Everything in a store that says which blobs are named, and until when.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tough::schema::{Role as ToughRole, Snapshot, Targets};

use crate::document::Document;
use crate::error::{Error, Result};
use crate::metadata::{MAX_METADATA, blob_name};
use crate::publish::Live;
use crate::store::{Entry, Part, Store};

/// What a prune decides by.
#[derive(Debug, Clone, Default)]
pub struct Stock {
    /// The version of the snapshot that hosts see.
    pub snapshot: u64,
    /// Every snapshot that is there; its role is `snapshot`.
    pub snapshots: Vec<Paper>,
    /// Every targets role that is there, delegated ones too.
    pub targets: Vec<Paper>,
    /// Every blob that is there.
    pub blobs: Vec<Entry>,
}

/// One document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paper {
    /// Its file.
    pub file: String,
    /// Its role.
    pub role: String,
    /// Its version.
    pub version: u64,
    /// When it expires.
    pub expires: DateTime<Utc>,
    /// When it was written, by the store's clock.
    pub written: Option<DateTime<Utc>>,
    /// Of a snapshot: the version of each targets role.
    pub lists: BTreeMap<String, u64>,
    /// Of a targets role: the files of its blobs.
    pub names: BTreeSet<String>,
}

impl Stock {
    /// Reads all of it. A document that cannot be read proves nothing, so it ends the prune.
    pub fn read(store: &dyn Store, live: &Live) -> Result<Self> {
        let mut stock = Self { snapshot: live.metadata.versions().snapshot, ..Self::default() };
        for entry in store.list(Part::Metadata)? {
            let Some((version, role)) = versioned(&entry.name) else { continue };
            let paper = Paper {
                file: entry.name.clone(),
                version,
                written: entry.modified,
                role: percent_decode_str(role).decode_utf8_lossy().into_owned(),
                ..Paper::default()
            };
            match role {
                "root" => {}
                "snapshot" => stock.snapshots.push(snapshot(paper, &document(store, &entry.name)?)),
                _ => stock.targets.push(targets(paper, &document(store, &entry.name)?)),
            }
        }
        // Listed last: what was uploaded after the documents were read is too young to go.
        stock.blobs = store.list(Part::Targets)?;
        Ok(stock)
    }
}

fn document<T>(store: &dyn Store, name: &str) -> Result<Document<T>>
where
    T: ToughRole + Serialize + DeserializeOwned + Clone,
{
    let place = format!("{}/{}/{name}", store.place(), Part::Metadata.name());
    match store.read(Part::Metadata, name, MAX_METADATA)? {
        Some(found) => Document::parse_from(found.bytes, &place),
        None => Err(Error::Absent { path: place.into() }),
    }
}

fn snapshot(mut paper: Paper, document: &Document<Snapshot>) -> Paper {
    paper.expires = document.expires();
    let meta = document.role().meta.iter();
    paper.lists = meta
        .filter_map(|(file, meta)| Some((file.strip_suffix(".json")?.to_owned(), meta.version.get())))
        .collect();
    paper
}

fn targets(mut paper: Paper, document: &Document<Targets>) -> Paper {
    paper.expires = document.expires();
    let listed = document.role().targets.iter();
    paper.names = listed
        .map(|(name, target)| blob_name(&hex::encode(&target.hashes.sha256), name.resolved()))
        .collect();
    paper
}

/// `7.targets.json` is version 7 of targets.
fn versioned(file: &str) -> Option<(u64, &str)> {
    let (version, role) = file.strip_suffix(".json")?.split_once('.')?;
    let number = version.parse::<u64>().ok()?;
    (number.to_string() == version && !role.is_empty()).then_some((number, role))
}
