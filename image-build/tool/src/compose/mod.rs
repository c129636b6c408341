//! Recipe → root tree: a folder with everything that goes into the root image.

mod accounts;
mod check;
mod kernel_modules;
mod overlay;
mod release_file;
mod tree;
mod units;

use std::path::{Path, PathBuf};

use crate::initramfs::Modules;
use crate::programs::Programs;
use crate::recipe::Content;
use crate::{Arch, Error, Recipe};

pub use tree::Tree;
pub(crate) use tree::read;

/// What is composed; all of it decided before the first file is written.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// The architecture.
    pub arch: Arch,
    /// The version of the release.
    pub version: &'a release::Version,
    /// Seconds since 1970 that stand for now.
    pub epoch: u64,
    /// Our own programs.
    pub programs: &'a Programs,
    /// The kernel's modules.
    pub modules: &'a Modules,
    /// What becomes PID 1.
    pub init: &'a str,
    /// Trees that are laid over the root last.
    pub overlays: &'a [PathBuf],
}

/// A root, complete but not yet packed. Only [`compose()`] makes one.
#[derive(Debug)]
pub struct Composed {
    tree: PathBuf,
}

impl Composed {
    /// The folder.
    pub fn tree(&self) -> &Path {
        &self.tree
    }
}

/// Completes the root in `folder`, where the packages, if the recipe has any, are unpacked already.
///
/// Later steps win over earlier ones: packages, modules, programs, accounts, units, the recipe's files and links, overlays.
pub fn compose(plan: &Plan, folder: &Path) -> Result<Composed, Error> {
    let Plan { recipe, arch, version, epoch, programs, modules, init, overlays } = plan;
    let tree = Tree::at(folder);
    for path in FOLDERS {
        tree.folder(path)?;
    }
    kernel_modules::install(&tree, modules, &recipe.root_modules(*arch), &recipe.kernel.load, *epoch)?;
    for name in &recipe.programs {
        tree.file(&format!("usr/bin/{name}"), 0o755, programs.installed(name)?)?;
    }
    release_file::write(&tree, recipe, *arch, version)?;
    accounts::write(&tree, recipe)?;
    units::write(&tree, &recipe.units)?;
    for file in &recipe.files {
        match &file.content {
            Content::Text(text) => tree.file(&file.path, file.mode, text.as_bytes())?,
            Content::Source(source) => tree.file(&file.path, file.mode, &read(source)?)?,
        }
    }
    for link in &recipe.links {
        tree.link(&link.path, &link.target)?;
    }
    for overlay in *overlays {
        overlay::lay(&tree, overlay)?;
    }
    release_file::stamp_configuration(&tree, *epoch)?;
    check::starts(&tree, recipe, init)?;
    Ok(Composed { tree: folder.to_owned() })
}

/// Mount points and what they are filled from.
const FOLDERS: [&str; 12] = [
    "dev",
    "etc",
    "private",
    "proc",
    "run",
    "sys",
    "tmp",
    "usr/bin",
    "usr/lib",
    "usr/share/factory/etc",
    "usr/share/updog",
    "var",
];
