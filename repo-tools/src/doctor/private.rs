//! Looks for private keys that nobody has named. Of a file no more is read than shows whether it is one.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{KeySeen, PrivateSeen};
use crate::files;
use crate::keys::{MAX_KEY_FILE, is_private};
use zeroize::Zeroizing;

/// Private keys anywhere in the working folder. A link is looked at where it lies, not followed.
pub(crate) fn inside(repo: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![repo.to_owned()];
    while let Some(dir) = dirs.pop() {
        for path in entries(&dir) {
            let Ok(metadata) = path.symlink_metadata() else { continue };
            if metadata.is_dir() {
                // What version control keeps there is packed.
                if path.file_name().is_none_or(|name| name != ".git") {
                    dirs.push(path);
                }
            } else if holds_key(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Private keys that lie in this folder itself.
pub(crate) fn directly_in(dir: &Path) -> impl Iterator<Item = PathBuf> {
    entries(dir).into_iter().filter(|path| holds_key(path))
}

/// Private keys in the folders of these files.
pub(super) fn beside<'a>(named: impl Iterator<Item = &'a Path>) -> Vec<PathBuf> {
    let mut dirs: Vec<&Path> = named.map(files::parent).collect();
    dirs.sort();
    dirs.dedup();
    dirs.into_iter().flat_map(directly_in).collect()
}

/// A private key by its file.
pub(super) fn seen(path: &Path, repo: &Path) -> Option<PrivateSeen> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let inside = match (path.canonicalize(), repo.canonicalize()) {
        (Ok(path), Ok(repo)) => path.starts_with(repo),
        _ => false,
    };
    Some(PrivateSeen { path: path.to_owned(), mode: metadata.mode() & 0o777, inside })
}

/// Adds those of `paths` that are not among `keys` yet.
pub(super) fn add(keys: &mut Vec<KeySeen>, paths: Vec<PathBuf>, repo: &Path) {
    for path in paths {
        let real = path.canonicalize().ok();
        let known = |key: &KeySeen| {
            key.private.as_ref().is_some_and(|private| private.path.canonicalize().ok() == real)
        };
        if real.is_none() || keys.iter().any(known) {
            continue;
        }
        if let Some(private) = seen(&path, repo) {
            let name = path.display().to_string();
            keys.push(KeySeen { name, id: Ok(String::new()), private: Some(private) });
        }
    }
}

fn holds_key(path: &Path) -> bool {
    let is_small = |metadata: &fs::Metadata| metadata.is_file() && metadata.len() <= MAX_KEY_FILE;
    if !path.symlink_metadata().is_ok_and(|metadata| is_small(&metadata)) {
        return false;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_KEY_FILE).unwrap_or(0)));
    // One that cannot be read is no key of whoever asks.
    let read = File::open(path).and_then(|file| file.take(MAX_KEY_FILE).read_to_end(&mut bytes));
    read.is_ok() && is_private(&bytes)
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
