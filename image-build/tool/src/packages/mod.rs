//! Debian packages: looked up once, fetched by their digest, unpacked without running anything of theirs.
//!
//! [`resolve()`] asks apt, in a folder of its own, what a recipe's packages are today and makes a [`Lock`](crate::lock::Lock).
//! Everything after that goes by the lock: [`fetch()`] downloads and checks, [`unpack()`] makes the tree.

mod apt;
mod apt_text;
mod cache;
mod certificates;
mod deb;
mod error;
mod fetch;
mod kernel;
mod mirror;
mod owners;
mod place;
mod resolve;
mod sources;
mod unpack;

pub use cache::Cache;
pub use deb::{Deb, Fetched};
pub use error::Error;
pub use fetch::fetch;
pub use kernel::kernel_tree;
pub use mirror::Mirror;
pub use owners::Owners;
pub use resolve::resolve;
pub use unpack::unpack;
