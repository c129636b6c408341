//! Packages: looked up, locked, fetched, unpacked; all of them made up.

mod fetch;
mod lock;
mod made_up;
mod resolve;
mod sbom;
mod unpack;
