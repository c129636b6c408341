//! What a strict check can find wrong with a manifest.

use std::fmt;

use semver::Version;

use super::{Hop, Update};
use crate::ReleaseId;
use crate::names::NameError;

/// Which update a problem is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its place in the file, from 0.
    pub update: usize,
    /// Its variant.
    pub variant: String,
    /// Its architecture.
    pub arch: String,
    /// Its version.
    pub version: Version,
}

impl Place {
    pub(super) fn new(number: usize, update: &Update) -> Place {
        Place {
            update: number,
            variant: update.variant.clone(),
            arch: update.arch.clone(),
            version: update.version.clone(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "update {} ({} {} {})", self.update, self.variant, self.arch, self.version)
    }
}

/// One thing that is wrong with a manifest. `Display` is a fragment without a period.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Two updates for the same variant, architecture and version.
    #[error("{at} is there twice: update {first} is the same")]
    Duplicate {
        /// The later one.
        at: Place,
        /// Place of the earlier one in the file, from 0.
        first: usize,
    },
    /// It calls itself back.
    #[error("{at} is above its max_version {max}")]
    AboveMax {
        /// Where.
        at: Place,
        /// The maximum.
        max: Version,
    },
    /// Updates of one variant and architecture disagree about what is called back, so hosts would go back and forth.
    #[error("{at} has max_version {max}: expected {expected}, as update {first} has")]
    MaxDiffers {
        /// Where.
        at: Place,
        /// Its maximum.
        max: Version,
        /// The maximum of the first update of this variant and architecture.
        expected: Version,
        /// Place of that update in the file, from 0.
        first: usize,
    },
    /// Its waves are wrong.
    #[error("{at}: {problem}")]
    Waves {
        /// Where.
        at: Place,
        /// What is wrong with them.
        problem: waves::Problem,
    },
    /// A name that cannot be a target of ours.
    #[error("{at}: {field}: {error}")]
    Name {
        /// Where.
        at: Place,
        /// Which field.
        field: String,
        /// What is wrong with the name.
        error: NameError,
    },
    /// One target stands for two things.
    #[error("{at} names target {target} twice")]
    SameTarget {
        /// Where.
        at: Place,
        /// The target.
        target: String,
    },
    /// An image that is none of boot, root and hash.
    #[error("{at}: {field} has unknown image {image:?}: expected boot, root or hash")]
    UnknownImage {
        /// Where.
        at: Place,
        /// Which field.
        field: String,
        /// Its name.
        image: String,
    },
    /// An object of ours whose format is not known here, so nothing in it was checked.
    #[error("{at} has an updog object of format {format}: expected 1")]
    NewerFormat {
        /// Where.
        at: Place,
        /// The format.
        format: u64,
    },
    /// Two deltas for one image from one release.
    #[error("{at} has two deltas for {image} from release {from}")]
    SameDelta {
        /// Where.
        at: Place,
        /// The image.
        image: String,
        /// The base.
        from: ReleaseId,
    },
    /// A delta from the release to itself.
    #[error("{at} has a delta for {image} from itself")]
    DeltaFromItself {
        /// Where.
        at: Place,
        /// The image.
        image: String,
    },
    /// A delta whose header has no bytes.
    #[error("{at}: delta {target} has a header of {length} bytes: expected {min} to {max}")]
    DeltaHeader {
        /// Where.
        at: Place,
        /// The delta.
        target: String,
        /// Length of its header.
        length: u64,
        /// Shortest header.
        min: u64,
        /// Longest header.
        max: u64,
    },
    /// A hop that does not go up. Going down uses the same hops in reverse.
    #[error("migration {hop} does not go up: expected a version above {}", hop.from)]
    NotForward {
        /// The hop.
        hop: Hop,
    },
    /// From its upper end no hops lead to an update.
    #[error("migration {hop} leads to no update")]
    Dangling {
        /// The hop.
        hop: Hop,
    },
    /// Hops that lead back to where they began. One for each group of versions that reach each other.
    #[error("migrations go in a circle between {}", list(.versions))]
    Cycle {
        /// The versions of the group, the lowest first.
        versions: Vec<Version>,
    },
    /// A name that cannot be a target.
    #[error("migration {hop}: {error}")]
    MigrationName {
        /// The hop.
        hop: Hop,
        /// What is wrong with the name.
        error: NameError,
    },
    /// A target that the repository does not have.
    #[error("target {target} is not in the repository: {by} names it")]
    MissingTarget {
        /// The target.
        target: String,
        /// Who names it.
        by: String,
    },
}

fn list(versions: &[Version]) -> String {
    versions.iter().map(Version::to_string).collect::<Vec<_>>().join(", ")
}
