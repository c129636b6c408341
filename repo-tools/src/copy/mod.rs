//! Copies of a repository: a mirror in a folder, a bundle in one file. Both are taken by the host's own rules, so that
//! nothing is copied that a host would refuse.

mod bundle;
mod fetch;
mod mirror;
mod select;
mod survey;

pub use bundle::{Bundled, Bundling, Start, bundle};
pub(crate) use fetch::fetch;
pub use mirror::{Mirrored, Mirroring, mirror};
pub(crate) use select::all_names;
pub use select::{Selection, Wanted};
pub(crate) use survey::Anchor;

/// Whether to write, or only to say what would be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// Write.
    Really,
    /// Say what it would be.
    DryRun,
}
