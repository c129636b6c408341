//! Manifest, versions, digests and the payload formats.
