//! What was found.

use std::collections::BTreeMap;

use serde::Serialize;

/// What was looked at, and what is wrong.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Everything that is wrong; empty: nothing.
    pub problems: Vec<Problem>,
    /// Targets whose every byte was read.
    pub targets: usize,
    /// Bytes of targets.
    pub bytes: u64,
    /// Targets that a part of a repository does not hold, by intent.
    pub left_out: usize,
    /// Version and expiry of each role, delegated ones too, by name.
    pub roles: BTreeMap<String, RoleReport>,
}

/// Version and expiry of one role.
#[derive(Debug, Clone, Serialize)]
pub struct RoleReport {
    /// Version.
    pub version: u64,
    /// RFC 3339.
    pub expires: String,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Its kind.
    pub kind: Kind,
    /// What exactly, a fragment for people.
    pub what: String,
}

/// Kinds of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A host would not accept the metadata.
    Metadata,
    /// A role has expired.
    Expired,
    /// Something was signed at a time that is still to come.
    Clock,
    /// A target's file is not there.
    Missing,
    /// A target's bytes are not those that were signed.
    Differs,
    /// A target name that other clients or servers would read otherwise.
    Name,
    /// The manifest says what hosts cannot follow.
    Manifest,
    /// A file that nothing names.
    Orphan,
    /// Others on the machine where the folder is cannot read it.
    Closed,
}

impl Report {
    pub(super) fn add(&mut self, kind: Kind, what: impl Into<String>) {
        self.problems.push(Problem { kind, what: what.into() });
    }
}
