//! What the deltas of a release are, and what they save.

use std::io::{self, Read};

use release::delta::{Kind, Table};
use release::manifest::Update;
use release::payload::Index;
use release::{Image, ReleaseId, Version};
use serde::Serialize;

use super::remove::base_for;
use crate::add::read_index;
use crate::draft::{Blob, Draft};
use crate::error::{Error, Result};
use crate::folder::Folder;

/// One delta.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Name of the image.
    pub image: String,
    /// The release that it starts from.
    pub from: ReleaseId,
    /// Its version; `None`: the draft does not have it any more.
    pub base: Option<Version>,
    /// Target name.
    pub target: String,
    /// Bytes of the whole file; `None`: the draft does not list it.
    pub length: Option<u64>,
    /// What its table says; `None`: it is not in the working folder.
    pub sizes: Option<Sizes>,
    /// Bytes of all frames of the image, which a host fetches without it.
    pub frames_length: Option<u64>,
}

/// What a table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// Bytes of all records.
    pub records: u64,
    /// Pieces that are copied from the base.
    pub copied: usize,
    /// Pieces that are patched.
    pub patched: usize,
    /// Pieces whose full frame is as short.
    pub full: usize,
    /// Bytes of those frames; `None`: the index is not at hand.
    pub full_frames: Option<u64>,
}

impl Sizes {
    /// Of a table of this length.
    fn of(table: &Table, header_length: u64, index: Option<&Index>) -> Self {
        let count = |kind| table.rows().iter().filter(|row| row.kind == kind).count();
        Self {
            records: table.delta_length().saturating_sub(header_length),
            copied: count(Kind::Copy),
            patched: count(Kind::Patch),
            full: count(Kind::Full),
            full_frames: index.map(|index| {
                let pieces = table.rows().iter().zip(index.pieces());
                pieces
                    .filter(|(row, _)| row.kind == Kind::Full)
                    .map(|(_, one)| u64::from(one.frame_length))
                    .sum()
            }),
        }
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let from = self.base.as_ref().map_or_else(|| self.from.short(), ToString::to_string);
        write!(f, "{} from {from}: ", self.image)?;
        let full = self.sizes.and_then(|sizes| sizes.full_frames);
        match (self.length, full, self.frames_length) {
            // What a host fetches with it, and without.
            (Some(length), Some(full), Some(frames)) => {
                write!(f, "{} bytes instead of {frames}", length.saturating_add(full))?;
            }
            (Some(length), ..) => write!(f, "{length} bytes")?,
            (None, ..) => write!(f, "not in the draft")?,
        }
        match self.sizes {
            Some(Sizes { copied, patched, full, .. }) => {
                write!(f, ", pieces: {copied} copied, {patched} patched, {full} full")
            }
            None => write!(f, ", its table is not at hand"),
        }
    }
}

/// The deltas of one update of the draft, in the order of the manifest.
pub fn rows(folder: &Folder, draft: &Draft, update: &Update) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for delta in update.updog.iter().flat_map(|ours| &ours.deltas) {
        let blob = draft.targets.get(&delta.target).copied();
        let table = blob.map(|blob| table(folder, &delta.target, blob, delta.header_length)).transpose()?;
        let image = delta.image.parse::<Image>().ok();
        let frames = image.map(|image| update.images.get(image));
        let ours = update.updog.as_ref();
        // One that is not at hand is for `doctor` to name.
        let index =
            image.zip(ours).and_then(|(image, ours)| read_index(folder, draft, ours.index.get(image)).ok());
        rows.push(Row {
            image: delta.image.clone(),
            from: delta.from,
            base: base_for(&draft.manifest, update, delta.from).map(|base| base.version.clone()),
            target: delta.target.clone(),
            length: blob.map(|blob| blob.length),
            sizes: table.flatten().map(|table| Sizes::of(&table, delta.header_length, index.as_ref())),
            frames_length: frames.and_then(|name| draft.targets.get(name)).map(|blob| blob.length),
        });
    }
    Ok(rows)
}

/// The table at the start of a delta; `None` when it is not there, or damaged: `doctor` and `validate` say so.
fn table(folder: &Folder, name: &str, blob: Blob, header_length: u64) -> Result<Option<Table>> {
    let path = folder.blobs_dir().join(blob.file_name(name));
    let files = folder.files();
    let read = |source| Error::ReadFile { path: path.clone(), source };
    if files.length(&path).map_err(read)? != Some(blob.length) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let reader = match files.open(&path) {
        Ok(reader) => reader,
        // A rehearsal keeps no long file.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(None),
        Err(source) => return Err(read(source)),
    };
    reader.take(header_length).read_to_end(&mut bytes).map_err(read)?;
    Ok(Table::parse(&bytes).ok())
}
