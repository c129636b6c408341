//! Recipes, disk layouts and images for updog hosts.
//!
//! `Recipe → Composed → Packed → Image`: a [`Recipe`] names packages, files and sizes; its root is composed in a folder,
//! packed into images, laid out on a disk. Each stage is made from the one before.
//!
//! A [`Layout`] becomes a disk file with two slots; [`install()`] puts a release folder's images into slot A. gptman makes
//! the table, so that the code that reads it on the host is tested against another's.

mod arch;
pub mod audit;
mod build;
pub mod cli;
pub mod cmdline;
pub mod compose;
mod error;
pub mod image;
pub mod initramfs;
mod install;
mod layout;
pub mod lock;
mod machine;
pub mod packages;
pub mod packed;
pub mod programs;
pub mod recipe;
pub mod sbom;
pub mod signing;
mod size;
pub mod sizes;
pub mod tools;
mod verify;

pub use arch::{Arch, ParseArchError};
pub use build::{Built, Request, Signing, build};
pub use error::Error;
pub use install::{Installed, install};
pub use layout::{Layout, Sizes};
pub use recipe::Recipe;
pub use size::{ByteCount, ParseSizeError};
pub use tools::Tool;
pub use verify::{Problem, Verified, verify};
