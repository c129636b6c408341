//! What each error ends with.

use std::io;

use release::bundle::BundleError;
use release::manifest::ManifestError;
use trust_core::Class;
use updater_core::Exit;

use super::Error;
use crate::plain::Unfit;
use crate::request::gravest;
use crate::store::{Fault, FaultKind};

impl Error {
    /// The exit code. Exhaustive, so that a new variant is a decision.
    #[expect(clippy::too_many_lines, reason = "one line for each variant, to be read as a table")]
    pub fn exit(&self) -> Exit {
        if is_full(self) {
            return Exit::Disk;
        }
        match self {
            Self::Key(error) => error.exit(),
            Self::RefusedDelta(refusal) => refusal.exit(),
            Self::Store { fault, .. } if fault.kind.is_transient() => Exit::Transient,
            // What was named is not there; a file of ours that is not there is `Absent`.
            Self::ReadFile { source, .. } | Self::WriteFile { source, .. } if is_misnamed(source) => {
                Exit::Usage
            }
            Self::ReadFile { .. }
            | Self::WriteFile { .. }
            | Self::Bundle { source: BundleError::Io(_), .. } => Exit::Disk,
            Self::GenerateKey { .. }
            | Self::Sign { .. }
            | Self::Encode { .. }
            | Self::Store { fault: Fault { kind: FaultKind::Bug, .. }, .. } => Exit::Bug,
            Self::ReadKey { .. }
            | Self::ParseKey { .. }
            | Self::KeyExists { .. }
            | Self::KeyInside { .. }
            | Self::WrongKey { .. }
            | Self::UnknownKey { .. }
            | Self::NoFolder { .. }
            | Self::FolderExists { .. }
            | Self::NoRepository { .. }
            | Self::UnknownPlace { .. }
            | Self::NotLocal { .. }
            | Self::ParseState { .. }
            | Self::Intent { .. }
            | Self::NoNextRoot
            | Self::ReadRelease { .. }
            | Self::ImageDiffers { .. }
            | Self::Pack { .. }
            | Self::Delta { .. }
            | Self::Choose { .. }
            | Self::NotInSource { .. }
            | Self::TargetName { .. }
            | Self::Waves { .. }
            | Self::Store { .. }
            | Self::KeyName { .. }
            | Self::Unasked
            | Self::RequestExists { .. }
            | Self::OutputThere { .. }
            | Self::DestInFolder { .. }
            | Self::Usage { .. } => Exit::Usage,
            Self::Manifest { source } => of_manifest(source),
            Self::Requests { refused } => gravest(refused).map_or(Exit::Bug, |one| one.fault.exit()),
            Self::Fetch { source, .. } => fetched(source.as_ref()),
            Self::Vanished { .. } => Exit::Transient,
            Self::ParseRole { .. }
            | Self::NoRoot { .. }
            | Self::NotVerifying { .. }
            | Self::Overtaken { .. }
            | Self::Delegation { .. }
            | Self::RootGap { .. }
            | Self::RootChain { .. }
            | Self::RootLost { .. }
            | Self::WrongVersion { .. }
            | Self::NotListed { .. }
            | Self::NotTheListed { .. }
            | Self::Absent { .. }
            | Self::HostCheck { .. }
            | Self::NotMetadata(_)
            | Self::HostTarget { .. }
            | Self::BlobDiffers { .. }
            | Self::Bundle { .. }
            | Self::OtherRoot { .. }
            | Self::OtherRepository { .. } => Exit::Untrusted,
            Self::Busy { .. }
            | Self::KeyReadableByOthers { .. }
            | Self::PrivateTarget { .. }
            | Self::KeyInDest { .. }
            | Self::TooFewKeys { .. }
            | Self::SameKeyTwice { .. }
            | Self::Declined
            | Self::ExpiresAtOnce { .. }
            | Self::NotSigned { .. }
            | Self::DraftNotSigned
            | Self::ReleaseExists { .. }
            | Self::VersionUsed { .. }
            | Self::NameTaken { .. }
            | Self::Change { .. }
            | Self::ManifestProblems { .. }
            | Self::Older { .. }
            | Self::Undoes { .. }
            | Self::TimestampLost { .. }
            | Self::SignedBefore { .. }
            | Self::SignedAhead { .. }
            | Self::SameVersion { .. }
            | Self::Raced { .. }
            | Self::RootAppeared { .. }
            | Self::Moved { .. }
            | Self::PruneExpired { .. }
            | Self::Rotation { .. }
            | Self::Expired { .. }
            | Self::DelegatedRole { .. }
            | Self::ClockBehind { .. } => Exit::Blocked,
            Self::DelegationUnsigned { .. } => Exit::MustWait,
        }
    }

    /// The word for scripts in `--json`'s `reason`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "run_lock",
            Self::KeyReadableByOthers { .. } => "key_mode",
            Self::WrongKey { .. }
            | Self::UnknownKey { .. }
            | Self::KeyName { .. }
            | Self::SameKeyTwice { .. }
            | Self::PrivateTarget { .. }
            | Self::KeyInDest { .. } => "key",
            Self::Requests { .. } => "request",
            Self::Key(error) => error.reason(),
            Self::NotSigned { .. } | Self::DraftNotSigned => "not_signed",
            Self::Older { .. } | Self::TimestampLost { .. } => "older",
            Self::Undoes { .. } => "others",
            Self::Raced { .. } | Self::RootAppeared { .. } | Self::Moved { .. } => "raced",
            Self::Rotation { .. } | Self::Overtaken { .. } => "rotation",
            Self::Expired { .. } | Self::PruneExpired { .. } => "expired",
            Self::ClockBehind { .. } | Self::SignedBefore { .. } | Self::SignedAhead { .. } => "clock",
            Self::DelegationUnsigned { .. } => "signatures",
            Self::ManifestProblems { .. } | Self::Manifest { source: ManifestError::Full { .. } } => {
                "manifest"
            }
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
}

impl Error {
    /// Whether a server that may not say more says of a file that need not be there that it is not.
    pub(crate) fn may_mean_absent(&self) -> bool {
        let Self::Fetch { source, .. } = self else { return false };
        source.downcast_ref().is_some_and(trust_client::Error::may_mean_absent)
    }
}

/// A manifest that is full is no mistake of whoever typed something.
fn of_manifest(source: &ManifestError) -> Exit {
    if matches!(source, ManifestError::Full { .. }) { Exit::Blocked } else { Exit::Usage }
}

/// By what the way to a server said: who asks without a right to has to change what was typed, and what no honest server
/// answers is not to be trusted.
fn fetched(source: &(dyn std::error::Error + Send + Sync + 'static)) -> Exit {
    match source.downcast_ref::<trust_client::Error>() {
        Some(trust_client::Error::Denied { .. }) => Exit::Usage,
        Some(error) if error.classify() == Class::Untrusted => Exit::Untrusted,
        _ => Exit::Transient,
    }
}

/// Whether a disk had no room for it, whatever was being written.
pub(super) fn is_full(error: &Error) -> bool {
    use std::error::Error as _;
    let mut cause = error.source();
    while let Some(error) = cause {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether a path leads nowhere, or to what cannot be meant, rather than to a disk that fails.
pub(super) fn is_misnamed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    ) || Unfit::of(error).is_some()
}
