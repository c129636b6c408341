//! That what a recipe starts is there: an image whose init or units are missing is otherwise found out on the first boot.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::Tree;
use super::units::template;
use crate::{Error, Recipe};

/// The init is a program; every enabled unit and the default one can be loaded.
pub(super) fn starts(tree: &Tree, recipe: &Recipe, pid1: &str) -> Result<(), Error> {
    init(tree, pid1)?;
    let enabled = recipe.units.enabled.iter().map(|unit| ("units.enabled", unit));
    let default = recipe.units.default.iter().map(|unit| ("units.default", unit));
    enabled.chain(default).try_for_each(|(key, name)| unit(tree, key, name))
}

fn init(tree: &Tree, init: &str) -> Result<(), Error> {
    let problem = match resolve(tree, init).map(|at| at.metadata()) {
        Some(Ok(found)) if found.is_file() && found.permissions().mode() & 0o111 != 0 => return Ok(()),
        Some(Ok(found)) if found.is_file() => "it may not be executed",
        Some(Ok(_)) => "it is no file",
        Some(Err(_)) | None => "it is not in the root",
    };
    let programs = PROGRAM_FOLDERS.iter().flat_map(|folder| {
        let names = names(tree, folder).into_iter();
        names.map(move |name| format!("/{folder}/{name}")).filter(|path| path != init)
    });
    Err(Error::Init { init: init.to_owned(), problem, nearest: nearest(init, programs) })
}

fn unit(tree: &Tree, key: &'static str, unit: &str) -> Result<(), Error> {
    let template = template(unit);
    let names_of_it = [Some(unit), template.as_deref()];
    let mut problem = "no unit of this name is in the root";
    // As systemd looks: the name before its template, the administrator's folder before the packages'.
    for path in names_of_it.iter().flatten().flat_map(|name| UNIT_FOLDERS.map(|at| format!("{at}/{name}"))) {
        if fs::read_link(tree.place(&path)).is_ok_and(|target| target == Path::new("/dev/null")) {
            problem = "it is masked";
            break;
        }
        if resolve(tree, &path).is_some_and(|at| at.is_file()) {
            return Ok(());
        }
    }
    let there = UNIT_FOLDERS.iter().flat_map(|folder| {
        let loads =
            move |name: &String| resolve(tree, &format!("{folder}/{name}")).is_some_and(|at| at.is_file());
        names(tree, folder).into_iter().filter(loads)
    });
    let nearest = nearest(unit, there);
    Err(Error::Unit { key, unit: unit.to_owned(), problem, nearest })
}

/// Where a path of the root leads on this machine, through links that never leave the root; `None`: nowhere.
fn resolve(tree: &Tree, path: &str) -> Option<PathBuf> {
    let mut left: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
    let mut done: Vec<String> = Vec::new();
    let mut links = 0;
    while let Some(part) = left.pop() {
        match &*part {
            "" | "." => continue,
            ".." => {
                done.pop();
                continue;
            }
            _ => done.push(part),
        }
        let at = tree.place(&done.join("/"));
        if !at.symlink_metadata().ok()?.is_symlink() {
            continue;
        }
        links += 1;
        let target = fs::read_link(&at).ok().filter(|_| links <= LINKS)?;
        let target = target.to_str()?;
        if target.starts_with('/') {
            done.clear();
        } else {
            done.pop();
        }
        left.extend(target.split('/').rev().map(str::to_owned));
    }
    Some(tree.place(&done.join("/")))
}

/// The names in a folder of the root, sorted; none when it is not there.
fn names(tree: &Tree, folder: &str) -> BTreeSet<String> {
    // With the slash, /etc is the factory's too.
    let entries = fs::read_dir(tree.place(&format!("{folder}/"))).into_iter().flatten().flatten();
    entries
        .filter(|entry| !entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// The name with the fewest other letters; beyond a third of them a guess misleads.
fn nearest(name: &str, there: impl Iterator<Item = String>) -> Option<String> {
    let scored = there.map(|other| (strsim::damerau_levenshtein(name, &other), other));
    let (distance, other) = scored.min()?;
    (distance * 3 <= other.len()).then_some(other)
}

const PROGRAM_FOLDERS: [&str; 4] = ["usr/bin", "usr/sbin", "usr/lib/systemd", "usr/libexec"];
const UNIT_FOLDERS: [&str; 4] =
    ["etc/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];
/// As many as the kernel follows.
const LINKS: u32 = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_and_never_out_of_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::at(folder.path());
        tree.folder("etc").unwrap();
        tree.file("usr/lib/init", 0o755, b"x").unwrap();
        tree.link("sbin", "usr/bin").unwrap();
        tree.link("usr/bin/init", "/../usr/lib/../lib/init").unwrap();
        tree.link("usr/bin/host", "/bin/sh").unwrap();
        tree.link("usr/bin/round", "round").unwrap();
        tree.link("etc/alias", "/etc/file").unwrap();
        tree.file("etc/file", 0o644, b"x").unwrap();
        assert_eq!(resolve(&tree, "/sbin/init"), Some(folder.path().join("usr/lib/init")));
        assert_eq!(resolve(&tree, "etc/alias"), Some(tree.place("etc/file")));
        for nowhere in ["/usr/bin/host", "/usr/bin/round", "/usr/bin/none"] {
            assert_eq!(resolve(&tree, nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn a_unit_is_found_by_its_template_and_not_when_masked() {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::at(folder.path());
        tree.file("usr/lib/systemd/system/get@.service", 0o644, b"").unwrap();
        tree.file("usr/lib/systemd/system/off.service", 0o644, b"").unwrap();
        tree.link("etc/systemd/system/off.service", "/dev/null").unwrap();
        unit(&tree, "units.enabled", "get@a.service").unwrap();
        unit(&tree, "units.enabled", "get@.service").unwrap();
        let said = |name| unit(&tree, "units.enabled", name).unwrap_err();
        assert!(said("off.service").to_string().contains("it is masked"));
        assert_eq!(said("offf.service").hint().unwrap(), "did you mean off.service?");
    }
}
