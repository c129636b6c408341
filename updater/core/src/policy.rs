//! What is wanted of a host: configuration and command line, already merged.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use partition_core::Tries;
use semver::Version;

use crate::Window;

/// What the host may do, by whose wish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one option of the command line, named as there")]
pub struct Policy {
    /// Which version the configuration holds the host to.
    pub version_lock: VersionLock,
    /// `--to`: this version and no other; goes over the lock.
    pub to: Option<Version>,
    /// Do not wait for this host's turn. A pause still holds, unless `to` names the release as well.
    pub ignore_waves: bool,
    /// Also a release that failed here before.
    pub retry: bool,
    /// Also the running version.
    pub reinstall: bool,
    /// Also a lower version, when it is named (`to`, lock) or when the running one was called back.
    pub allow_downgrade: bool,
    /// How long after its turn a release is left to others first.
    pub soak: TimeDelta,
    /// When the host may restart by itself; empty: always.
    pub windows: Vec<Window>,
    /// Tries of a trial and of a confirmed slot.
    pub tries: Tries,
}

impl Policy {
    /// The one version that is wanted, and by what.
    pub(crate) fn wanted(&self) -> Option<(&Version, &'static str)> {
        match (&self.to, &self.version_lock) {
            (Some(to), _) => Some((to, "--to")),
            (None, VersionLock::Exact(version)) => Some((version, "version_lock")),
            (None, VersionLock::Latest) => None,
        }
    }
}

/// Which versions a host may have: the newest one, or exactly one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VersionLock {
    /// The newest that is open.
    #[default]
    Latest,
    /// This one.
    Exact(Version),
}

/// `latest`, or a version with or without a leading `v`.
impl FromStr for VersionLock {
    type Err = ParseLock;

    fn from_str(text: &str) -> Result<VersionLock, ParseLock> {
        if text == "latest" {
            return Ok(VersionLock::Latest);
        }
        let version = text.strip_prefix('v').unwrap_or(text);
        version.parse().map(VersionLock::Exact).map_err(|source| ParseLock { text: text.to_owned(), source })
    }
}

impl fmt::Display for VersionLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VersionLock::Latest => f.write_str("latest"),
            VersionLock::Exact(version) => version.fmt(f),
        }
    }
}

/// The text is no version lock.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is no version lock: expected \"latest\" or a version")]
pub struct ParseLock {
    text: String,
    source: semver::Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_are_latest_or_a_version_with_or_without_v() {
        let read = |text: &str| text.parse::<VersionLock>().ok().map(|lock| lock.to_string());
        assert_eq!(read("latest").as_deref(), Some("latest"));
        assert_eq!(read("v1.2.3").as_deref(), Some("1.2.3"));
        assert_eq!(read("1.2.3-rc.1+b").as_deref(), Some("1.2.3-rc.1+b"));
        for text in ["", "v", "Latest", "1.2", "vv1.2.3", "current"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
