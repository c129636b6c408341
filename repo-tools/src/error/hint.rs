//! What the user can do about each error.

use std::io;

use chrono::{DateTime, TimeDelta, Utc};
use release::bundle::BundleError;
use release::manifest::{ChangeError, ManifestError};
use trust_client::Location;
use updater_core::Exit;

use super::Error;
use super::exit::{is_full, is_misnamed};
use crate::plain::Unfit;
use crate::request::gravest;
use crate::role::Role;
use crate::time;

impl Error {
    /// What the user can do, as a sentence without "hint:". Exhaustive, so that a new variant is a decision; `None` where
    /// the message itself says what is expected, or nobody but us can act.
    #[expect(clippy::too_many_lines, reason = "one arm for each next step, and nothing else")]
    pub fn hint(&self) -> Option<String> {
        if is_full(self) {
            return Some(ROOM.to_owned());
        }
        let text = match self {
            Self::Usage { .. }
            | Self::Pack { .. }
            | Self::Delta { .. }
            | Self::Encode { .. }
            | Self::GenerateKey { .. } => {
                return None;
            }
            Self::ReadFile { source, .. } if is_pipe(source) => {
                "name a regular file: write what comes through a pipe to one first"
            }
            Self::ReadFile { source, .. } if is_misnamed(source) => "name a file that is there",
            Self::WriteFile { source, .. } if is_misnamed(source) => {
                "make its folder first, or name another file"
            }
            Self::ReadFile { .. } | Self::WriteFile { .. } => {
                "check its mode, and that the disk has room and no faults; then run it again"
            }
            Self::Busy { .. } => "another updog-repo is writing there; run it again when that one has ended",

            Self::Key(error) => return error.hint().map(str::to_owned),
            Self::RefusedDelta(refusal) => return refusal.hint(),
            Self::KeyReadableByOthers { path, .. } => return Some(format!("chmod 600 {}", path.display())),
            Self::KeyExists { path, private: true } => {
                return Some(format!(
                    "a key is never overwritten: choose another file name, or let this one sign with \"updog-repo root add-key {} --role ROLES\"",
                    path.display()
                ));
            }
            Self::KeyExists { private: false, .. } => {
                "it is the public half of a key that is elsewhere: choose another file name"
            }
            Self::KeyInside { .. } => "choose a file outside of that folder",
            Self::ReadKey { .. } => "name a key file that is there and that you may read",
            Self::ParseKey { .. } => "name a key as \"updog-repo key new\" or openssl writes it",
            Self::Sign { .. } => "run \"updog-repo key show KEY\": it says whether the key can be used",
            Self::WrongKey { .. } => "\"updog-repo root show\" lists the keys of each role",
            Self::UnknownKey { .. } => {
                "\"updog-repo root show\" lists them: name a key by 8 digits of its id or more, or by its file"
            }
            Self::KeyName { holder: Some(_), .. } => "give it another name with --name",
            Self::KeyName { holder: None, .. } => "give it a name with --name",

            Self::NoFolder { .. } => "run \"updog-repo init\" first, or name the folder with --repo",
            Self::FolderExists { .. } => "go on with it, or name another folder with --repo",
            Self::ParseState { .. } => {
                "bring it back from version control, or use the updog-repo that wrote it"
            }
            Self::Intent { source, .. } => return source.hint(),
            Self::NoRepository { .. } => {
                "name a folder with metadata/ in it, an http(s) URL, s3://bucket/prefix, a bundle or a store of repo.toml"
            }
            Self::UnknownPlace { name, near } => {
                let near = near.as_ref().map(|near| format!("did you mean {near:?}? ")).unwrap_or_default();
                return Some(format!("{near}a folder to be made is typed with ./ as ./{name}"));
            }
            Self::NotLocal { place, .. } => return Some(not_local_hint(place)),

            Self::TooFewKeys { role, found, .. } => return Some(too_few_hint(*role, *found)),
            Self::SameKeyTwice { ids: [_, second], role, .. } => {
                return Some(format!("run \"updog-repo root remove-key {second} --role {role}\""));
            }
            Self::NoNextRoot => "run \"updog-repo root new\" first",
            Self::RootChain { .. } | Self::RootGap { .. } | Self::RootLost { .. } => {
                "every root is kept for good: put N.root.json back from a copy, or from a published metadata/"
            }
            Self::Requests { refused } => return gravest(refused).map(|one| one.fault.hint().to_owned()),
            Self::Unasked => "add --yes to sign what \"--dry-run\" shows",
            Self::Declined => "nothing was written; run it again to be asked again",
            Self::RequestExists { .. } => "name another file with --out, or remove that one",
            Self::OutputThere { .. } => "name another file, or remove what is there if nobody needs it",
            Self::PrivateTarget { .. } => {
                "everybody can read a target: name another file, and keep the key where only its signer can read it"
            }
            Self::DestInFolder { .. } => "name a folder that hosts may read, beside the working folder",
            Self::KeyInDest { .. } => {
                "move it to where only its signer can read it; if others could read it, replace the key: \"updog-repo root remove-key ID\""
            }
            Self::ExpiresAtOnce { .. } => "name a later time, or set the clock",
            Self::NotSigned { .. } | Self::DraftNotSigned => "run \"updog-repo sign --key KEY\"",
            Self::DelegationUnsigned { name, .. } => {
                return Some(format!("run \"updog-repo delegation sign {name} --key KEY\" with their keys"));
            }
            Self::DelegatedRole { .. } => {
                "\"updog-repo delegation list\" says what is left to whom, and what they have signed"
            }
            Self::Delegation { name } => {
                return Some(format!(
                    "sign it with its own keys: \"updog-repo delegation sign {name} --key KEY\""
                ));
            }
            Self::HostCheck { source: trust_core::Error::Expired { .. } } => {
                "check the clock; if it is right, whoever publishes it runs \"updog-repo sign --key KEY\" and publishes: what has expired is signed anew"
            }
            Self::HostCheck { .. } => "run \"updog-repo validate PLACE\": it lists all that is wrong",

            Self::ReadRelease { .. } => "name the release folder that \"updog-image build\" wrote, whole",
            Self::ImageDiffers { .. } => "the release folder is damaged: build or copy it again",
            Self::ReleaseExists { .. } | Self::VersionUsed { .. } => "give the new images a new version",
            Self::NameTaken { .. } => {
                "build it under another variant or version: a target is called VARIANT-ARCH-VERSION-IMAGE"
            }
            Self::Choose { .. } => {
                "\"updog-repo release list\" shows what is there; its version, --variant and --arch name one"
            }
            Self::NotInSource { .. } => {
                "leave out --release to take the newest; \"updog-repo report SOURCE --out DIR\" shows what is there"
            }
            Self::Change { source, .. } => return change_hint(source).map(str::to_owned),
            Self::TargetName { .. } => "rename it: a target's name is flat, of letters, digits and ._+-",
            Self::Manifest { source: ManifestError::Full { .. } } => {
                "take out what nobody needs any more: \"updog-repo release remove V\", \"updog-repo delta remove --version V --all\""
            }
            Self::Manifest { .. } => {
                "the manifest is damaged or of a later updog-repo: bring the signed one back"
            }
            Self::ManifestProblems { problems }
                if problems.iter().any(|problem| problem.contains("is above")) =>
            {
                "a release above max_version is yanked or removed first"
            }
            Self::ManifestProblems { .. } => "change what they name; until then the draft stays as it was",
            Self::Waves { .. } => {
                "name emergency, accelerated, normal, slow, a rollout of repo.toml, or a wave file"
            }

            Self::ParseRole { .. }
            | Self::WrongVersion { .. }
            | Self::NotListed { .. }
            | Self::NotTheListed { .. }
            | Self::Absent { .. }
            | Self::NoRoot { .. }
            | Self::BlobDiffers { .. }
            | Self::HostTarget { .. } => {
                "bring the file back from a copy; what is published is written anew by \"updog-repo publish DEST --from-scratch\""
            }
            Self::Bundle { source: BundleError::Short { .. }, .. } => "copy it again: the copy was cut off",
            Self::Bundle { .. } => {
                "name a file that \"updog-repo bundle SOURCE FILE\" wrote, or make it again"
            }
            Self::OtherRoot { .. } => "name with --root a root of this repository, or another source",
            Self::OtherRepository { .. } => "name the place of this repository, or an empty one",

            Self::Older { role: Role::Root, .. } => {
                "this working folder is behind; use the one that published last"
            }
            Self::Undoes { place, .. } => {
                return Some(format!(
                    "take over the working folder that published there; \"updog-repo release diff --against {place}\" compares, and --undo-others takes it all away"
                ));
            }
            Self::Older { role, .. } | Self::SameVersion { role, .. } => {
                return Some(format!(
                    "compare first: \"updog-repo release diff --against DEST\"; when what it says is meant, \"updog-repo sign --renew {role} --key KEY\" and publish"
                ));
            }
            Self::TimestampLost { .. } => {
                "run \"updog-repo sign --renew timestamp --key KEY\" and publish within the hour"
            }
            Self::Overtaken { role, root, .. } | Self::NotVerifying { role, root } => {
                return Some(format!(
                    "in the working folder that has root {root} run \"updog-repo sign --renew {role} --key KEY\" and publish it"
                ));
            }
            Self::Raced { .. } | Self::RootAppeared { .. } | Self::Vanished { .. } | Self::Moved { .. } => {
                "run it again: it starts from what is there now"
            }
            Self::PruneExpired { .. } => "publish first, or set the clock",
            Self::Rotation { .. } => {
                "sign with the old and the new keys; if the old ones are lost, publish with --accept-gap"
            }
            Self::Expired { role: Role::Timestamp, .. } => {
                "check the clock; if it is right, add --allow-expired to bring it back"
            }
            Self::Expired { role, .. } => {
                return Some(format!(
                    "a timestamp cannot help: sign {role} anew with \"updog-repo sign --key KEY\", then publish"
                ));
            }
            Self::ClockBehind { signed_at, .. } | Self::SignedBefore { live: signed_at, .. } => {
                return Some(clock_hint(*signed_at));
            }
            Self::SignedAhead { .. } => {
                "set the clock that is wrong, then \"updog-repo sign --renew timestamp --key KEY\" and publish"
            }
            Self::Store { fault, .. } => fault.kind.hint(),
            Self::NotMetadata(source) => return source.hint().map(str::to_owned),
            Self::Fetch { source, .. } => fetch_hint(self.exit(), source.as_ref()),
        };
        Some(text.to_owned())
    }
}

fn is_pipe(error: &io::Error) -> bool {
    matches!(Unfit::of(error), Some(Unfit::Kind { .. })) && error.kind() != io::ErrorKind::IsADirectory
}

/// Whatever was written: the disk is to blame, and nothing that was named.
const ROOM: &str = "make room on that disk, or raise the quota; then run it again";

/// Where a copy can go that may not go there.
fn not_local_hint(place: &Location) -> String {
    if place.scheme().is_some_and(|scheme| scheme.eq_ignore_ascii_case("s3")) {
        return format!("mirror into a folder and copy that to {place}, metadata/timestamp.json last");
    }
    "name a folder of this machine".to_owned()
}

/// Hosts take the newest signing time for the earliest time it can be.
fn clock_hint(signed_at: DateTime<Utc>) -> String {
    format!(
        "set the clock; if that earlier signature was made by a wrong one, sign on from there: --clock {}",
        time::text(signed_at + TimeDelta::seconds(1))
    )
}

/// What to do where a file was not fetched: the client's own words, where it has some, go before what is always worth a look.
fn fetch_hint(exit: Exit, source: &(dyn std::error::Error + Send + Sync + 'static)) -> &'static str {
    let own = || source.downcast_ref().and_then(trust_client::Error::hint);
    match exit {
        Exit::Usage => denied_hint(source),
        Exit::Untrusted => {
            own().unwrap_or("no repository answers so: check the URL, and whom it belongs to now")
        }
        _ => own().unwrap_or("check the URL and the network, then run the same command again"),
    }
}

/// What to do at a server that serves this to others, or to nobody.
fn denied_hint(source: &(dyn std::error::Error + Send + Sync + 'static)) -> &'static str {
    match source.downcast_ref() {
        Some(trust_client::Error::Denied { status: 401, .. }) => {
            "the server wants a name and a password: https://NAME:PASSWORD@HOST/, or others than these"
        }
        Some(trust_client::Error::Denied { status: 407, .. }) => {
            "the proxy wants a name and a password: set them in HTTPS_PROXY or HTTP_PROXY"
        }
        _ => {
            "check the URL, the name and password in it, and what the server or the bucket's policy lets you read; a bucket that you may not list answers 403 for what is not there, too"
        }
    }
}

fn too_few_hint(role: Role, found: u64) -> String {
    let add = format!("run \"updog-repo root add-key KEY --role {role}\"");
    if found == 0 { add } else { format!("{add}, or \"updog-repo root threshold {role} {found}\"") }
}

fn change_hint(error: &ChangeError) -> Option<&'static str> {
    Some(match error {
        ChangeError::Paused { .. } => {
            "run \"updog-repo waves resume V --reason WHY\" first, or give it new waves with \"updog-repo waves set POLICY --version V --restart --reason WHY\""
        }
        ChangeError::Halted { .. } | ChangeError::NoTimes => {
            "give it new waves with \"updog-repo waves set POLICY --version V --restart --reason WHY\""
        }
        ChangeError::BeforePause { .. } => "set the clock",
        ChangeError::NotOurs => "add it again with \"updog-repo release add DIR\"",
        ChangeError::Waves(_) => "choose a factor that leaves times between now and the year 9999",
        // Of another crate, and open to new variants: their own words must do.
        _ => return None,
    })
}
