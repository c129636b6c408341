//! What a host is, as far as choosing a release goes.

use semver::Version;
use waves::Seed;

/// The host that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Flavour of the system, compared for equality.
    pub variant: String,
    /// CPU architecture, compared for equality.
    pub arch: String,
    /// The version that runs.
    pub version: Version,
    /// Its place in every rollout.
    pub seed: Seed,
}
