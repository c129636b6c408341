//! TUF client rules: bytes in, trusted roles out.
//!
//! No file system, network or clock. A [`Session`] names the next file it needs, judges the bytes that a caller
//! brings, and says what to keep. tough lends the key formats, the canonical JSON and the signature checks; the
//! workflow of the TUF specification (1.0, sections 5.2 to 5.6) is here, numbered in comments.

mod digest;
mod document;
mod error;
mod exchange;
mod finding;
mod keys;
mod role;
mod root;
mod rules;
mod search;
mod session;
mod summary;
mod targets;
mod time;

pub use digest::Hashes;
pub use error::{Class, Error};
pub use exchange::{Change, Limits, Note, Reply, Request, Stored};
pub use finding::Finding;
pub use role::Role;
pub use root::newest_root;
pub use session::{Find, Session};
pub use summary::{RoleState, Trusted, stored_signed_at};
pub use targets::Target;
pub use time::{CLOCK_MARGIN, Expiry, Freshness, Now, floor, now};
