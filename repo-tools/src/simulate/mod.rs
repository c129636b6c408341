//! A rollout over virtual time: a fleet of hosts, each of which decides as a real one does.
//!
//! Every host is on its own: it has its seed, its slots, its records and its timer, and what it does at each check is
//! what [`next_step`](updater_core::next_step) says, over the real offer rules, the real waves, the real boot rule. Only
//! checks that can find nothing (before the time that the last refusal named, or after the host came to rest) are
//! counted without being asked. Pure: the same order gives the same fleet on every machine.

mod cost;
mod fleet;
mod host;
mod picture;
mod random;
mod tally;

pub use cost::Cost;
pub use fleet::{Order, Pause, simulate};
pub use picture::charts;
pub use tally::{Fleet, Row, all_bytes, per_second};
