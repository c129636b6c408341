//! What a package holds beside the programs: right by its own readers (systemd, mandoc, bash), and as the programs are.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

mod completions;
mod example;
mod manual;
mod release;
mod units;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A file of this folder.
fn packaged(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Both streams as text, and whether it ended well. Fails where the program is not installed.
fn said(command: &mut Command) -> (bool, String) {
    let Output { status, stdout, stderr } = command.output().unwrap_or_else(|error| {
        panic!("{command:?} does not start ({error}); \"cargo xtask setup test\" installs what tests need")
    });
    (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
}
