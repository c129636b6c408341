//! What goes in and out of a [`Session`](crate::Session).

use crate::error::Error;
use crate::finding::Finding;
use crate::role::Role;

/// What was trusted before: bytes as received, from the store. `root` is the answer of [`crate::newest_root`].
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// The newest trusted root.
    pub root: Vec<u8>,
    /// The last trusted timestamp.
    pub timestamp: Option<Vec<u8>>,
    /// The last trusted snapshot.
    pub snapshot: Option<Vec<u8>>,
    /// The last trusted targets.
    pub targets: Option<Vec<u8>>,
    /// What was found in it. Where that still holds, `targets` is not read, and may be left out: it can be the answer to the
    /// request for it.
    pub finding: Option<Finding>,
}

/// Limits on what a repository may ask of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a root.
    pub root: u64,
    /// Bytes of a timestamp.
    pub timestamp: u64,
    /// Bytes of a snapshot whose length is not listed; a longer listed length is refused too.
    pub snapshot: u64,
    /// Bytes of a targets role, likewise.
    pub targets: u64,
    /// Root updates in one run.
    pub root_updates: u32,
    /// Delegated roles visited for one target.
    pub roles: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        // 256 updates are 256 years of yearly rotation, or one day of an attack that is then over.
        Self { root: MIB, timestamp: MIB, snapshot: 2 * MIB, targets: 16 * MIB, root_updates: 256, roles: 64 }
    }
}

/// A file to fetch, below the metadata URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The role it is about.
    pub role: Role,
    /// The path, percent-encoded.
    pub path: String,
    /// Stop after this many bytes.
    pub max_length: u64,
}

/// The answer to a [`Request`].
#[derive(Debug, Clone)]
pub enum Reply {
    /// The file.
    Bytes(Vec<u8>),
    /// A copy from the store: used when it is still right, else passed over and the request stands.
    Stored(Vec<u8>),
    /// The server does not have it.
    NotFound,
}

/// What to do with the store, in this order, before the next reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Keep these bytes as `role`.
    Keep {
        /// The role.
        role: Role,
        /// Bytes as received.
        bytes: Vec<u8>,
    },
    /// Remove what is kept of `role`.
    Forget {
        /// The role.
        role: Role,
    },
}

/// Something in the store that was passed over. Worth a log line; nothing is lost but rollback memory.
#[derive(Debug)]
pub struct Note {
    /// The role whose stored copy is not used.
    pub role: Role,
    /// Why.
    pub why: Error,
}
