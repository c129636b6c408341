//! Packages: looked up, locked, fetched, unpacked; all of them made up.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

mod fetch;
mod lock;
mod made_up;
mod resolve;
mod sbom;
mod unpack;
