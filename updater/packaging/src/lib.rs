//! What a package of the host's programs holds beside them. Units, `tmpfiles.d`, `sysusers.d` and the example
//! configuration lie in this folder as they are installed; the rest is made from the programs' own command lines:
//!
//! * [`manual`]: a page for each verb; [`facts`]: what they say beyond the options;
//! * [`completions`]: for bash, zsh and fish.
//!
//! [`write()`] makes both; `cargo xtask deb` puts all of it together (docs/packaging.md).

pub mod completions;
pub mod facts;
pub mod manual;

use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory};

/// The command lines of the programs in the package.
pub fn programs() -> [Command; 2] {
    [updog::cli::Cli::command(), partition_disk::command::Command::command()]
}

/// Writes all pages to `man/` and all completions to `completions/` below `out`, and says how many files they are.
pub fn write(out: &Path) -> io::Result<usize> {
    let mut count = 0;
    let mut file = |folder: &str, name: &str, bytes: &[u8]| {
        let folder = out.join(folder);
        fs::create_dir_all(&folder)?;
        count += 1;
        fs::write(folder.join(name), bytes)
    };
    for program in programs() {
        for page in manual::pages(&program)? {
            file("man", &page.name, &page.text)?;
        }
        for script in completions::scripts(&program) {
            file("completions", &script.name, &script.text)?;
        }
    }
    Ok(count)
}
