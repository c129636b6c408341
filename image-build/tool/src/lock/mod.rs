//! Which packages an image is made of, to the byte.
//!
//! A recipe asks for packages by name; a [`Lock`] says which versions these were, with the digest of each. It is kept
//! beside the recipe (docs/formats/image-lock.md) and a build uses nothing else, so that the same recipe gives the same
//! image until somebody runs `--update-lock`.

mod error;
mod read;
mod wanted;
mod write;

use std::path::{Path, PathBuf};

use release::Digest;

pub use error::Error;
pub use wanted::Wanted;

use crate::Arch;

/// The packages of one recipe for one architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// What they are for.
    pub arch: Arch,
    /// What the recipe asked for when they were looked up.
    pub wanted: Wanted,
    /// Those that are unpacked into the root, sorted by name.
    pub root: Vec<Locked>,
    /// Those that bring the kernel and its modules, sorted by name; they are not unpacked into the root.
    pub kernel: Vec<Locked>,
}

/// One package, to the byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Locked {
    /// Its name.
    pub package: String,
    /// Its version, as Debian writes it.
    pub version: String,
    /// `all`, or Debian's name of the architecture.
    pub architecture: String,
    /// Where it lies below the archive: `pool/…`; what starts with `pool/updates/` lies in the security archive.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Digest,
}

impl Lock {
    /// Says whether this lock is still an answer to what the recipe asks.
    ///
    /// # Errors
    /// The recipe asks for something else.
    pub fn check(&self, wanted: &Wanted) -> Result<(), Error> {
        match self.wanted.difference(wanted) {
            None => Ok(()),
            Some(difference) => Err(Error::Stale { difference }),
        }
    }

    /// The digest over the lock as it is written: equal for equal packages.
    pub fn digest(&self) -> Digest {
        Digest::of(self.to_text().as_bytes())
    }

    /// All packages, those of the root first.
    pub fn all(&self) -> impl Iterator<Item = &Locked> {
        self.root.iter().chain(&self.kernel)
    }
}

/// Where the lock of a recipe is kept: `container.toml` has `container.x86_64.lock` beside it.
pub fn path_beside(recipe: &Path, arch: Arch) -> PathBuf {
    recipe.with_extension(format!("{arch}.lock"))
}
