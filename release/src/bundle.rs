//! A bundle: one file that carries a repository, or some releases of one, to hosts without a network
//! (`docs/formats/bundle.md`).
//!
//! It is a tar archive of which only one form is accepted: a header is a function of name and length, names come in
//! ascending order, so that there is one bundle for the same contents, and nothing in it that two readers could read
//! otherwise. Unpacked with any tar it is a repository in a folder. It proves nothing by itself: what is in it is
//! trusted by the rules for metadata, as if a server had sent it.

mod contents;
mod error;
mod header;
mod name;
mod writer;

pub use contents::{Contents, Member};
pub use error::BundleError;
pub use name::Name;
pub use writer::Writer;

/// The version that is written, and the only one that is read.
pub const FORMAT: u32 = 1;

/// The first member, by which a bundle is known.
const MARK: &str = "updog-bundle";
/// tar counts in these.
const BLOCK: u64 = 512;
/// The same in memory.
const BLOCK_BYTES: usize = 512;
/// Members at most: an index of them stays below 20 MiB.
const MEMBERS: usize = 1 << 16;
/// Eleven octal digits.
const LONGEST: u64 = (1 << 33) - 1;

/// What the first member says.
fn mark() -> String {
    format!("{MARK} {FORMAT}\n")
}

/// Zeros from the end of `length` bytes to the end of their last block.
fn padding(length: u64) -> u64 {
    length.next_multiple_of(BLOCK).saturating_sub(length)
}
