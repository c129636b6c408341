//! Programs of others: the checks of `health.d`, the hooks of `hooks.d`, what asks the running system. Each with a time limit, in the order of their
//! names, without a shell.

mod orphans;
mod process;

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

pub(crate) use process::run_holding;
pub use process::{Ended, Limit, Ran, ask, run};

/// A program, or what stands in its place.
#[derive(Debug)]
pub struct Exec {
    /// The name of its file; of a folder that cannot be read, that of the folder.
    pub name: String,
    /// What is run, or why nothing can be.
    pub program: io::Result<PathBuf>,
}

/// The programs of a folder. No folder: none. A folder that cannot be read, or a link to nothing, is one that cannot be run:
/// somebody wanted something to be asked.
pub fn list(folder: &Path) -> Vec<Exec> {
    let own = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let failing = |error| vec![Exec { name: own.clone(), program: Err(error) }];
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => return failing(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => names.push(entry.file_name()),
            Err(error) => return failing(error),
        }
    }
    names.sort();
    let mut found = Vec::new();
    for name in names {
        let (path, name) = (folder.join(&name), name.to_string_lossy().into_owned());
        if name.starts_with('.') {
            continue;
        }
        match fs::metadata(&path) {
            Ok(file) if file.is_file() && file.permissions().mode() & 0o111 != 0 => {
                found.push(Exec { name, program: Ok(path) });
            }
            // A README, a folder, one that is masked by a link to /dev/null.
            Ok(_) => {}
            Err(error) => found.push(Exec { name, program: Err(error) }),
        }
    }
    found
}

/// How it ended and its last words; `None`: well.
pub fn failure(ran: &Ran) -> Option<String> {
    let how = match &ran.ended {
        Ended::Status(status) if status.success() => return None,
        Ended::Status(status) => format!("ended with {status}"),
        Ended::Late(limit) => format!("took longer than {} s", limit.as_secs()),
        Ended::AllLate => "the time for all of them together is over".to_owned(),
        Ended::NotStarted(error) => format!("cannot be run: {error}"),
    };
    let said = last_lines(&ran.output);
    Some(if said.is_empty() { how } else { format!("{how}: {said}") })
}

/// The last three lines as one, without what would steer a terminal.
pub fn last_lines(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let clean = |line: &str| line.trim().chars().filter(|c| !c.is_control()).take(200).collect::<String>();
    let mut lines: Vec<String> =
        text.lines().rev().map(clean).filter(|line| !line.is_empty()).take(3).collect();
    lines.reverse();
    lines.join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_output_becomes_one_short_line() {
        let cases: [(&[u8], &str); 5] = [
            (b"", ""),
            (b"\n \n", ""),
            (b"one\ntwo\nthree\nfour\n", "two / three / four"),
            (b"\x1b[2Jred\x07\r\n", "[2Jred"),
            (b"\xff\xfe", "\u{fffd}\u{fffd}"),
        ];
        for (output, expected) in cases {
            assert_eq!(last_lines(output), expected, "{output:?}");
        }
        assert_eq!(last_lines(&[b'x'; 4096]).len(), 200);
    }
}
