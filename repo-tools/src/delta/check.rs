//! Whether a delta is what manifest and indexes say.

use std::io::Read;
use std::path::Path;

use release::delta::Table;
use release::manifest::{Delta, Manifest};
use release::payload::Index;
use release::{Digest, Image};
use tough::TargetName;
use tough::schema::{Target, Targets};

use super::remove::base_of;
use crate::error::{Error, Result};
use crate::files::Files;
use crate::metadata::{MAX_METADATA, blob_name};

/// What signed documents say of one delta.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a> {
    /// Its place in the manifest.
    pub(crate) delta: &'a Delta,
    /// Length of the whole file.
    pub(crate) length: u64,
    /// The index of the image that it leads to, and the digest of that.
    pub(crate) new: (&'a Index, Digest),
    /// Digest of the base's index; `None`: nobody says it any more.
    pub(crate) base: Option<Digest>,
}

impl Said<'_> {
    /// The table in these first bytes of the file, if it is the one that is meant; else why not.
    pub(crate) fn table(&self, header: &[u8]) -> Result<Table, String> {
        let (expected, found) = (self.delta.header_length, header.len() as u64);
        if expected != found {
            return Err(format!("expected a table of {expected} bytes, found {found}"));
        }
        let (expected, found) = (self.delta.header_sha256, Digest::of(header));
        if expected != found {
            return Err(format!("expected a table with SHA-256 {expected}, found {found}"));
        }
        let table = Table::parse(header).map_err(|error| error.to_string())?;
        let base = self.base.unwrap_or_else(|| table.base_index());
        table.fits(self.new, base).map_err(|error| error.to_string())?;
        match table.delta_length() {
            length if length == self.length => Ok(table),
            length => Err(format!("expected {length} bytes as its table says, found {}", self.length)),
        }
    }
}

/// Looks at the table of every delta that the manifest of a stage names. Records are not read: their digests stand in
/// tables, and a host takes the full frame for one that is wrong.
pub(crate) fn on_stage(files: &dyn Files, dir: &Path, targets: &Targets, manifest: &Manifest) -> Result<()> {
    let stage = Stage { files, dir, targets };
    for update in &manifest.updates {
        let Some(ours) = &update.updog else { continue };
        for image in Image::ALL {
            let mut deltas = ours.deltas.iter().filter(|delta| delta.image == image.name()).peekable();
            if deltas.peek().is_none() {
                continue;
            }
            let name = ours.index.get(image);
            let bytes = stage.head(name, MAX_METADATA)?;
            let index = Index::parse(&bytes).map_err(|error| wrong(name, error.to_string()))?;
            for delta in deltas {
                let base = base_of(manifest, delta.from).and_then(|base| base.updog.as_ref());
                let base = base.map(|base| stage.digest(base.index.get(image))).transpose()?;
                let length = stage.listed(&delta.target)?.length;
                let said = Said { delta, length, new: (&index, Digest::of(&bytes)), base };
                let header = stage.head(&delta.target, delta.header_length)?;
                said.table(&header).map_err(|reason| wrong(&delta.target, reason))?;
            }
        }
    }
    Ok(())
}

struct Stage<'a> {
    files: &'a dyn Files,
    dir: &'a Path,
    targets: &'a Targets,
}

impl Stage<'_> {
    fn listed(&self, name: &str) -> Result<&Target> {
        let key = TargetName::new(name).ok();
        let listed = key.and_then(|key| self.targets.targets.get(&key));
        listed.ok_or_else(|| wrong(name, "it is not listed".into()))
    }

    fn digest(&self, name: &str) -> Result<Digest> {
        let digest = hex::encode(&self.listed(name)?.hashes.sha256).parse();
        digest.map_err(|_| wrong(name, "its SHA-256 is none".into()))
    }

    /// Its first bytes.
    fn head(&self, name: &str, length: u64) -> Result<Vec<u8>> {
        let path = self.dir.join(blob_name(&hex::encode(&self.listed(name)?.hashes.sha256), name));
        let read = |source| Error::ReadFile { path: path.clone(), source };
        if self.files.length(&path).map_err(read)?.is_none() {
            return Err(wrong(name, "the file is missing".into()));
        }
        let mut bytes = Vec::new();
        let reader = self.files.open(&path).map_err(read)?;
        reader.take(length.min(MAX_METADATA)).read_to_end(&mut bytes).map_err(read)?;
        Ok(bytes)
    }
}

fn wrong(name: &str, reason: String) -> Error {
    Error::HostTarget { name: name.to_owned(), reason }
}
