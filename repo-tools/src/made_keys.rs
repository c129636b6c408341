//! Where `key new` has made private keys for a working folder, so that `doctor` can see whether others may read them.
//!
//! Paths are relative to the folder. On another machine nothing lies there, and nothing is said of it.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::folder::{Folder, json};

/// The files, whether they are there or not.
pub(crate) fn made_keys(folder: &Folder) -> Result<Vec<PathBuf>> {
    let paths = read(folder)?.made;
    Ok(paths.into_iter().map(|path| folder.dir().join(path)).collect())
}

/// Whether a file, by its whole path without links, is one of them.
pub(crate) fn is_remembered(folder: &Folder, file: &Path) -> Result<bool> {
    Ok(read(folder)?.made.contains(&from_to(&whole(folder)?, file)))
}

/// Keeps one more, by its whole path without links. The caller has the lock.
pub(crate) fn remember(folder: &Folder, file: &Path) -> Result<()> {
    let dir = whole(folder)?;
    let mut state = read(folder)?;
    let path = from_to(&dir, file);
    if state.made.contains(&path) {
        return Ok(());
    }
    state.made.push(path);
    state.made.sort();
    folder.write(FILE, &json(&state)?)
}

fn whole(folder: &Folder) -> Result<PathBuf> {
    let read_dir = |source| Error::ReadFile { path: folder.dir().to_owned(), source };
    folder.dir().canonicalize().map_err(read_dir)
}

fn read(folder: &Folder) -> Result<Made> {
    let Some(bytes) = folder.read(FILE)? else { return Ok(Made { format: 1, made: Vec::new() }) };
    let wrong = |reason| Error::ParseState { path: folder.dir().join(FILE), reason };
    let made: Made = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    if made.format != 1 {
        return Err(wrong(format!("expected format 1, found {}", made.format)));
    }
    Ok(made)
}

/// The way from one folder to a file; both are absolute and plain.
fn from_to(dir: &Path, file: &Path) -> PathBuf {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (dir.components().collect(), file.components().collect());
    let same = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
    let up = from.iter().skip(same).map(|_| Component::ParentDir);
    up.chain(to.iter().skip(same).copied()).collect()
}

#[derive(Serialize, Deserialize)]
struct Made {
    format: u64,
    made: Vec<PathBuf>,
}

const FILE: &str = "made-keys.json";
