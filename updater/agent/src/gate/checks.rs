//! `health.d`: every executable in it, in the order of their names.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use updater_core::health::{Checked, Found};

use super::process::{self, Ended, Limit, Ran};
use crate::{Context, Result};

/// One check, or what stands in its place.
#[derive(Debug)]
pub(super) struct Check {
    name: String,
    program: io::Result<PathBuf>,
}

/// The checks of a folder. No folder: no checks. A folder that cannot be read, or a link to nothing, is a check that fails:
/// somebody wanted something to be asked.
pub(super) fn list(folder: &Path) -> Vec<Check> {
    let failing = |error| vec![Check { name: "health.d".to_owned(), program: Err(error) }];
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
    let mut checks = Vec::new();
    for name in names {
        let (path, name) = (folder.join(&name), name.to_string_lossy().into_owned());
        if name.starts_with('.') {
            continue;
        }
        match fs::metadata(&path) {
            Ok(file) if file.is_file() && file.permissions().mode() & 0o111 != 0 => {
                checks.push(Check { name, program: Ok(path) });
            }
            // A README, a folder, a check that is masked by a link to /dev/null.
            Ok(_) => {}
            Err(error) => checks.push(Check { name, program: Err(error) }),
        }
    }
    checks
}

impl Check {
    /// Runs it. No shell: the file itself is the program.
    pub(super) fn ask(self, ctx: &Context<'_>, limit: Limit) -> Result<Checked> {
        let found = match self.program {
            Ok(program) => {
                let mut command = Command::new(program);
                if let Ok(slot) = ctx.running() {
                    command.env("UPDOG_SLOT", slot.to_string());
                }
                spell(&process::run(command, limit, &ctx.interrupt)?)
            }
            Err(error) => Found::Failed(format!("cannot be run: {error}")),
        };
        Ok(Checked { name: self.name, found })
    }
}

/// How it ended and its last words.
fn spell(ran: &Ran) -> Found {
    let how = match &ran.ended {
        Ended::Status(status) if status.success() => return Found::Passed,
        Ended::Status(status) => format!("ended with {status}"),
        Ended::Late(limit) => format!("took longer than {} s", limit.as_secs()),
        Ended::AllLate => "the time for all checks together is over".to_owned(),
        Ended::NotStarted(error) => format!("cannot be run: {error}"),
    };
    let said = last_lines(&ran.output);
    Found::Failed(if said.is_empty() { how } else { format!("{how}: {said}") })
}

/// The last three lines as one, without what would steer a terminal.
pub(super) fn last_lines(output: &[u8]) -> String {
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
