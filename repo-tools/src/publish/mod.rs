//! From a stage to a folder that hosts read, with one commit point.

mod plan;
mod write;

pub use plan::{Gap, Plan, plan};
pub(crate) use write::Hashing;
pub(crate) use write::{Blobs, write_stage};
pub use write::{Published, publish};
