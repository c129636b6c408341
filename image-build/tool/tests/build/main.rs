//! Whole builds from made-up packages: what they make, that it is the same everywhere, and what they refuse.
#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

#[path = "../packages/made_up.rs"]
#[expect(dead_code, reason = "the packages' own tests make more of them")]
mod made_up;

mod makes;
mod places;
mod refuses;
mod same_bytes;
mod verifies;
mod workshop;
