//! Where files lie, and where nothing for hosts may lie.

use std::path::{Component, Path, PathBuf};

use super::Context;
use crate::doctor::private_keys_in;
use crate::error::{Error, Result};
use crate::folder::{PARTS, STATE};

/// Refuses a folder for hosts that is a working folder, holds this one, lies in the files of one, or has a private key
/// in it: what lies there is read by everybody.
pub(super) fn refuse_dest(context: &Context, dest: &Path) -> Result<()> {
    let absolute = |path: &Path| {
        let read = |source| Error::ReadFile { path: path.to_owned(), source };
        std::path::absolute(path).map(|path| there(&path)).map_err(read)
    };
    let (place, repo) = (absolute(dest)?, absolute(&context.repo)?);
    let repo = is_working(&repo).then_some(repo);
    let working: Vec<&Path> = place.ancestors().filter(|dir| is_working(dir)).collect();
    if let Some((how, dir)) = overlap(&place, repo.as_deref(), &working) {
        return Err(Error::DestInFolder { dest: dest.to_owned(), how, dir: dir.to_owned() });
    }
    let dirs = [dest.to_owned(), dest.join("metadata"), dest.join("targets")];
    match dirs.iter().flat_map(|dir| private_keys_in(dir)).next() {
        Some(key) => Err(Error::KeyInDest { dest: dest.to_owned(), key }),
        None => Ok(()),
    }
}

/// How `place` and a working folder are in each other's way. `working` are those at or above it. A folder beside the
/// working folder's own files is fine: with `--repo .` everything is below it. Pure; all paths are real.
fn overlap<'a>(
    place: &Path,
    repo: Option<&'a Path>,
    working: &[&'a Path],
) -> Option<(&'static str, &'a Path)> {
    for dir in working {
        let Ok(below) = place.strip_prefix(dir) else { continue };
        match below.components().next() {
            None => return Some(("is", dir)),
            Some(Component::Normal(first)) if PARTS.iter().any(|part| first == *part) => {
                return Some(("lies in the files of", dir));
            }
            Some(_) => {}
        }
    }
    repo.filter(|repo| repo.starts_with(place)).map(|repo| ("holds", repo))
}

fn is_working(dir: &Path) -> bool {
    dir.join(STATE).exists()
}

/// Where a folder lies, or will lie once it is made: links are followed as far as there is something.
pub(super) fn there(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
        // One part at a time, so that ".." after a link goes up from where the link leads.
        if let Ok(real) = plain.canonicalize() {
            plain = real;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_for_hosts_is_beside_what_only_engineers_read() {
        for (place, repo, working, how) in [
            ("/w/public", "/w/repo", None, None),
            ("/w/repo-public", "/w/repo", None, None),
            ("/w/www", "/w", Some("/w"), None),
            ("/w/repo", "/w/repo", Some("/w/repo"), Some("is")),
            ("/w", "/w/repo", None, Some("holds")),
            ("/", "/w/repo", None, Some("holds")),
            ("/w/repo/blobs", "/w/repo", Some("/w/repo"), Some("lies in the files of")),
            ("/w/repo/root/x", "/w/repo", Some("/w/repo"), Some("lies in the files of")),
            ("/o/stage", "/w/repo", Some("/o"), Some("lies in the files of")),
            ("/o", "/w/repo", Some("/o"), Some("is")),
        ] {
            let working: Vec<&Path> = working.into_iter().map(Path::new).collect();
            let found = overlap(Path::new(place), Some(Path::new(repo)), &working);
            assert_eq!(found.map(|(how, _)| how), how, "{place}");
        }
    }
}
