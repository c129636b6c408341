//! What a release is: its versions, digests and images, and the bytes in which they are published.
//!
//! * [`manifest`]: `manifest.json`, the signed list of updates that hosts choose from.
//! * [`payload`]: an image as independent frames, and the index that names and checks them.
//! * [`delta`]: a shorter way from one release to the next.
//! * [`folder`]: `release.json`, what an image build hands to the repository tools.
//! * [`bundle`]: one file that carries a repository to hosts without a network.
//! * [`names`]: how targets are called.
//!
//! Nothing here touches a file, a socket or a clock: bytes and times are arguments, [`std::io`] traits are the edge.

pub mod bundle;
pub mod delta;
mod digest;
pub mod folder;
mod image;
pub mod manifest;
pub mod names;
pub mod payload;
mod release_id;

pub use digest::{Digest, Hasher, ParseDigest};
pub use image::{Image, Images, ParseImage};
pub use release_id::ReleaseId;
/// Versions are strict `SemVer` 2, without a leading `v`.
pub use semver::{Version, VersionReq};
