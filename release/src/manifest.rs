//! `manifest.json`: the updates that hosts choose from, in Bottlerocket's schema with one object of ours.
//! Byte layout: docs/formats/manifest.md.

mod change;
mod check;
mod diff;
mod error;
mod event;
mod graph;
mod hop;
mod keys;
mod ours;
mod problem;
mod strict;
mod update;
mod wire;

use std::collections::BTreeMap;

pub use change::{ChangeError, Effect, MAX_EVENTS, Restart};
pub use check::MAX_DELTA_HEADER;
pub use diff::{Difference, Kind};
pub use error::ManifestError;
pub use event::{Event, Reason, ReasonError};
pub use graph::NoPath;
pub use hop::{Hop, HopError};
pub use ours::{Delta, Halt, Ours};
pub use problem::{Place, Problem};
use serde_json::{Map, Value};
pub use update::Update;

/// The name of this target in a repository.
pub const TARGET_NAME: &str = "manifest.json";
/// Longest manifest that is read, 4 MiB; the largest public one has a tenth of that.
pub const MAX_LENGTH: usize = 4 << 20;
/// Longest manifest in the form for people, 16 MiB: no host reads it.
pub const MAX_PRETTY_LENGTH: usize = 16 << 20;

/// All updates of a repository, and how data moves between their versions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    /// The updates, in the order of the file.
    pub updates: Vec<Update>,
    /// Target names to run, in order, for each hop; none: the hop needs nothing.
    pub migrations: BTreeMap<Hop, Vec<String>>,
    /// Keys that this version does not know, kept.
    pub extra: Map<String, Value>,
}

impl Manifest {
    /// Reads the file. Whatever Bottlerocket's client reads is read, with the same meaning.
    pub fn parse(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        parse(bytes, MAX_LENGTH)
    }

    /// The same for what [`Manifest::encode_pretty`] wrote, which may be longer than what hosts read.
    pub fn parse_pretty(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        parse(bytes, MAX_PRETTY_LENGTH)
    }

    /// The bytes that hosts fetch, in Bottlerocket's order and without blanks, ending in a newline.
    pub fn encode(&self) -> Result<Vec<u8>, ManifestError> {
        finish(serde_json::to_vec(&wire::Manifest::from(self)), MAX_LENGTH)
    }

    /// The same for people: two spaces of indent, but for a manifest that would be too long with them. It is read alike, and
    /// may be longer than what hosts read: whether they can is for [`Manifest::encode`] to say.
    pub fn encode_pretty(&self) -> Result<Vec<u8>, ManifestError> {
        let wire = wire::Manifest::from(self);
        match finish(serde_json::to_vec_pretty(&wire), MAX_PRETTY_LENGTH) {
            Err(ManifestError::Full { .. }) => finish(serde_json::to_vec(&wire), MAX_PRETTY_LENGTH),
            finished => finished,
        }
    }

    /// Everything that is wrong with it, beyond what makes it unreadable; empty: nothing.
    pub fn check(&self) -> Vec<Problem> {
        check::all(self)
    }

    /// Every target that it names and that `exists` does not know.
    pub fn missing_targets(&self, exists: impl FnMut(&str) -> bool) -> Vec<Problem> {
        check::targets(self, exists)
    }
}

fn parse(bytes: &[u8], most: usize) -> Result<Manifest, ManifestError> {
    if bytes.len() > most {
        return Err(ManifestError::Length { found: bytes.len(), most });
    }
    let wire: wire::Manifest = serde_json::from_slice(bytes).map_err(ManifestError::Parse)?;
    Ok(wire.into())
}

fn finish(encoded: serde_json::Result<Vec<u8>>, most: usize) -> Result<Vec<u8>, ManifestError> {
    let mut bytes = encoded.map_err(ManifestError::Encode)?;
    bytes.push(b'\n');
    if bytes.len() > most {
        return Err(ManifestError::Full { found: bytes.len(), most });
    }
    Ok(bytes)
}
