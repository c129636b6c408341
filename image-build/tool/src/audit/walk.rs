//! The files of a root.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Error;

/// A file, folder or link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// Below the root, without a leading slash.
    pub(super) path: String,
    pub(super) kind: Kind,
    /// Permission bits.
    pub(super) mode: u32,
    /// The first bytes of a file.
    pub(super) start: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    Special,
}

impl Node {
    /// The last part of the path.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    pub(super) fn is_elf(&self) -> bool {
        self.start.starts_with(b"\x7fELF")
    }

    /// All bytes, when it is an ELF file.
    pub(super) fn elf(&self, tree: &Path) -> Result<Option<Vec<u8>>, Error> {
        if !self.is_elf() {
            return Ok(None);
        }
        let path = tree.join(&self.path);
        fs::read(&path).map(Some).map_err(|source| Error::Read { path, source })
    }
}

/// Everything below `tree`, folders before what is in them. Links are not followed.
pub(super) fn walk(tree: &Path) -> Result<Vec<Node>, Error> {
    let mut nodes = Vec::new();
    below(tree, "", &mut nodes)?;
    Ok(nodes)
}

fn below(tree: &Path, folder: &str, nodes: &mut Vec<Node>) -> Result<(), Error> {
    let at = tree.join(folder);
    let failed = |source| Error::Read { path: at.clone(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(&at).map_err(failed)? {
        names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    for name in names {
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let node = node(tree, path)?;
        let (kind, path) = (node.kind, node.path.clone());
        nodes.push(node);
        if kind == Kind::Folder {
            below(tree, &path, nodes)?;
        }
    }
    Ok(())
}

fn node(tree: &Path, path: String) -> Result<Node, Error> {
    let at = tree.join(&path);
    let failed = |source| Error::Read { path: at.clone(), source };
    let found = fs::symlink_metadata(&at).map_err(failed)?;
    let kind = match found.file_type() {
        kind if kind.is_dir() => Kind::Folder,
        kind if kind.is_symlink() => Kind::Link,
        kind if kind.is_file() => Kind::File,
        _ => Kind::Special,
    };
    let mut start = Vec::new();
    if kind == Kind::File {
        File::open(&at).and_then(|file| file.take(START).read_to_end(&mut start)).map_err(failed)?;
    }
    Ok(Node { path, kind, mode: found.permissions().mode() & 0o7777, start })
}

/// Enough to know a script and an ELF file.
const START: u64 = 4;
