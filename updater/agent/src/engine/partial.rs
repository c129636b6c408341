//! `staged/partial.json`: what an interrupted run had made right. Only a hint (see [`hint`](super::hint)).

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use partition_core::Slot;
use release::payload::Index;
use release::{Image, Images, ReleaseId};

use super::hint::{MARK_EVERY, Marks, Partial};
use super::work::Work;
use crate::state::file;

/// The hint of the run that is under way.
#[derive(Debug)]
pub(super) struct PartialFile {
    folder: PathBuf,
    partial: Partial,
    unsaved: usize,
}

impl PartialFile {
    /// What an earlier run of this release to this slot left; anything else, garbage too, is no hint.
    pub(super) fn recall(folder: &Path, slot: Slot, release: ReleaseId) -> Option<Images<Marks>> {
        let text = file::text(&folder.join(NAME), MOST).ok()?;
        let partial: Partial = serde_json::from_str(&text).ok()?;
        let same = partial.format == 1 && partial.slot == slot.to_string() && partial.release == release;
        same.then_some(partial.right)
    }

    /// Starts one. Writes it at once, and the room that the record at the end will need, so that a full state folder ends the run
    /// before anything was retired.
    pub(super) fn begin(
        folder: &Path,
        (slot, release): (Slot, ReleaseId),
        indexes: &Images<Index>,
        work: &Work,
    ) -> io::Result<PartialFile> {
        fs::create_dir_all(folder)?;
        let right =
            Images::from_fn(|image| Marks::all_but(indexes.get(image).pieces().len(), work.missing(image)));
        let partial = Partial { format: 1, slot: slot.to_string(), release, right };
        let hint = PartialFile { folder: folder.to_owned(), partial, unsaved: 0 };
        hint.save()?;
        let mut room = Vec::new();
        for (_, index) in indexes.iter() {
            room.extend(index.encode());
        }
        room.resize(room.len().saturating_add(RECORD), 0);
        let mut held = file::create(&folder.join(ROOM))?;
        held.write_all(&room)?;
        held.sync_all()?;
        Ok(hint)
    }

    /// A piece was written.
    pub(super) fn wrote(&mut self, image: Image, piece: usize) {
        self.partial.right.get_mut(image).add(piece);
        self.unsaved = self.unsaved.saturating_add(1);
        if self.unsaved >= MARK_EVERY {
            self.unsaved = 0;
            // A hint that cannot be kept costs the next run time, and must not cost this one.
            let _ = self.save();
        }
    }

    /// The run ended early: keeps the hint, gives the room back.
    pub(super) fn keep(self) {
        let _ = self.save();
        let _ = fs::remove_file(self.folder.join(ROOM));
    }

    /// All is written: no hint is needed any more.
    pub(super) fn remove(self) {
        let _ = fs::remove_file(self.folder.join(ROOM));
        let _ = fs::remove_file(self.folder.join(NAME));
    }

    /// Replaced as a whole, never fsynced: losing it loses time only.
    fn save(&self) -> io::Result<()> {
        let text = serde_json::to_string(&self.partial).map_err(io::Error::other)?;
        let new = self.folder.join(NEW);
        file::create(&new)?.write_all(text.as_bytes())?;
        fs::rename(new, self.folder.join(NAME))
    }
}

/// In the state folder.
pub(super) const FOLDER: &str = "staged";
const NAME: &str = "partial.json";
const NEW: &str = "partial.json.new";
const ROOM: &str = "partial.room";
/// More than `staged.json` needs.
const RECORD: usize = 4096;
/// In bytes; a bit for each piece of three images is far less.
const MOST: u64 = 64 << 20;
