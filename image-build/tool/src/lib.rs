//! Disk layouts and images for updog hosts.
//!
//! A [`Layout`] becomes a disk file with two slots; [`install()`] puts a release folder's images into slot A. gptman makes
//! the table, so that the code that reads it on the host is tested against another's.

mod error;
mod install;
mod layout;
mod size;

pub use error::Error;
pub use install::{Installed, install};
pub use layout::Layout;
pub use size::{ByteCount, ParseSizeError};
