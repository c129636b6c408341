//! What doctor can find.

use std::fmt;

use serde::Serialize;

use crate::role::Role;

/// One thing that is wrong, or soon will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its kind.
    pub kind: Kind,
    /// The role it is about, if it is about one.
    pub role: Option<Role>,
    /// What exactly, a fragment for people.
    pub what: String,
    /// What to do about it, a fragment for people.
    pub fix: String,
}

/// Kinds of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A role has expired: hosts refuse the repository.
    Expired,
    /// A role expires within its margin.
    Expiring,
    /// All keys of a role must sign: one that is lost ends it.
    ThresholdEqualsKeys,
    /// One stolen root key is enough to take the repository over.
    RootThresholdOne,
    /// A key that stands in all four roles.
    OneKeyForAll,
    /// Others on this machine can read a private key.
    KeyMode,
    /// A private key lies in the working folder, which is copied around.
    KeyInside,
    /// A key that `repo.toml` or the command line names is not there or is none.
    KeyUnreadable,
    /// Changes that nobody has signed.
    Unsigned,
    /// The clock is before the last signature.
    Clock,
    /// A blob that the draft or the signed targets name is not there.
    BlobMissing,
    /// A blob has another length than the one that is named.
    BlobLength,
    /// The chain of roots is broken.
    RootChain,
    /// What is, is not what `repo.toml` says.
    Intent,
    /// The stage is not what was signed last.
    StageStale,
    /// The manifest says what hosts cannot follow.
    Manifest,
    /// A file of the working folder cannot be understood.
    Unreadable,
}

impl Kind {
    /// All kinds, in the order in which they are listed.
    pub const ALL: [Self; 17] = [
        Self::Unreadable,
        Self::RootChain,
        Self::Clock,
        Self::Expired,
        Self::Expiring,
        Self::KeyMode,
        Self::KeyInside,
        Self::KeyUnreadable,
        Self::RootThresholdOne,
        Self::ThresholdEqualsKeys,
        Self::OneKeyForAll,
        Self::Intent,
        Self::BlobMissing,
        Self::BlobLength,
        Self::Manifest,
        Self::Unsigned,
        Self::StageStale,
    ];

    /// The word for scripts and for `doctor.accept`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Expiring => "expiring",
            Self::ThresholdEqualsKeys => "threshold_equals_keys",
            Self::RootThresholdOne => "root_threshold_one",
            Self::OneKeyForAll => "one_key_for_all",
            Self::KeyMode => "key_mode",
            Self::KeyInside => "key_inside",
            Self::KeyUnreadable => "key_unreadable",
            Self::Unsigned => "unsigned",
            Self::Clock => "clock",
            Self::BlobMissing => "blob_missing",
            Self::BlobLength => "blob_length",
            Self::RootChain => "root_chain",
            Self::Intent => "intent",
            Self::StageStale => "stage_stale",
            Self::Manifest => "manifest",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Finding {
    pub(super) fn new(kind: Kind, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { kind, role: None, what: what.into(), fix: fix.into() }
    }

    pub(super) fn of(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
    }
}
