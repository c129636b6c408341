//! What is wanted of a host: configuration and command line, already merged.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use partition_core::Tries;
use semver::{Version, VersionReq};

use crate::{Reason, Refusal, Strategy, Window, range};

/// What the host may do, by whose wish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one option of the command line, named as there")]
pub struct Policy {
    /// How far the host goes by itself.
    pub mode: Mode,
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
    /// Who else decides when it does.
    pub strategy: Strategy,
    /// Tries of a trial and of a confirmed slot.
    pub tries: Tries,
}

impl Policy {
    /// Whether a version is asked for by name, by `--to` or the lock, so that any release may be the one.
    pub fn names_a_version(&self) -> bool {
        self.wanted() != Wanted::Any
    }

    /// Which versions are wanted, and by what.
    pub(crate) fn wanted(&self) -> Wanted<'_> {
        match (&self.to, &self.version_lock) {
            (Some(to), _) => Wanted::Version(to, "--to"),
            (None, VersionLock::Exact(version)) => Wanted::Version(version, "version_lock"),
            (None, VersionLock::Matching(range)) => Wanted::Range(range),
            (None, VersionLock::Current) => Wanted::Running,
            (None, VersionLock::Latest) => Wanted::Any,
        }
    }
}

/// Which versions are wanted: `--to` goes over the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted<'a> {
    /// The newest that is open.
    Any,
    /// This one, and by what it is named.
    Version(&'a Version, &'static str),
    /// One of these.
    Range(&'a VersionReq),
    /// The one that runs.
    Running,
}

impl Wanted<'_> {
    /// Whether this version is one of them, for a host that runs `running`.
    pub(crate) fn takes(self, version: &Version, running: &Version) -> bool {
        match self {
            Wanted::Any => true,
            Wanted::Version(wanted, _) => version == wanted,
            Wanted::Range(range) => range.matches(version),
            Wanted::Running => version == running,
        }
    }

    /// Whether a host that runs `running` has to leave it for what is wanted, though that may be lower.
    pub(crate) fn leaves(self, running: &Version) -> bool {
        match self {
            Wanted::Any | Wanted::Running => false,
            Wanted::Version(..) => true,
            // A host within the range does not go down for another one in it.
            Wanted::Range(range) => !range.matches(running),
        }
    }
}

/// How far a host goes by itself: `auto`, and nothing that is typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// It does not even look.
    Off,
    /// It looks, so that somebody can be told.
    Check,
    /// It writes what is open to the other slot; arming is left to others.
    Stage,
    /// It arms what is open, and restarts when it may.
    #[default]
    Apply,
}

impl Mode {
    /// All of them, by how far they go.
    pub const ALL: [Mode; 4] = [Mode::Off, Mode::Check, Mode::Stage, Mode::Apply];

    /// As in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mode::Off => "off",
            Mode::Check => "check",
            Mode::Stage => "stage",
            Mode::Apply => "apply",
        }
    }

    /// The host does not go further by itself.
    pub(crate) fn leaves(self, what: &str) -> Refusal {
        Refusal::new(Reason::Mode, format!("{what} (mode = {:?})", self.as_str()))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One of the four words.
impl FromStr for Mode {
    type Err = ParseMode;

    fn from_str(text: &str) -> Result<Mode, ParseMode> {
        let known = Mode::ALL.into_iter().find(|mode| mode.as_str() == text);
        known.ok_or_else(|| ParseMode(text.to_owned()))
    }
}

/// The text is no mode.
#[derive(Debug, thiserror::Error)]
#[error("expected off, check, stage or apply, found {0:?}")]
pub struct ParseMode(String);

/// Which versions a host may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VersionLock {
    /// The newest that is open.
    #[default]
    Latest,
    /// None but the one that runs.
    Current,
    /// This one.
    Exact(Version),
    /// The newest that is open and matches. Pre-releases match only where the requirement names one (Cargo's rules).
    Matching(VersionReq),
}

/// `latest`, `current`, a version with or without a leading `v`, or a requirement with an operator (`~1.2`, `>=1, <2`, `1.*`).
impl FromStr for VersionLock {
    type Err = ParseLock;

    fn from_str(text: &str) -> Result<VersionLock, ParseLock> {
        match text {
            "latest" => return Ok(VersionLock::Latest),
            "current" => return Ok(VersionLock::Current),
            _ => {}
        }
        let wrong = |source| ParseLock::Read { text: text.to_owned(), source };
        // Without an operator "1.2" would mean ^1.2 to one reader and 1.2.0 to another.
        if text.contains(OPERATORS) {
            let range = text.parse().map_err(wrong)?;
            if let Some((one, other)) = range::contradiction(&range) {
                return Err(ParseLock::Empty { text: text.to_owned(), one, other });
            }
            return Ok(VersionLock::Matching(range));
        }
        text.strip_prefix('v').unwrap_or(text).parse().map(VersionLock::Exact).map_err(wrong)
    }
}

impl fmt::Display for VersionLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VersionLock::Latest => f.write_str("latest"),
            VersionLock::Current => f.write_str("current"),
            VersionLock::Exact(version) => version.fmt(f),
            VersionLock::Matching(range) => range.fmt(f),
        }
    }
}

const OPERATORS: [char; 6] = ['~', '^', '=', '<', '>', '*'];

/// The text is no version lock.
#[derive(Debug, thiserror::Error)]
pub enum ParseLock {
    /// It is none of the forms.
    #[error(
        "{text:?} is no version lock: expected \"latest\", \"current\", a version, or a requirement such as \"~1.2\" or \">=1, <2\""
    )]
    Read {
        /// What was typed.
        text: String,
        /// Why.
        source: semver::Error,
    },
    /// No version can ever match.
    #[error("{text:?} matches no version: {one} and {other} exclude each other")]
    Empty {
        /// What was typed.
        text: String,
        /// One part.
        one: String,
        /// The part that cannot go with it.
        other: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_are_words_versions_or_requirements() {
        let read = |text: &str| text.parse::<VersionLock>().ok().map(|lock| lock.to_string());
        assert_eq!(read("latest").as_deref(), Some("latest"));
        assert_eq!(read("current").as_deref(), Some("current"));
        assert_eq!(read("v1.2.3").as_deref(), Some("1.2.3"));
        assert_eq!(read("1.2.3-rc.1+b").as_deref(), Some("1.2.3-rc.1+b"));
        assert_eq!(read("~1.2").as_deref(), Some("~1.2"));
        assert_eq!(read(">=1, <2").as_deref(), Some(">=1, <2"));
        assert_eq!(read("1.*").as_deref(), Some("1.*"));
        for text in ["", "v", "Latest", "1.2", "vv1.2.3", "~", ">=1 <2", "=v1.2.3", ">=2, <1"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
