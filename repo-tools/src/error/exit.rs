//! What each error ends with.

use release::bundle::BundleError;
use release::manifest::ChangeError;
use updater_core::Exit;

use super::Error;
use crate::request::gravest;
use crate::role::Role;

impl Error {
    /// The exit code. Exhaustive, so that a new variant is a decision.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Key(error) => error.exit(),
            Self::Store { fault, .. } if fault.kind.is_transient() => Exit::Transient,
            Self::ReadFile { .. }
            | Self::WriteFile { .. }
            | Self::Bundle { source: BundleError::Io(_), .. } => Exit::Disk,
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
            | Self::Store { .. }
            | Self::KeyName { .. }
            | Self::Unasked
            | Self::RequestExists { .. }
            | Self::Usage { .. } => Exit::Usage,
            Self::Requests { refused } => gravest(refused).map_or(Exit::Bug, |one| one.fault.exit()),
            Self::Fetch { .. } | Self::Vanished { .. } => Exit::Transient,
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
            | Self::HostTarget { .. }
            | Self::BlobDiffers { .. }
            | Self::Bundle { .. }
            | Self::OtherRoot { .. }
            | Self::OtherRepository { .. } => Exit::Untrusted,
            Self::Busy { .. }
            | Self::KeyReadableByOthers { .. }
            | Self::TooFewKeys { .. }
            | Self::SameKeyTwice { .. }
            | Self::Declined
            | Self::ExpiresAtOnce { .. }
            | Self::NotSigned { .. }
            | Self::DraftNotSigned
            | Self::ReleaseExists { .. }
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
            | Self::SameKeyTwice { .. } => "key",
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
            Self::KeyExists { .. } | Self::KeyInside { .. } => return key_hint(self),
            Self::Key(error) => error.hint()?.to_owned(),
            Self::Intent { source, .. } => return source.hint(),
            Self::NoFolder { .. } => "run \"updog-repo init\" first, or name the folder with --repo".into(),
            Self::WrongKey { .. } => "\"updog-repo root show\" lists the keys of each role".into(),
            Self::TooFewKeys { role, .. } => {
                format!(
                    "run \"updog-repo root add-key KEY --role {role}\", or lower it with \"root threshold {role} N\""
                )
            }
            Self::Requests { refused } => gravest(refused)?.fault.hint().into(),
            Self::Unasked => "add --yes to sign what \"--dry-run\" shows".into(),
            Self::RequestExists { .. } => "name another file with --out, or remove that one".into(),
            Self::RootChain { .. } | Self::RootGap { .. } | Self::RootLost { .. } => {
                "every root is kept for good: put N.root.json back from a copy, or from a published metadata/"
                    .into()
            }
            Self::SameKeyTwice { ids: [_, second], role, .. } => {
                format!("run \"updog-repo root remove-key {second} --role {role}\"")
            }
            Self::NoNextRoot => "run \"updog-repo root new\" first".into(),
            Self::DelegationUnsigned { name, .. } => {
                format!("run \"updog-repo delegation sign {name} --key KEY\" with their keys")
            }
            Self::NotSigned { .. } | Self::DraftNotSigned => "run \"updog-repo sign --key KEY\"".into(),
            Self::HostCheck { source: trust_core::Error::Expired { .. } } => {
                "run \"updog-repo sign --key KEY\": what has expired is signed anew".into()
            }
            Self::ReleaseExists { .. } => "give the new images a new version".into(),
            Self::Change { source, .. } => return change_hint(source),
            Self::ManifestProblems { problems }
                if problems.iter().any(|problem| problem.contains("is above")) =>
            {
                "a release above max_version is yanked or removed first".into()
            }
            Self::Choose { .. } => "name one with --version, --variant and --arch".into(),
            Self::Older { role: Role::Root, .. } => {
                "this working folder is behind; use the one that published last".into()
            }
            Self::Overtaken { role, root, .. } | Self::NotVerifying { role, root } => {
                format!(
                    "in the working folder that has root {root} run \"updog-repo sign --renew {role} --key KEY\" and publish it"
                )
            }
            Self::Raced { .. } | Self::RootAppeared { .. } | Self::Vanished { .. } | Self::Moved { .. } => {
                "run it again: it starts from what is there now".into()
            }
            Self::Store { fault, .. } => fault.kind.hint().into(),
            Self::Bundle { source: BundleError::Short { .. }, .. } => {
                "copy it again: the copy was cut off".into()
            }
            Self::Rotation { .. } => {
                "sign with the old and the new keys; if the old ones are lost, publish with --accept-gap"
                    .into()
            }
            Self::Expired { role: Role::Timestamp, .. } => {
                "check the clock; if it is right, add --allow-expired to bring it back".into()
            }
            Self::Expired { role, .. } => {
                format!("a timestamp cannot help: sign {role} anew with \"updog-repo sign\", then publish")
            }
            other => return publish_hint(other),
        })
    }
}

/// Where a new key cannot be.
fn key_hint(error: &Error) -> Option<String> {
    Some(match error {
        Error::KeyExists { path, private: true } => {
            let path = path.display();
            format!(
                "a key is never overwritten: choose another file name, or let this one sign with \"updog-repo root add-key {path} --role ROLES\""
            )
        }
        Error::KeyExists { private: false, .. } => {
            "it is the public half of a key that is elsewhere: choose another file name".into()
        }
        Error::KeyInside { .. } => "choose a file outside of that folder".into(),
        _ => return None,
    })
}

/// What hosts see already is in the way.
fn publish_hint(error: &Error) -> Option<String> {
    Some(match error {
        Error::Undoes { place, .. } => format!(
            "take over the working folder that published there; \"updog-repo release diff --against {place}\" compares, and --undo-others takes it all away"
        ),
        Error::Older { role, .. } | Error::SameVersion { role, .. } => format!(
            "compare first: \"updog-repo release diff --against DEST\"; when what it says is meant, \"sign --renew {role} --key KEY\" and publish"
        ),
        Error::TimestampLost { .. } => {
            "run \"updog-repo sign --renew timestamp --key KEY\" and publish within the hour".into()
        }
        // Hosts take the newest signing time for the earliest time it can be.
        Error::ClockBehind { signed_at, .. } | Error::SignedBefore { live: signed_at, .. } => format!(
            "set the clock; if that earlier signature was made by a wrong one, sign on from there: --clock {}",
            crate::time::text(*signed_at + chrono::TimeDelta::seconds(1))
        ),
        Error::SignedAhead { .. } => {
            "set the clock that is wrong, then \"updog-repo sign --renew timestamp --key KEY\" and publish"
                .into()
        }
        _ => return None,
    })
}

fn change_hint(error: &ChangeError) -> Option<String> {
    Some(match error {
        ChangeError::Paused { .. } => "run \"updog-repo waves resume V\" first, or give it new waves with \"waves set POLICY --restart\"".into(),
        ChangeError::Halted { .. } | ChangeError::NoTimes => {
            "give it new waves with \"updog-repo waves set POLICY --version V --restart\"".into()
        }
        ChangeError::BeforePause { .. } => "set the clock".into(),
        _ => return None,
    })
}
