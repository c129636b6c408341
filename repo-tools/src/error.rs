//! What can go wrong, how loudly to say so, and what to do about it.

use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use updater_core::Exit;

use crate::intent::IntentError;
use crate::role::Role;
use crate::time;

/// A failed verb.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "every field is in the sentence above it")]
pub enum Error {
    /// A file cannot be read.
    #[error("failed to read {}", path.display())]
    ReadFile { path: PathBuf, source: io::Error },
    /// A file cannot be written.
    #[error("failed to write {}", path.display())]
    WriteFile { path: PathBuf, source: io::Error },
    /// Another process writes there, or the file system has no locks.
    #[error("failed to lock {}", path.display())]
    Busy { path: PathBuf, source: io::Error },

    /// A key file cannot be read.
    #[error("failed to read key {}", path.display())]
    ReadKey { path: PathBuf, source: io::Error },
    /// A key file holds something else.
    #[error("failed to read key {}: {reason}", path.display())]
    ParseKey { path: PathBuf, reason: &'static str },
    /// Others on this machine can read a private key.
    #[error("refused key {}: expected mode 0600, found 0{mode:03o}", path.display())]
    KeyReadableByOthers { path: PathBuf, mode: u32 },
    /// A key is never overwritten.
    #[error("refused to write key {}: the file is there already", path.display())]
    KeyExists { path: PathBuf },
    /// Private keys do not belong in a folder that is copied around.
    #[error("refused to write key {}: it would lie in the working folder", path.display())]
    KeyInside { path: PathBuf },
    /// A key stays closed, is named wrongly, or lies where it cannot be reached.
    #[error(transparent)]
    Key(crate::keys::KeyError),
    /// The generator failed.
    #[error("failed to generate key {}", path.display())]
    GenerateKey { path: PathBuf },
    /// The key gave no signature.
    #[error("failed to sign with key {}", key.display())]
    Sign { key: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    /// The key signs for nothing here.
    #[error("refused key {}: no role of the root lists {id}", path.display())]
    WrongKey { path: PathBuf, id: String },
    /// A key id that the root does not know.
    #[error("failed to find key {id} in root {version}")]
    UnknownKey { id: String, version: u64 },

    /// There is no working folder.
    #[error("failed to find a working folder in {}", path.display())]
    NoFolder { path: PathBuf },
    /// There is one already.
    #[error("refused to set up {}: it is a working folder already", path.display())]
    FolderExists { path: PathBuf },
    /// A file of ours is damaged or of a later format.
    #[error("failed to read {}: {reason}", path.display())]
    ParseState { path: PathBuf, reason: String },
    /// What the repository is meant to be cannot be understood.
    #[error("failed to use {}", path.display())]
    Intent { path: PathBuf, source: IntentError },

    /// A role's file is no TUF metadata.
    #[error("failed to parse {role} metadata")]
    ParseRole { role: String, source: serde_json::Error },
    /// Cannot be written as JSON.
    #[error("failed to encode {what}")]
    Encode { what: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
    /// Too few keys for a threshold.
    #[error("refused root {version}: {role} needs {threshold} keys, found {found}")]
    TooFewKeys { version: u64, role: Role, threshold: u64, found: u64 },
    /// Born dead.
    #[error("refused {role}: it would expire at {}, which is not later than now", time::text(*expires))]
    ExpiresAtOnce { role: Role, expires: DateTime<Utc> },
    /// No root is being edited.
    #[error("failed to find a root that waits for signatures")]
    NoNextRoot,
    /// A role lacks signatures or is not made yet.
    #[error("{what} is not signed")]
    NotSigned { what: Role },
    /// The draft holds what nobody has signed.
    #[error("the draft has changes that are not signed")]
    DraftNotSigned,
    /// A delegated role does not verify.
    #[error("failed to verify delegated role {name:?}: too few valid signatures")]
    Delegation { name: String },
    /// There is no root in a metadata folder.
    #[error("failed to find a root in {}", path.display())]
    NoRoot { path: PathBuf },
    /// A role does not verify.
    #[error("failed to verify {role} under root {root}: too few valid signatures")]
    NotVerifying { role: Role, root: u64 },
    /// A root is missing in the chain.
    #[error("failed to follow the root chain: expected root {} after root {before}, found {found}", before + 1)]
    RootGap { before: u64, found: u64 },
    /// A file holds another version than its name says.
    #[error("failed to read {}: expected version {expected}, found {found}", path.display())]
    WrongVersion { path: PathBuf, expected: u64, found: u64 },
    /// The role above does not list it.
    #[error("failed to find {role} in the role above it")]
    NotListed { role: &'static str },
    /// The role above lists other bytes.
    #[error("failed to verify {}: the role above lists other bytes", path.display())]
    NotTheListed { path: PathBuf },
    /// A file that must be there is not.
    #[error("failed to find {}", path.display())]
    Absent { path: PathBuf },

    /// A release folder is wrong.
    #[error("failed to read release {}", path.display())]
    ReadRelease { path: PathBuf, source: release::folder::FolderError },
    /// An image is not the one that release.json describes.
    #[error("failed to add {}: expected {expected}, found {found}", path.display())]
    ImageDiffers { path: PathBuf, expected: String, found: String },
    /// An image cannot be made into frames.
    #[error("failed to make frames of {}", path.display())]
    Pack { path: PathBuf, source: release::payload::PackError },
    /// The version is taken.
    #[error("refused {release}: the draft has other images under this version")]
    ReleaseExists { release: String },
    /// No release, or more than one, is meant.
    #[error("failed to choose a release: {found}")]
    Choose { found: String },
    /// A name that cannot be a target.
    #[error("failed to use target name {name:?}")]
    TargetName { name: String },
    /// The manifest cannot be read or written.
    #[error("failed to use the manifest")]
    Manifest { source: release::manifest::ManifestError },
    /// The manifest says what hosts cannot follow.
    #[error("the manifest has {} problem(s): {}", problems.len(), problems.join("; "))]
    ManifestProblems { problems: Vec<String> },
    /// A wave file is wrong.
    #[error("failed to use wave policy {name}")]
    Waves { name: String, source: waves::Error },
    /// Wrong words on the command line.
    #[error("{reason}")]
    Usage { reason: String },

    /// A host would refuse it.
    #[error("the host's own check failed")]
    HostCheck { source: trust_core::Error },
    /// A host would refuse this target.
    #[error("the host's own check failed: target {name}: {reason}")]
    HostTarget { name: String, reason: String },
    /// A blob is not what was signed.
    #[error("failed to verify {}: length or digest differs from the signed one", path.display())]
    BlobDiffers { path: PathBuf },
    /// Hosts see something newer.
    #[error("refused to publish {role} {staged}: {role} {live} is live")]
    Older { role: Role, live: u64, staged: u64 },
    /// One version, two documents.
    #[error("refused to publish {role} {version}: other bytes are live under this version")]
    SameVersion { role: Role, version: u64 },
    /// Not our repository.
    #[error("refused to publish: root {version} there is not the one here")]
    OtherRepository { version: u64 },
    /// Hosts would find a root that does not fit the metadata beside it.
    #[error("refused to publish: under root {root}, {role} would not verify while the publish is on its way")]
    Rotation { role: Role, root: u64 },
    /// Hosts refuse the repository already.
    #[error("refused to refresh: {role} expired at {}", time::text(*expires))]
    Expired { role: Role, expires: DateTime<Utc> },
    /// The clock is before what was signed last.
    #[error("refused to sign: the clock says {}, the live timestamp was signed at {signed_at}", time::text(*now))]
    ClockBehind { now: DateTime<Utc>, signed_at: String },
    /// The server or the way to it failed.
    #[error("failed to fetch {what}")]
    Fetch { what: String, source: Box<dyn std::error::Error + Send + Sync> },
}

/// The error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Our results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The exit code. Exhaustive, so that a new variant is a decision.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Key(error) => error.exit(),
            Self::ReadFile { .. } | Self::WriteFile { .. } => Exit::Disk,
            Self::GenerateKey { .. } | Self::Sign { .. } | Self::Encode { .. } => Exit::Bug,
            Self::ReadKey { .. }
            | Self::ParseKey { .. }
            | Self::KeyExists { .. }
            | Self::KeyInside { .. }
            | Self::WrongKey { .. }
            | Self::UnknownKey { .. }
            | Self::NoFolder { .. }
            | Self::FolderExists { .. }
            | Self::ParseState { .. }
            | Self::Intent { .. }
            | Self::NoNextRoot
            | Self::ReadRelease { .. }
            | Self::ImageDiffers { .. }
            | Self::Pack { .. }
            | Self::Choose { .. }
            | Self::TargetName { .. }
            | Self::Manifest { .. }
            | Self::Waves { .. }
            | Self::Usage { .. } => Exit::Usage,
            Self::Fetch { .. } => Exit::Transient,
            Self::ParseRole { .. }
            | Self::NoRoot { .. }
            | Self::NotVerifying { .. }
            | Self::Delegation { .. }
            | Self::RootGap { .. }
            | Self::WrongVersion { .. }
            | Self::NotListed { .. }
            | Self::NotTheListed { .. }
            | Self::Absent { .. }
            | Self::HostCheck { .. }
            | Self::HostTarget { .. }
            | Self::BlobDiffers { .. }
            | Self::OtherRepository { .. } => Exit::Untrusted,
            Self::Busy { .. }
            | Self::KeyReadableByOthers { .. }
            | Self::TooFewKeys { .. }
            | Self::ExpiresAtOnce { .. }
            | Self::NotSigned { .. }
            | Self::DraftNotSigned
            | Self::ReleaseExists { .. }
            | Self::ManifestProblems { .. }
            | Self::Older { .. }
            | Self::SameVersion { .. }
            | Self::Rotation { .. }
            | Self::Expired { .. }
            | Self::ClockBehind { .. } => Exit::Blocked,
        }
    }

    /// The word for scripts in `--json`'s `reason`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "run_lock",
            Self::KeyReadableByOthers { .. } => "key_mode",
            Self::WrongKey { .. } | Self::UnknownKey { .. } => "key",
            Self::Key(error) => error.reason(),
            Self::NotSigned { .. } | Self::DraftNotSigned => "not_signed",
            Self::Older { .. } => "older",
            Self::Rotation { .. } => "rotation",
            Self::Expired { .. } => "expired",
            Self::ClockBehind { .. } => "clock",
            Self::ManifestProblems { .. } => "manifest",
            other => match other.exit() {
                Exit::Usage => "usage",
                Exit::Disk => "disk",
                Exit::Transient => "transient",
                Exit::Untrusted => "untrusted",
                Exit::Bug => "bug",
                _ => "blocked",
            },
        }
    }

    /// What the user can do, as a sentence without "hint:".
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Busy { .. } => {
                "another updog-repo is writing there; run it again when that one has ended".into()
            }
            Self::KeyReadableByOthers { path, .. } => format!("chmod 600 {}", path.display()),
            Self::KeyExists { .. } => "choose another file name; a key is never overwritten".into(),
            Self::KeyInside { .. } => "choose a file outside the folder given by --repo".into(),
            Self::Key(error) => error.hint()?.to_owned(),
            Self::Intent { source, .. } => return source.hint(),
            Self::NoFolder { .. } => "run \"updog-repo init\" first, or name the folder with --repo".into(),
            Self::WrongKey { .. } => "\"updog-repo root show\" lists the keys of each role".into(),
            Self::TooFewKeys { role, .. } => {
                format!(
                    "run \"updog-repo root add-key KEY --role {role}\", or lower it with \"root threshold {role} N\""
                )
            }
            Self::NoNextRoot => "run \"updog-repo root new\" first".into(),
            Self::NotSigned { .. } | Self::DraftNotSigned => "run \"updog-repo sign --key KEY\"".into(),
            Self::HostCheck { source: trust_core::Error::Expired { .. } } => {
                "run \"updog-repo sign --key KEY\": what has expired is signed anew".into()
            }
            Self::ReleaseExists { .. } => "give the new images a new version".into(),
            Self::Choose { .. } => "name one with --version, --variant and --arch".into(),
            Self::Older { role: Role::Root, .. } => {
                "this working folder is behind; use the one that published last".into()
            }
            Self::Older { role, .. } | Self::SameVersion { role, .. } => {
                format!("run \"updog-repo sign --renew {role} --key KEY\" and publish again")
            }
            Self::Rotation { .. } => {
                "sign with the old and the new keys; if the old ones are lost, publish with --accept-gap"
                    .into()
            }
            Self::Expired { role: Role::Timestamp, .. } => "add --allow-expired to bring it back".into(),
            Self::Expired { role, .. } => {
                format!("a timestamp cannot help: sign {role} anew with \"updog-repo sign\", then publish")
            }
            Self::ClockBehind { .. } => {
                "set the clock; hosts take the newest signing time for the earliest time it can be".into()
            }
            _ => return None,
        })
    }
}
