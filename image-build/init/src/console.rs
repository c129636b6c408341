//! What is said goes to the console, for whoever watches, and to the kernel's log, for whoever reads later.

use std::error::Error as StdError;
use std::fs::OpenOptions;
use std::io::Write as _;

/// Says a line. A line that cannot be said stops nothing.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "updog-init: {line}");
    if let Ok(mut log) = OpenOptions::new().write(true).open("/dev/kmsg") {
        // 5, a notice: below what a quiet console prints, so it is not there twice.
        let _ = log.write_all(format!("<5>updog-init: {line}").as_bytes());
    }
}

/// An error and what is behind it, in one line.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
