//! Signing across people and days: one file that asks for signatures, and takes them.
//!
//! ```text
//! working folder ──propose──► Request ──sign, on any machine──► Request ──collect──► working folder
//! ```
//! A [`Request`] is made by checks alone: its chain of roots verifies, its signatures are right, and its text is the one
//! that its bytes give. Byte layout: docs/formats/signing-request.md.

mod answers;
mod changes;
mod fault;
mod file;
mod files;
mod kept;
mod leaves;
mod propose;
mod subject;
mod text;

pub(crate) use answers::still_missing;
pub use answers::{Collected, Taken, collect};
pub(crate) use fault::gravest;
pub use fault::{Fault, Refused};
pub(crate) use kept::MAX_REQUEST;
pub use kept::{keep, put_new};
pub(crate) use leaves::plain;
pub use propose::{for_root, for_targets};
pub use subject::{Before, Listing, Request, Subject};
