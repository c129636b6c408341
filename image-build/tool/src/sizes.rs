//! Where the bytes of a root are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::packages::Owners;

/// The root could not be measured.
#[derive(Debug, thiserror::Error)]
#[error("failed to measure {path}")]
pub struct Error {
    path: PathBuf,
    source: io::Error,
}

/// Bytes and files of the root below `tree`, before it is packed: by package, then by folder, the largest first.
pub fn report(tree: &Path, owners: &Owners) -> Result<String, Error> {
    let mut measured = Measured::default();
    measured.folder(tree, "", owners)?;
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "The root before packing: {} bytes in {} files.",
        measured.all.bytes, measured.all.files
    );
    for (heading, amounts) in [("package", &measured.by_package), ("folder", &measured.by_folder)] {
        let _ = writeln!(text, "\n{:>12} {:>7}  {heading}", "bytes", "files");
        let mut sorted: Vec<_> = amounts.iter().collect();
        sorted.sort_by(|(a_name, a), (b_name, b)| b.bytes.cmp(&a.bytes).then(a_name.cmp(b_name)));
        for (name, amount) in sorted {
            let _ = writeln!(text, "{:>12} {:>7}  {name}", amount.bytes, amount.files);
        }
    }
    Ok(text)
}

#[derive(Clone, Copy, Debug, Default)]
struct Amount {
    bytes: u64,
    files: u64,
}

impl Amount {
    fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.files += 1;
    }
}

#[derive(Debug, Default)]
struct Measured {
    all: Amount,
    by_package: BTreeMap<String, Amount>,
    by_folder: BTreeMap<String, Amount>,
}

impl Measured {
    /// Regular files only: folders and links take next to nothing in a packed root.
    fn folder(&mut self, tree: &Path, folder: &str, owners: &Owners) -> Result<(), Error> {
        let at = tree.join(folder);
        let failed = |source| Error { path: at.clone(), source };
        for entry in fs::read_dir(&at).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let found = entry.metadata().map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if found.is_dir() {
                self.folder(tree, &path, owners)?;
            } else if found.is_file() {
                let package = owners.of(&path).unwrap_or(BUILD);
                self.all.add(found.len());
                self.by_package.entry(package.to_owned()).or_default().add(found.len());
                self.by_folder.entry(top(&path)).or_default().add(found.len());
            }
        }
        Ok(())
    }
}

/// The folder that a file is counted in: two levels, since nearly all is below `/usr`.
fn top(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let folders = parts.split_last().map_or(&[][..], |(_, folders)| folders);
    format!("/{}", folders.iter().take(2).copied().collect::<Vec<_>>().join("/"))
}

/// Stands for the package of what the build itself adds: programs, modules, the recipe's files.
const BUILD: &str = "(added by the build)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_comes_first_and_ties_go_by_name() {
        let tree = tempfile::tempdir().unwrap();
        let mut owners = Owners::default();
        for (path, bytes, package) in
            [("usr/bin/a", 10, "a"), ("usr/lib/b/c", 30, "b"), ("usr/bin/d", 20, "d"), ("e", 0, "")]
        {
            let at = tree.path().join(path);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, vec![0; bytes]).unwrap();
            if !package.is_empty() {
                owners.add(path, package);
            }
        }
        let expected = "The root before packing: 60 bytes in 4 files.\n\n       \
                        bytes   files  package\n          30       1  b\n          20       1  d\n          \
                        10       1  a\n           0       1  (added by the build)\n\n       \
                        bytes   files  folder\n          30       1  /usr/bin\n          \
                        30       1  /usr/lib\n           0       1  /\n";
        let report = report(tree.path(), &owners).unwrap();
        assert_eq!(
            report,
            expected.replace("          30       1  /usr/bin", "          30       2  /usr/bin")
        );
    }
}
