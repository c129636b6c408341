//! Why bytes are no boot manifest.

use core::fmt;

/// The first thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// More bytes than [`MAX_LENGTH`](crate::MAX_LENGTH).
    TooLong {
        /// How many there are.
        found: usize,
    },
    /// A line has bytes that are not printable ASCII, or no end.
    Line {
        /// Its number, from 1.
        line: usize,
    },
    /// Another key, or none, stands where this one belongs.
    Key {
        /// The line's number, from 1.
        line: usize,
        /// The key that belongs there.
        expected: &'static str,
    },
    /// Another format than 1.
    Format,
    /// A value cannot be right, or is not spelled in the one way there is.
    Value {
        /// Its key.
        key: &'static str,
    },
    /// The command line has a word that only the selector says.
    Reserved {
        /// The word, without `updog.` in front.
        word: &'static str,
    },
    /// No signature.
    Unsigned,
    /// More signatures than [`MAX_SIGNATURES`](crate::MAX_SIGNATURES), or two by one key.
    Signatures,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed to parse the boot manifest: ")?;
        match self {
            Error::TooLong { found } => {
                write!(f, "expected at most {} bytes, found {found}", crate::MAX_LENGTH)
            }
            Error::Line { line } => write!(f, "line {line} is not printable ASCII with an end"),
            Error::Key { line, expected } => write!(f, "expected {expected}= in line {line}"),
            Error::Format => f.write_str("expected format 1"),
            Error::Value { key } => write!(f, "the value of {key} makes no sense"),
            Error::Reserved { word } => {
                write!(f, "cmdline has updog.{word}, which the selector adds by itself")
            }
            Error::Unsigned => f.write_str("it has no signature"),
            Error::Signatures => {
                write!(f, "expected at most {} signatures, one a key", crate::MAX_SIGNATURES)
            }
        }
    }
}

impl core::error::Error for Error {}
