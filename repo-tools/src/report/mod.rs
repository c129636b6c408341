//! One page about a repository: releases, waves, expiries, keys, sizes.
//!
//! [`Model`] is what is known, [`page()`] makes text of it and nothing else; [`gather()`] reads a repository as a host does.

mod gather;
mod model;
mod page;
mod style;
mod table;

pub use gather::gather;
pub use model::{KeyRow, Model, Release, RoleRow};
pub use page::page;
