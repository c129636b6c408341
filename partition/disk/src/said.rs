//! How a program says its answer: one rule for `signpost`, `updog` and `updog-image`. `println!` would end in a panic
//! where standard output is full, and where nobody reads on.

use std::io::{self, ErrorKind, Write as _};

/// Writes the line to standard output.
pub fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// An answer that could not be written is a failure. A reader that closed the pipe has what it wanted.
pub fn to_a_reader(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|error| if is_gone(&error) { Ok(()) } else { Err(error) })
}

/// Whether nobody reads on.
pub fn is_gone(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe
}

/// Writes the line to standard error. Where that is gone too, there is nowhere left to complain.
pub fn aside(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// What is said aside of an answer that could not be written.
pub fn unwritten(error: &io::Error) -> String {
    format!("error: failed to write standard output: {error}")
}
