//! A signed document as received, taken apart but not yet believed.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Hashes;
use crate::error::Error;
use crate::role::Role;
use crate::time::Freshness;

/// A document of one role. Its body is read from the same JSON value whose canonical form is verified, so that what
/// is signed and what is used cannot differ.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) role: Role,
    pub(crate) version: u64,
    pub(crate) expires: DateTime<Utc>,
    pub(crate) signed: Value,
    pub(crate) signatures: Vec<Signature>,
}

/// One signature, still in hex: a bad one does not count, but does not spoil the others either.
#[derive(Debug, Deserialize)]
pub(crate) struct Signature {
    pub(crate) keyid: String,
    pub(crate) sig: String,
}

/// What a timestamp lists for the snapshot, and a snapshot for the targets roles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) version: NonZeroU64,
    #[serde(default)]
    pub(crate) length: Option<u64>,
    #[serde(default)]
    hashes: Option<BTreeMap<String, String>>,
}

impl Document {
    /// Takes received bytes apart and checks type and specification version.
    pub(crate) fn parse(role: &Role, bytes: &[u8]) -> Result<Self, Error> {
        let parse = |source| Error::Parse { role: role.clone(), source };
        let Envelope { signed, signatures } = serde_json::from_slice(bytes).map_err(parse)?;
        let Header { type_name, spec_version, version, expires } =
            Header::deserialize(&signed).map_err(parse)?;
        if type_name != role.type_name() {
            let expected = role.type_name();
            return Err(Error::WrongType { role: role.clone(), expected, found: type_name });
        }
        if !spec_version.starts_with("1.") {
            return Err(Error::SpecVersion { role: role.clone(), found: spec_version });
        }
        Ok(Self { role: role.clone(), version: version.get(), expires, signed, signatures })
    }

    /// Reads the body as `T`.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(&self.signed).map_err(|source| Error::Parse { role: self.role.clone(), source })
    }

    /// Refuses an expired document. The moment of expiry itself is expired.
    pub(crate) fn check_fresh(&self, fresh: Freshness) -> Result<(), Error> {
        if fresh.holds(self.expires) {
            return Ok(());
        }
        let (role, version, expires) = (self.role.clone(), self.version, self.expires);
        Err(Error::Expired { role, version, expires, now: fresh.now })
    }

    /// Refuses another version than the one listed.
    pub(crate) fn check_version(&self, expected: u64) -> Result<(), Error> {
        if self.version == expected {
            return Ok(());
        }
        Err(Error::WrongVersion { role: self.role.clone(), expected, found: self.version })
    }
}

impl Listed {
    /// Whether no two files can be the one that is listed.
    pub(crate) fn is_exact(&self) -> bool {
        self.hashes.is_some()
    }

    /// Checks length and digests where they are listed. The listed length is a limit for the download and the exact
    /// length of what came.
    pub(crate) fn check(&self, role: &Role, bytes: &[u8]) -> Result<(), Error> {
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if let Some(expected) = self.length
            && expected != found
        {
            return Err(Error::WrongLength { what: role.to_string(), expected, found });
        }
        match &self.hashes {
            Some(listed) => Hashes::parse(&role.to_string(), listed)?.check(&role.to_string(), bytes),
            None => Ok(()),
        }
    }
}

#[derive(Deserialize)]
struct Envelope {
    signed: Value,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Header {
    #[serde(rename = "_type")]
    type_name: String,
    spec_version: String,
    version: NonZeroU64,
    expires: DateTime<Utc>,
}
