//! What can go wrong, how loudly to say so, and what to do about it.

mod exit;
mod hint;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use release::bundle::BundleError;
use release::manifest::ChangeError;
use trust_client::Location;

use crate::intent::IntentError;
use crate::request::Refused;
use crate::role::Role;
use crate::store::Fault;
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
    KeyExists { path: PathBuf, private: bool },
    /// Private keys do not belong in a folder that is copied around, or that hosts read.
    #[error("refused to write key {}: it would lie in {}, {what}", path.display(), dir.display())]
    KeyInside { path: PathBuf, dir: PathBuf, what: &'static str },
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
    #[error("refused key {}: {}", path.display(), unlisted(*role, listed, id))]
    WrongKey { path: PathBuf, id: String, role: Role, listed: Vec<Role> },
    /// A key id that the root does not know.
    #[error("failed to find key {id} in root {version}")]
    UnknownKey { id: String, version: u64 },

    /// There is no working folder.
    #[error("failed to find a working folder in {}", path.display())]
    NoFolder { path: PathBuf },
    /// There is one already.
    #[error("refused to set up {}: it is a working folder already", path.display())]
    FolderExists { path: PathBuf },
    /// There is no repository to read.
    #[error("failed to find metadata/ in {place}")]
    NoRepository { place: Location },
    /// A word that may be a store's name, typed wrongly.
    #[error("failed to find {name:?}: repo.toml names no such store, and no such folder is there")]
    UnknownPlace { name: String, near: Option<String> },
    /// What lies on this machine alone was to be written elsewhere.
    #[error("refused to write {what} to {place}: expected a folder")]
    NotLocal { what: &'static str, place: Location },
    /// A file of ours is damaged or of a later format.
    #[error("failed to read {}: {reason}", path.display())]
    ParseState { path: PathBuf, reason: String },
    /// What the repository is meant to be cannot be understood.
    #[error("failed to use {}", path.display())]
    Intent { path: PathBuf, source: IntentError },

    /// A role's file is no TUF metadata.
    #[error("failed to parse {role} metadata{}", place.as_ref().map_or(String::new(), |place| format!(" in {place}")))]
    ParseRole { role: String, place: Option<Location>, source: serde_json::Error },
    /// Cannot be written as JSON.
    #[error("failed to encode {what}")]
    Encode { what: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
    /// Too few keys for a threshold.
    #[error("refused root {version}: {role} needs {threshold} keys, found {found}")]
    TooFewKeys { version: u64, role: Role, threshold: u64, found: u64 },
    /// One person's key must not count for two.
    #[error("refused root {version}: {role} lists one key under two ids, {} and {}", ids[0], ids[1])]
    SameKeyTwice { version: u64, role: Role, ids: [String; 2] },
    /// A name that is none, or taken.
    #[error("refused key name {name:?}: {}", holder.as_ref().map_or("expected up to 64 of A-Z a-z 0-9 . _ @ + -".to_owned(), |id| format!("key {id} has it")))]
    KeyName { name: String, holder: Option<String> },
    /// Requests or answers that are not what they must be.
    #[error("refused {}", refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; refused "))]
    Requests { refused: Vec<Refused> },
    /// Nobody could say yes.
    #[error("refused to sign unasked: standard input is no terminal")]
    Unasked,
    /// The signer said no.
    #[error("not signed: the answer was no")]
    Declined,
    /// A request is never written over another file.
    #[error("refused to write {}: another file is there", path.display())]
    RequestExists { path: PathBuf },
    /// What we did not write is not written over.
    #[error("refused to write {}: expected no file or {expected}, found {found}", path.display())]
    OutputThere { path: PathBuf, expected: &'static str, found: &'static str },
    /// A target is read by everybody.
    #[error("refused target {name}: it holds a private key")]
    PrivateTarget { name: String },
    /// Hosts would read the working folder.
    #[error("refused to write to {}: it {how} the working folder {}", dest.display(), dir.display())]
    DestInFolder { dest: PathBuf, how: &'static str, dir: PathBuf },
    /// Hosts would read the key.
    #[error("refused to write to {}: the private key {} lies there", dest.display(), key.display())]
    KeyInDest { dest: PathBuf, key: PathBuf },
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
    /// Hosts could not read what is left to this role.
    #[error("delegated role {name:?} needs {} more signature(s), from: {}", lacks.signatures, lacks.keys.join(" "))]
    DelegationUnsigned { name: String, lacks: crate::delegated::Lacks },
    /// A delegated role cannot be so.
    #[error("refused delegated role {name:?}: {reason}")]
    DelegatedRole { name: String, reason: String },
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
    /// A root that its predecessor, or itself, does not vouch for.
    #[error(
        "failed to follow the root chain: root {version} needs {missing} more signature(s) by keys of root {under}"
    )]
    RootChain { version: u64, under: u64, missing: u64 },
    /// A root of the chain is not there.
    #[error("failed to follow the root chain: {} is missing", path.display())]
    RootLost { path: PathBuf },
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
    /// The version was given out.
    #[error("refused {release}: expected release {before}, which had this version before, found {found}")]
    VersionUsed { release: String, before: release::ReleaseId, found: release::ReleaseId },
    /// Two would have one target.
    #[error("refused {release}: its target {name} is already that of {holder}")]
    NameTaken { release: String, name: String, holder: String },
    /// A delta cannot be made.
    #[error("failed to make a delta of {}", path.display())]
    Delta { path: PathBuf, source: release::delta::WriteError },
    /// A delta is refused.
    #[error(transparent)]
    RefusedDelta(crate::delta::Refusal),
    /// No release, or more than one, is meant.
    #[error("failed to choose a release: {found}")]
    Choose { found: String },
    /// A release that a copy should hold is not there.
    #[error("failed to choose a release: {found}")]
    NotInSource { found: String },
    /// A release cannot be changed so.
    #[error("refused to change {release}")]
    Change { release: String, source: ChangeError },
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
    /// A file is no bundle that can be read or written.
    #[error("failed to use bundle {}", path.display())]
    Bundle { path: PathBuf, source: BundleError },
    /// The source does not lead to the root that is trusted.
    #[error("refused the source: its root {version} is not the one that you trust")]
    OtherRoot { version: u64 },
    /// Hosts see something newer.
    #[error("refused to publish {role} {staged}: {role} {live} is live")]
    Older { role: Role, live: u64, staged: u64 },
    /// The publish would take back what others did.
    #[error(
        "refused to publish to {place}: targets {targets} there were made elsewhere, and this would undo: {}",
        undone.join("; ")
    )]
    Undoes { place: String, targets: u64, undone: Vec<String> },
    /// Nobody knows which timestamp hosts have seen last.
    #[error(
        "refused to publish timestamp {staged}: timestamp.json is gone, and hosts may have seen a later one"
    )]
    TimestampLost { staged: u64 },
    /// Hosts would be told an earlier time.
    #[error("refused to publish: the timestamp was signed at {}, the live one at {}", time::text(*signed_at), time::text(*live))]
    SignedBefore { signed_at: DateTime<Utc>, live: DateTime<Utc> },
    /// One of two clocks is wrong.
    #[error("refused to publish: the timestamp was signed at {}, the clock here says {}", time::text(*signed_at), time::text(*now))]
    SignedAhead { signed_at: DateTime<Utc>, now: DateTime<Utc> },
    /// One version, two documents.
    #[error("refused to publish {role} {version}: other bytes lie there under this version")]
    SameVersion { role: Role, version: u64 },
    /// Two publishers at once.
    #[error("refused to publish to {place}: another publisher was first with timestamp {live}")]
    Raced { place: String, live: u64 },
    /// A rotation ended while this run was at work.
    #[error("refused to publish to {place}: another publisher showed root {root} meanwhile")]
    RootAppeared { place: String, root: u64 },
    /// A rotation and another publisher at once; each has written what it wanted.
    #[error(
        "hosts refuse {place} now: {role} {version} does not verify under root {root}, which was shown meanwhile"
    )]
    Overtaken { place: String, role: Role, version: u64, root: u64 },
    /// A publish and a prune at once.
    #[error("stopped pruning {place}: timestamp.json changed meanwhile")]
    Moved { place: String },
    /// Either the clock is wrong or hosts refuse this repository already.
    #[error("refused to prune: {role} expired at {}, or the clock is ahead", time::text(*expires))]
    PruneExpired { role: Role, expires: DateTime<Utc> },
    /// Something removed a blob while it was being published.
    #[error("failed to publish to {place}: {name} is gone again")]
    Vanished { place: String, name: String },
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
    #[error("refused to sign: the clock says {}, the live timestamp was signed at {}", time::text(*now), time::text(*signed_at))]
    ClockBehind { now: DateTime<Utc>, signed_at: DateTime<Utc> },
    /// A bucket refused or failed.
    #[error("failed to {what}: {fault}")]
    Store { what: String, fault: Fault },
    /// The server answers with something else.
    #[error(transparent)]
    NotMetadata(trust_client::Error),
    /// The server or the way to it failed.
    #[error("failed to fetch {what}")]
    Fetch { what: String, source: Box<dyn std::error::Error + Send + Sync> },
}

impl Error {
    /// Whether what was read is refused, rather than not to be had: a problem of the repository, where those are listed.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::HostCheck { .. } | Self::NotMetadata(_))
    }

    /// A file that somebody named and that is not there.
    pub(crate) fn misnamed(path: &Path) -> Self {
        Self::ReadFile { path: path.to_owned(), source: io::ErrorKind::NotFound.into() }
    }
}

/// Where a key stands that should stand elsewhere.
fn unlisted(role: Role, listed: &[Role], id: &str) -> String {
    if listed.is_empty() {
        return format!("no role of the root lists {id}");
    }
    let listed: Vec<&str> = listed.iter().map(|role| role.name()).collect();
    format!("role {role} does not list {id}; it is listed for {}", listed.join(", "))
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
