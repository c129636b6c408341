//! Where a request is kept: a file that several people may sign at once, and no other file is written over.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::fault::{Fault, Refused};
use super::subject::Request;
use crate::error::{Error, Result};
use crate::files::{self, Files, Lock};

/// Writes a signed request to `path`, with the signatures that the same request has there by now. The answer is what lies
/// there at the end.
///
/// # Errors
/// When something else lies there; nothing is changed then.
pub fn keep(files: &dyn Files, path: &Path, mut request: Request) -> Result<Request> {
    let refuse = |fault: Fault| Error::Requests { refused: vec![Refused { path: path.to_owned(), fault }] };
    let other = || Error::RequestExists { path: path.to_owned() };
    let path = &led_to(path)?;
    // Reading, joining and writing are one step.
    let _lock = lock(files, path)?;
    let there = read(files, path)?;
    if let Some(there) = &there {
        let there = Request::parse(there).map_err(|_| other())?;
        if !request.asks_what(&there).map_err(refuse)? {
            return Err(other());
        }
        request.join(&there).map_err(refuse)?;
    }
    let bytes = request.encode().map_err(refuse)?;
    if there.as_deref() != Some(&bytes) {
        write(files, path, &bytes)?;
    }
    Ok(request)
}

/// Writes a new request to `path`; `false` when the very same lies there already.
///
/// # Errors
/// When anything else lies there.
pub fn put_new(files: &dyn Files, path: &Path, bytes: &[u8]) -> Result<bool> {
    let path = &led_to(path)?;
    let _lock = lock(files, path)?;
    match read(files, path)? {
        None => write(files, path, bytes).map(|()| true),
        Some(there) if there == bytes => Ok(false),
        Some(_) => Err(Error::RequestExists { path: path.to_owned() }),
    }
}

/// A holder who keeps requests elsewhere, and named a link, signs what the link leads to.
fn led_to(path: &Path) -> Result<PathBuf> {
    files::led_to(path).map_err(|source| Error::ReadFile { path: path.to_owned(), source })
}

/// The folder it lies in, since the file itself is replaced. Whoever holds it is done in a moment.
fn lock(files: &dyn Files, path: &Path) -> Result<Lock> {
    let dir = files::parent(path);
    let mut tries = 0;
    loop {
        match files.lock(dir) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock && tries < TRIES => {
                tries += 1;
                thread::sleep(PAUSE);
            }
            other => return other.map_err(|source| Error::Busy { path: dir.to_owned(), source }),
        }
    }
}

fn read(files: &dyn Files, path: &Path) -> Result<Option<Vec<u8>>> {
    files::read(files, path, MAX_REQUEST).map_err(|source| Error::ReadFile { path: path.to_owned(), source })
}

fn write(files: &dyn Files, path: &Path, bytes: &[u8]) -> Result<()> {
    files::put_bytes(files, path, bytes).map_err(|source| Error::WriteFile { path: path.to_owned(), source })
}

/// Two manifests and two targets roles of the largest kind, in base64.
pub(crate) const MAX_REQUEST: u64 = 64 << 20;
const PAUSE: Duration = Duration::from_millis(20);
const TRIES: u32 = 500;
