//! Packages that are here.

use std::path::PathBuf;

use crate::lock::Locked;

/// A package whose file is here and has the locked digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deb {
    /// What the lock says about it.
    pub locked: Locked,
    /// The file, in the cache.
    pub(super) file: PathBuf,
}

/// All packages of a lock. Only [`fetch()`](super::fetch()) makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Those of the root, in the lock's order.
    pub root: Vec<Deb>,
    /// Those of the kernel.
    pub kernel: Vec<Deb>,
}
