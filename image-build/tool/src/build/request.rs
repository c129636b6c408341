//! What a build is asked for.

use std::path::PathBuf;

use release::Version;

use crate::packed::SecureBoot;
use crate::{Arch, Error, Recipe, programs};

/// What a build is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The recipe.
    pub recipe: PathBuf,
    /// The architecture.
    pub arch: Arch,
    /// The folder to write to; it is made when it is not there.
    pub out: PathBuf,
    /// The version of the release.
    pub version: Version,
    /// Trees that are laid over the root, the last one on top.
    pub overlays: Vec<PathBuf>,
    /// Who signs the boot manifest.
    pub signing: Signing,
    /// The lock; `None`: beside the recipe.
    pub lock: Option<PathBuf>,
    /// Look the packages up and write the lock first.
    pub update_lock: bool,
    /// Debian's archive; `None`: the machine's.
    pub mirror: Option<String>,
    /// The keys that may sign the archive; `None`: the machine's.
    pub keyring: Option<PathBuf>,
    /// Where packages are kept; `None`: the user's cache folder.
    pub cache: Option<PathBuf>,
    /// A folder with our own programs; `None`: cargo builds them.
    pub programs: Option<PathBuf>,
    /// More words for the kernel's command line.
    pub cmdline: String,
    /// Who signs selector and kernel.
    pub secure_boot: Option<SecureBoot>,
    /// Also write `disk.qcow2`.
    pub qcow2: bool,
}

/// Who signs the boot manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signing {
    /// These keys; none: a test key. The image says so.
    Test(Vec<PathBuf>),
    /// These keys, none of them a test key, for a selector that holds no test key.
    Release(Vec<PathBuf>),
}

impl Request {
    /// A build with everything as it is without options.
    pub fn new(recipe: PathBuf, arch: Arch, out: PathBuf) -> Request {
        Request {
            recipe,
            arch,
            out,
            version: Version::new(1, 0, 0),
            overlays: Vec::new(),
            signing: Signing::Test(Vec::new()),
            lock: None,
            update_lock: false,
            mirror: None,
            keyring: None,
            cache: None,
            programs: None,
            cmdline: String::new(),
            secure_boot: None,
            qcow2: false,
        }
    }

    /// The recipe of a variant of this workspace.
    pub fn variant(name: &str) -> Result<PathBuf, Error> {
        let known = programs::variants()?;
        if let Some((_, path)) = known.iter().find(|(known, _)| known == name) {
            return Ok(path.clone());
        }
        let known = known.into_iter().map(|(name, _)| name).collect();
        Err(crate::recipe::Error::NoVariant { name: name.to_owned(), known }.into())
    }

    /// The recipe, checked against the architecture.
    pub(super) fn load(&self) -> Result<Recipe, Error> {
        let recipe = Recipe::load(&self.recipe)?;
        recipe.is_for(self.arch)?;
        Ok(recipe)
    }
}
