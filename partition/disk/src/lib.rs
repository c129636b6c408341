//! The only host code that writes a disk.
//!
//! A flag change takes the table lock, reads the table afresh, makes one change and writes the two copies one after the
//! other ([`Disk::change`]); an image goes through the partition's own node ([`Disk::image`]). Nothing else writes.

mod aligned;
pub mod command;
pub mod confirmed;
pub mod discover;
mod disk;
mod error;
mod image;
mod lock;
mod node;
pub mod said;
mod storage;

pub use aligned::Aligned;
pub use disk::{Access, Changed, Disk, Edit};
pub use error::{ChangeError, Error, Result};
pub use image::ImageIo;
pub use lock::{Holder, RunLock, RunLockError};
pub use storage::Storage;
