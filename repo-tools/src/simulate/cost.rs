//! What the visits of hosts cost a repository.

/// Requests and bytes of each kind of visit. The requests are the client's own: a test counts them on a real session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Bytes of metadata at every check: the timestamp.
    pub check_bytes: u64,
    /// Bytes of metadata besides when something was published: snapshot, targets and manifest.
    pub changed_bytes: u64,
    /// Bytes of blobs of one update; `None`: not known.
    pub update_bytes: Option<u64>,
}

impl Cost {
    /// The most that one update may be, 64 GiB: more is a slip, and so many bytes for each host of the largest fleet are
    /// still a number.
    pub const MAX_UPDATE_BYTES: u64 = 64 << 30;
    /// Every check: the next root (there is none), timestamp.
    pub const CHECK_REQUESTS: u64 = 2;
    /// Something was published since: snapshot, targets, manifest.
    pub const CHANGED_REQUESTS: u64 = 3;
    /// An update: three indexes, and the frames of three images in one piece each. A host that copies pieces from its
    /// running slot asks for fewer bytes in more ranges.
    pub const UPDATE_REQUESTS: u64 = 6;

    /// Where no repository is at hand: that of a small one, with one key for each role and three releases.
    pub const fn typical(update_bytes: Option<u64>) -> Self {
        Self { check_bytes: 1_000, changed_bytes: 9_000, update_bytes }
    }
}
