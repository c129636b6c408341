//! Everything is signed; nobody has seen it.

use crate::delegated;
use crate::error::{Error, Result};
use crate::metadata::{Metadata, Online, check_chain};
use crate::role::Role;
use crate::unsigned::Papers;
use crate::versions::Versions;

/// A complete set of metadata: each role verifies under the newest root. Only [`Unsigned::sign`] and the working
/// folder, which checks the same, make one.
///
/// [`Unsigned::sign`]: crate::Unsigned::sign
#[derive(Debug)]
pub struct Signed {
    papers: Papers,
    metadata: Metadata,
}

impl Signed {
    /// Checks what lies in the working folder.
    ///
    /// # Errors
    /// [`Error::NotSigned`] with what is missing.
    pub fn of(papers: Papers) -> Result<Self> {
        check_chain(&papers.roots)?;
        let root = papers.roots.last().ok_or(Error::NotSigned { what: Role::Root })?;
        if papers.next_root.is_some() {
            return Err(Error::NotSigned { what: Role::Root });
        }
        let targets = papers.targets.clone().ok_or(Error::NotSigned { what: Role::Targets })?;
        let snapshot = papers.snapshot.clone().ok_or(Error::NotSigned { what: Role::Snapshot })?;
        let timestamp = papers.timestamp.clone().ok_or(Error::NotSigned { what: Role::Timestamp })?;
        if !targets.is(snapshot.role().meta.get("targets.json")) {
            return Err(Error::NotSigned { what: Role::Snapshot });
        }
        if !snapshot.is(timestamp.role().meta.get("snapshot.json")) {
            return Err(Error::NotSigned { what: Role::Timestamp });
        }
        let delegated = delegated::complete(targets.role(), &papers.delegated)?;
        let unlisted = |(name, document): (&String, &crate::Document<_>)| {
            !document.is(snapshot.role().meta.get(&delegated::listed_as(name)))
        };
        if delegated.iter().any(unlisted) {
            return Err(Error::NotSigned { what: Role::Snapshot });
        }
        let online = Online { targets, snapshot, timestamp, delegated };
        if let Some(what) = online.not_verifying(root.role()) {
            return Err(Error::NotSigned { what });
        }
        let metadata = Metadata { roots: papers.roots.clone(), online: Some(online) };
        Ok(Self { papers, metadata })
    }

    /// The documents.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The documents as the working folder keeps them.
    pub fn papers(&self) -> &Papers {
        &self.papers
    }

    /// The version of each role.
    pub fn versions(&self) -> Versions {
        self.metadata.versions()
    }
}
