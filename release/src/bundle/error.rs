//! Why a bundle cannot be read or written.

use std::io;

/// A bundle was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The file does not begin as bundles do.
    #[error("expected a bundle, found another kind of file")]
    NotABundle,
    /// Another version of the format.
    #[error("expected bundle format {}, found {found:?}", super::FORMAT)]
    Format {
        /// What the first member says.
        found: String,
    },
    /// The file ends before its contents do.
    #[error("expected at least {expected} bytes, found {found}: the file was cut off")]
    Short {
        /// Bytes that are needed at least.
        expected: u64,
        /// Bytes of the file.
        found: u64,
    },
    /// Bytes after the end.
    #[error("expected {expected} bytes, found {found}")]
    Long {
        /// Where the end is.
        expected: u64,
        /// Bytes of the file.
        found: u64,
    },
    /// Not the one accepted form of a member's header, or of what lies between members.
    #[error("byte {at}: expected the plain header of a file")]
    Form {
        /// Where it begins.
        at: u64,
    },
    /// A name that leads elsewhere, or cannot be written.
    #[error("member name {name:?} is not usable: expected metadata/FILE or targets/FILE in plain characters")]
    Name {
        /// Its beginning.
        name: String,
    },
    /// Twice the same name, or one out of order.
    #[error("member {name:?} stands after {before:?}: expected ascending order, each name once")]
    Order {
        /// The name.
        name: String,
        /// The one before.
        before: String,
    },
    /// Too many members.
    #[error("expected at most {limit} members, found more")]
    Members {
        /// The limit.
        limit: usize,
    },
    /// A member too long for the format.
    #[error("member {name:?}: expected at most {limit} bytes, found {length}")]
    TooLong {
        /// The name.
        name: String,
        /// The limit.
        limit: u64,
        /// What it would have.
        length: u64,
    },
    /// A member was given other bytes than announced.
    #[error("member {name:?}: expected {expected} bytes, found {found}")]
    Length {
        /// The name.
        name: String,
        /// As announced.
        expected: u64,
        /// As given.
        found: u64,
    },
    /// The file cannot be read or written.
    #[error("failed to read or write")]
    Io(#[from] io::Error),
}
