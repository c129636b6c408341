//! Writes the stage. Nobody reads it before it is complete, so there is nothing to plan.

use std::path::Path;

use crate::document::Document;
use crate::error::{Error, Result};
use crate::files::{self, Files};
use crate::metadata::Metadata;
use crate::role::Role;

/// Gives the blobs of `new` that lie in `blobs` a second name in the stage `dir`, then writes the documents.
pub(crate) fn write_stage(files: &dyn Files, new: &Metadata, blobs: &Path, dir: &Path) -> Result<()> {
    let online = new.online.as_ref().ok_or(Error::NotSigned { what: Role::Timestamp })?;
    let (metadata, targets) = (dir.join("metadata"), dir.join("targets"));
    let write = |path: &Path, source| Error::WriteFile { path: path.to_owned(), source };
    for dir in [&metadata, &targets] {
        files::ensure_dir(files, dir).map_err(|source| write(dir, source))?;
    }
    for (name, target) in online.blobs() {
        let to = targets.join(&name);
        let length = files.length(&to).map_err(|source| Error::ReadFile { path: to.clone(), source })?;
        if length != Some(target.length) {
            files.link(&blobs.join(&name), &to).map_err(|source| write(&to, source))?;
        }
    }
    files.sync_dir(&targets).map_err(|source| write(&targets, source))?;
    let put = |name: String, bytes: &[u8]| {
        let path = metadata.join(name);
        files::put_bytes(files, &path, bytes).map_err(|source| write(&path, source))
    };
    for root in &new.roots {
        put(format!("{}.root.json", root.version()), root.bytes())?;
    }
    let document = |role: &str, version: u64| format!("{version}.{role}.json");
    put(document("targets", online.targets.version()), Document::bytes(&online.targets))?;
    put(document("snapshot", online.snapshot.version()), Document::bytes(&online.snapshot))?;
    for (file, _, document) in online.delegated_files() {
        put(file, document.bytes())?;
    }
    put("timestamp.json".into(), online.timestamp.bytes())
}
