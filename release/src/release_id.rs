//! The name of a release that no other release can have.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Digest, Hasher, Image, Images, ParseDigest};

/// What a release is, whatever it is called: SHA-256 of the digests of its three indexes (boot, root, hash; 96 bytes).
/// Two releases with the same images, frames and index have the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseId(Digest);

impl ReleaseId {
    /// The id of the release with these index digests.
    pub fn of(indexes: &Images<Digest>) -> ReleaseId {
        let mut hasher = Hasher::new();
        for image in Image::ALL {
            hasher.update(indexes.get(image).bytes());
        }
        ReleaseId(hasher.finish())
    }

    /// The id with this digest.
    pub const fn new(digest: Digest) -> ReleaseId {
        ReleaseId(digest)
    }

    /// The digest that it is.
    pub const fn digest(&self) -> &Digest {
        &self.0
    }

    /// Its first 16 hex digits, for people and file names.
    pub fn short(&self) -> String {
        format!("{:.16}", self.0)
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ReleaseId {
    type Err = ParseDigest;

    fn from_str(text: &str) -> Result<ReleaseId, ParseDigest> {
        text.parse().map(ReleaseId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_digest_of_the_three_digests_in_order() {
        let indexes = Images { boot: Digest::of(b"b"), root: Digest::of(b"r"), hash: Digest::of(b"h") };
        let joined: Vec<u8> = indexes.iter().flat_map(|(_, digest)| *digest.bytes()).collect();
        let id = ReleaseId::of(&indexes);
        assert_eq!(*id.digest(), Digest::of(&joined));
        assert_eq!(id.short(), id.to_string()[..16]);
        let swapped = Images { boot: indexes.root, root: indexes.boot, hash: indexes.hash };
        assert_ne!(ReleaseId::of(&swapped), id);
    }
}
