//! What can be wrong with a repository, and how loudly to say so.

use chrono::{DateTime, Utc};

use crate::role::Role;

/// Why metadata or a target was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not a signed TUF document of this role.
    #[error("failed to parse {role} metadata")]
    Parse {
        /// The role that was asked for.
        role: Role,
        /// What the JSON reader said.
        source: serde_json::Error,
    },
    /// The document says it is of another type.
    #[error("failed to read {role} metadata: expected type {expected}, found {found:?}")]
    WrongType {
        /// The role that was asked for.
        role: Role,
        /// The type that this role's documents carry.
        expected: &'static str,
        /// The type the document carries.
        found: String,
    },
    /// The document follows another major version of the specification.
    #[error("failed to read {role} metadata: expected spec_version 1.x, found {found:?}")]
    SpecVersion {
        /// The role that was asked for.
        role: Role,
        /// The version the document names.
        found: String,
    },
    /// A root document does not say who signs for one of the four roles.
    #[error("failed to read root metadata: expected keys for {missing}, found none")]
    MissingRole {
        /// The role without keys.
        missing: Role,
    },
    /// A delegation uses a name or a pattern that cannot be honoured.
    #[error("failed to read delegations of {role}: {reason}")]
    Delegation {
        /// The delegating role.
        role: Role,
        /// What was found.
        reason: String,
    },
    /// Two signatures by one key id: the specification forbids it whatever the threshold.
    #[error("failed to verify {role} metadata: key id {keyid} signs twice")]
    DuplicateSignature {
        /// The signed role.
        role: Role,
        /// The key id.
        keyid: String,
    },
    /// Too few of the role's keys signed these bytes.
    #[error("failed to verify {role} metadata: expected {threshold} valid signatures, found {valid}")]
    Signatures {
        /// The signed role.
        role: Role,
        /// Signatures needed.
        threshold: u64,
        /// Valid signatures by distinct keys of the role.
        valid: u64,
    },
    /// The metadata was good once.
    #[error("{role} metadata version {version} expired at {expires} (now {now})")]
    Expired {
        /// The expired role.
        role: Role,
        /// Its version.
        version: u64,
        /// When it expired.
        expires: DateTime<Utc>,
        /// The time it was measured against.
        now: DateTime<Utc>,
    },
    /// The repository offers something older than what was trusted before.
    #[error("{role} went back: version {trusted} was trusted, found {found}")]
    Rollback {
        /// The role that went back.
        role: Role,
        /// Version trusted before.
        trusted: u64,
        /// Version offered now.
        found: u64,
    },
    /// A role that the trusted snapshot lists is gone from the new one.
    #[error("snapshot no longer lists {role}, version {trusted} was trusted")]
    Delisted {
        /// The role that is gone.
        role: String,
        /// Version trusted before.
        trusted: u64,
    },
    /// A file carries another version than the one asked for.
    #[error("failed to accept {role} metadata: expected version {expected}, found {found}")]
    WrongVersion {
        /// The role.
        role: Role,
        /// The version asked for.
        expected: u64,
        /// The version in the file.
        found: u64,
    },
    /// More bytes than allowed.
    #[error("failed to accept {what}: expected at most {limit} bytes, found {found}")]
    TooLong {
        /// Role or target.
        what: String,
        /// The limit in bytes.
        limit: u64,
        /// The bytes that came.
        found: u64,
    },
    /// A target with another number of bytes than signed for.
    #[error("failed to accept {what}: expected {expected} bytes, found {found}")]
    WrongLength {
        /// Role or target.
        what: String,
        /// The signed length in bytes.
        expected: u64,
        /// The bytes that came.
        found: u64,
    },
    /// The digest differs.
    #[error("failed to accept {what}: {algorithm} differs (expected {expected}, found {found})")]
    WrongDigest {
        /// Role or target.
        what: String,
        /// `sha256` or `sha512`.
        algorithm: &'static str,
        /// The signed digest in hex.
        expected: String,
        /// The digest of the bytes in hex.
        found: String,
    },
    /// Digests are listed, but none that is understood.
    #[error("failed to accept {what}: expected a sha256 or sha512 digest, found none")]
    NoDigest {
        /// Role or target.
        what: String,
    },
    /// A listed digest is not hex of the right length.
    #[error("failed to read {algorithm} of {what}: expected {length} hex bytes")]
    BadDigest {
        /// Role or target.
        what: String,
        /// `sha256` or `sha512`.
        algorithm: &'static str,
        /// Length of such a digest in bytes.
        length: usize,
    },
    /// The server does not have a file that must be there.
    #[error("failed to find {role} metadata at {path}")]
    Missing {
        /// The role.
        role: Role,
        /// Its path below the metadata URL.
        path: String,
    },
    /// More root updates than any repository needs: an endless chain.
    #[error("failed to follow the root chain: expected at most {limit} updates in one run")]
    RootChain {
        /// The limit.
        limit: u32,
    },
    /// A role is not listed in the snapshot.
    #[error("failed to load {role} metadata: the snapshot does not list it")]
    NotListed {
        /// The role.
        role: Role,
    },
    /// A search visited more roles than allowed.
    #[error("failed to find {target}: expected at most {limit} delegated roles on the way")]
    TooManyRoles {
        /// The target looked for.
        target: String,
        /// The limit.
        limit: usize,
    },
    /// A target name that must not become a URL or a file name.
    #[error("failed to use target name {name:?}: expected plain path parts")]
    TargetName {
        /// The name.
        name: String,
    },
    /// A reply without a request: a bug in the caller.
    #[error("a reply was handed in that nothing had asked for")]
    Unasked,
}

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Try again later; nothing is wrong with what is here.
    Transient,
    /// This host: a folder, a file, a setting.
    Broken,
    /// Ours.
    Bug,
    /// Stop and say so loudly: what came is not to be trusted.
    Untrusted,
}

impl Error {
    /// The class of this error. Exhaustive, so that a new variant is a decision.
    pub fn classify(&self) -> Class {
        match self {
            // The file may be on its way (a publish in progress) or on another mirror.
            Self::Missing { .. } => Class::Transient,
            Self::Unasked => Class::Bug,
            Self::Parse { .. }
            | Self::WrongType { .. }
            | Self::SpecVersion { .. }
            | Self::MissingRole { .. }
            | Self::Delegation { .. }
            | Self::DuplicateSignature { .. }
            | Self::Signatures { .. }
            | Self::Expired { .. }
            | Self::Rollback { .. }
            | Self::Delisted { .. }
            | Self::WrongVersion { .. }
            | Self::TooLong { .. }
            | Self::WrongLength { .. }
            | Self::WrongDigest { .. }
            | Self::NoDigest { .. }
            | Self::BadDigest { .. }
            | Self::RootChain { .. }
            | Self::NotListed { .. }
            | Self::TooManyRoles { .. }
            | Self::TargetName { .. } => Class::Untrusted,
        }
    }
}
