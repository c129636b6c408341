//! What the command line adds to the configuration for one update.

use std::num::NonZeroU64;
use std::path::PathBuf;

use semver::Version;

/// The options of `check`, `plan`, `stage` and `apply`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one option of the command line")]
pub struct Options {
    /// This version and no other.
    pub to: Option<Version>,
    /// Only when this is the version that is open by all rules; the daemon's clients have chosen it.
    pub expect: Option<Version>,
    /// Keep no record of the look: who only reads is not to change when a host asks next.
    pub aside: bool,
    /// Every release of the manifest is asked about, not only those that this host could have.
    pub whole: bool,
    /// Do not wait for this host's turn.
    pub ignore_waves: bool,
    /// Also a release that failed here.
    pub retry: bool,
    /// Also the running version.
    pub reinstall: bool,
    /// Also a lower version.
    pub allow_downgrade: bool,
    /// A bundle, or a folder with a copy of the repository (`metadata/`, `targets/`), instead of the network.
    pub bundle: Option<PathBuf>,
    /// Bytes a second, instead of the configured limit.
    pub limit_rate: Option<NonZeroU64>,
}
