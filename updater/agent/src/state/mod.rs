//! The state folder (design §10.5). Losing it costs explanations and time, never a bootable slot.

mod error;
mod evidence;
mod excerpt;
pub(crate) mod file;
mod history;
mod looked;
mod outcome;
mod permit;
mod reports;
mod seed;
mod staged;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use partition_disk::{RunLock, RunLockError};
use updater_core::records::{Failed, HistoryLine, Record};

pub use error::Error;
pub use outcome::Ending;
pub use seed::Entropy;

use crate::Result;

/// The folder. Records that cannot be read are taken as absent, with a note; see [`State::notes`].
#[derive(Debug)]
pub struct State {
    dir: PathBuf,
    notes: Mutex<Vec<String>>,
    told: Mutex<Vec<HistoryLine>>,
}

impl State {
    /// The folder at `dir`. Nothing is opened or made yet.
    pub fn new(dir: impl Into<PathBuf>) -> State {
        State { dir: dir.into(), notes: Mutex::default(), told: Mutex::default() }
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the folder, if it is not there.
    pub fn make(&self) -> Result<()> {
        Ok(file::make(&self.dir)?)
    }

    /// Takes what was noted so far: one sentence each, without its period.
    pub fn notes(&self) -> Vec<String> {
        std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the lines that were added to the history so far, written or not.
    pub fn told(&self) -> Vec<HistoryLine> {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The run lock for `verb`. Held by somebody else: an error that names the holder (`run_lock`).
    pub fn run_lock(&self, verb: &str) -> Result<RunLock> {
        file::make(&self.dir)?;
        RunLock::acquire(&self.dir, verb).map_err(|error| match error {
            RunLockError::Held { holder } => crate::Error::Locked { holder },
            error => crate::Error::LockFile(error),
        })
    }

    /// As [`State::run_lock`], for local verbs: a folder that cannot be written is noted, and there is no lock to hold.
    pub fn run_lock_if_writable(&self, verb: &str) -> Result<Option<RunLock>> {
        match self.run_lock(verb) {
            Ok(lock) => Ok(Some(lock)),
            Err(error @ crate::Error::Locked { .. }) => Err(error),
            Err(error) => {
                self.note(format!("working without the run lock ({})", crate::answer::chain(&error)));
                Ok(None)
            }
        }
    }

    /// Does `work` while no other updog changes records: `confirm` needs no run lock, but must not write over the intent of
    /// an `arm` beside it. Held for a few writes. A folder in which there can be no lock cannot be written either.
    fn alone<T>(&self, work: impl FnOnce() -> T) -> T {
        let open = || file::lockable(&self.path("records.lock"));
        let lock = file::make(&self.dir).ok().and_then(|()| open().ok());
        let _lock = lock.filter(|file| file.lock().is_ok());
        work()
    }

    /// The file whose lock a hook holds; `None`: there can be none.
    pub(crate) fn hooks_lock(&self) -> Option<std::fs::File> {
        let path = self.path("hooks.lock");
        if !path.exists() {
            file::make(&self.dir).ok()?;
            file::lockable(&path).ok()?;
        }
        file::open(&path).ok()
    }

    /// The releases that failed here.
    pub fn failed(&self) -> Failed {
        self.read("failed.json").unwrap_or_default()
    }

    /// Writes them, durably.
    pub fn write_failed(&self, failed: &Failed) -> Result<()> {
        self.write("failed.json", failed)
    }

    /// For local verbs: what could not be written is noted, and the verb goes on (P8).
    pub fn tolerate(&self, done: Result<()>) {
        if let Err(error) = done {
            self.note(crate::answer::chain(&error));
        }
    }

    fn note(&self, note: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A record; absent, unreadable or garbage: `None`, the latter two with a note.
    fn read<R: Record>(&self, name: &str) -> Option<R> {
        let path = self.path(name);
        match file::read(&path) {
            Ok(Some(bytes)) => match R::parse(&bytes) {
                Ok(record) => {
                    if record.format() > updater_core::records::FORMAT {
                        self.note(format!("{} is of a later format, read as far as known", path.display()));
                    }
                    Some(record)
                }
                Err(error) => {
                    self.note(format!("{} makes no sense and is left out ({error})", path.display()));
                    None
                }
            },
            Ok(None) => None,
            Err(error) => {
                self.note(crate::answer::chain(&error));
                None
            }
        }
    }

    fn write<R: Record>(&self, name: &str, record: &R) -> Result<()> {
        let path = self.path(name);
        let bytes = record.encode().map_err(|source| Error::Encode { path: path.clone(), source })?;
        Ok(file::write(&path, &bytes)?)
    }
}
