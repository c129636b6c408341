//! The two locks: one for a change of the table, one for a run of updog.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// flock on the whole disk, as udev takes it too; held for one change of the table and freed when dropped.
#[derive(Debug)]
pub(crate) struct TableLock {
    _lock: Unlock,
}

impl TableLock {
    /// Waits up to ten seconds.
    pub(crate) fn take(path: &Path) -> Result<TableLock> {
        let fail = |source| Error::LockTable { path: path.to_owned(), source };
        // A file of its own: flock belongs to the open file, so two changes in one process exclude each other as well.
        let file = File::open(path).map_err(fail)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(TableLock { _lock: Unlock(file) }),
                Err(TryLockError::Error(source)) => return Err(fail(source)),
                Err(TryLockError::WouldBlock) if start.elapsed() >= PATIENCE => {
                    let waited_secs = PATIENCE.as_secs();
                    return Err(Error::TableBusy { path: path.to_owned(), waited_secs });
                }
                Err(TryLockError::WouldBlock) => sleep(Duration::from_millis(20)),
            }
        }
    }
}

/// `<state>/lock`: held from retire to the end of verify, and by every verb that arms, cancels or rolls back.
///
/// It is flock, so it is gone with its process; the text in the file only names the holder.
#[derive(Debug)]
pub struct RunLock {
    _lock: Unlock,
}

/// A locked file. Closing it would free the lock only when no child that was forked meanwhile still has it open, on its way
/// to exec; unlocking does it at once.
#[derive(Debug)]
struct Unlock(File);

impl Drop for Unlock {
    fn drop(&mut self) {
        // What cannot be unlocked is freed by closing.
        let _ = self.0.unlock();
    }
}

/// Who holds a run lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The process id.
    pub pid: u32,
    /// The verb it runs.
    pub verb: String,
}

/// A run lock that was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunLockError {
    /// Another process holds it.
    #[error("failed to take the run lock: {}", held_by(.holder.as_ref()))]
    Held {
        /// Who holds it, where the lock says so.
        holder: Option<Holder>,
    },
    /// The file could not be opened or locked.
    #[error("failed to open the run lock {path}")]
    Open {
        /// The lock file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl RunLock {
    /// Takes `<state>/lock` for `verb`, at once or not at all.
    ///
    /// On a read-only state folder an existing lock file is still honoured; it then names no holder.
    pub fn acquire(state: &Path, verb: &str) -> std::result::Result<RunLock, RunLockError> {
        let path = state.join("lock");
        let fail = |source| RunLockError::Open { path: path.clone(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        // Whoever can open it could hold it, and no run would go on.
        let writable = options.mode(0o600).open(&path);
        let (mut file, writable) = match writable {
            Ok(file) => (file, true),
            Err(error) => (File::open(&path).map_err(|_| fail(error))?, false),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(RunLockError::Held { holder: Holder::read(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(fail(source)),
        }
        if writable {
            // Only for people: a full disk must not stop a verb, and the lock holds without it.
            let _ = file.set_len(0).and_then(|()| writeln!(file, "{} {verb}", std::process::id()));
        }
        Ok(RunLock { _lock: Unlock(file) })
    }
}

impl Holder {
    /// Reads the holder's line; `None` when it makes no sense.
    fn read(file: &mut File) -> Option<Holder> {
        let mut text = String::new();
        file.rewind().ok()?;
        file.take(256).read_to_string(&mut text).ok()?;
        let (pid, verb) = text.trim_end().split_once(' ')?;
        Some(Holder { pid: pid.parse().ok()?, verb: verb.to_owned() })
    }
}

fn held_by(holder: Option<&Holder>) -> String {
    holder.map_or_else(
        || "another process holds it".to_owned(),
        |holder| format!("`{}` with process id {} holds it", holder.verb, holder.pid),
    )
}

/// udev and partitioning tools hold the table lock for well under a second.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_is_first() {
        let state = tempfile::tempdir().unwrap();
        let first = RunLock::acquire(state.path(), "stage").unwrap();
        let Err(RunLockError::Held { holder: Some(holder) }) = RunLock::acquire(state.path(), "arm") else {
            panic!("a held lock was taken");
        };
        assert_eq!(holder, Holder { pid: std::process::id(), verb: "stage".to_owned() });
        drop(first);
        RunLock::acquire(state.path(), "arm").unwrap();
    }

    #[test]
    fn garbage_in_the_file_is_no_obstacle() {
        let state = tempfile::tempdir().unwrap();
        for garbage in [&b"\xff\xfe\x00"[..], b"12", b"-1 x", b"99999999999999 apply"] {
            std::fs::write(state.path().join("lock"), garbage).unwrap();
            let held = File::open(state.path().join("lock")).unwrap();
            held.lock().unwrap();
            let error = RunLock::acquire(state.path(), "arm").unwrap_err();
            assert_eq!(error.to_string(), "failed to take the run lock: another process holds it");
        }
        RunLock::acquire(state.path(), "arm").unwrap();
    }

    #[test]
    fn a_missing_state_folder_is_an_error_of_its_own() {
        let error = RunLock::acquire(Path::new("/nonexistent/state"), "arm").unwrap_err();
        assert!(matches!(error, RunLockError::Open { .. }), "{error}");
    }
}
