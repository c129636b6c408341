//! check → plan → stage → verify → arm: one update, one way (docs/route.md).
//!
//! * [`check()`]: trusted metadata, the manifest, the rules → [`check::Checked`].
//! * [`plan()`]: the indexes and the partitions → [`plan::Planned`].
//! * [`stage()`]: the other slot equal to the indexes, read back → [`stage::Staged`] with its [`route::Verified`].
//! * [`verify_slot`], [`prove_slot`]: the same read-back, offline; the latter may be armed.
//! * [`route`]: `Written`, `Verified`, `Armed`.
//!
//! The slot is the progress: a piece whose digest is right is done, whoever wrote it. Below: [`survey and read-back`](scan) are one
//! function; [`fill`] fetches, decodes and writes with bounded queues; [`hint`] says what is worth reading first.

mod bundle;
pub mod check;
mod decode;
pub mod delta;
mod error;
mod fetch;
mod files;
mod fill;
pub mod hint;
mod http;
mod job;
mod likeness;
mod online;
mod partial;
pub mod plan;
mod pool;
mod post;
mod repository;
pub mod route;
mod runs;
mod scan;
mod slot_io;
pub mod source;
pub mod stage;
mod verify;
mod work;

pub use check::check;
pub use error::Error;
pub use plan::plan;
pub(crate) use post::post;
pub use stage::stage;
pub use verify::{prove_slot, verify_slot};
