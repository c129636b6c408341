//! Commands that are shown, run as shown, and judged.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A folder to work in, with our programs in its search path.
#[derive(Debug)]
pub(crate) struct Shell {
    folder: PathBuf,
    path: String,
    colour: bool,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    line: String,
    pub(crate) code: i32,
    pub(crate) out: String,
    err: String,
}

impl Shell {
    /// Programs are looked for in `bin` under the folder first, then where the system has them.
    pub(crate) fn new(folder: PathBuf) -> Result<Self> {
        let system = std::env::var("PATH").context("PATH is not set")?;
        let path = format!("{}:{system}:/usr/sbin:/sbin", folder.join("bin").display());
        std::fs::create_dir_all(folder.join("bin"))?;
        Ok(Self { folder, path, colour: std::io::stdout().is_terminal() })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts a program into the search path that runs another with some words before its own.
    pub(crate) fn program(&self, name: &str, line: &str) -> Result<()> {
        let path = self.folder.join("bin").join(name);
        std::fs::write(&path, format!("#!/bin/sh\nexec {line} \"$@\"\n"))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    /// A heading.
    pub(crate) fn say(&self, text: &str) {
        if self.colour { println!("\x1b[1m# {text}\x1b[0m") } else { println!("# {text}") }
    }

    /// Runs a line unseen; it must succeed.
    pub(crate) fn quiet(&self, line: &str) -> Result<Said> {
        self.run(line)?.expect(0)
    }

    /// Shows the line, but not what it printed; it must succeed.
    pub(crate) fn show_quiet(&self, line: &str) -> Result<Said> {
        self.show_line(line);
        self.quiet(line)
    }

    /// Shows the line, runs it, shows what it printed on stdout.
    pub(crate) fn show(&self, line: &str) -> Result<Said> {
        self.show_line(line);
        let said = self.run(line)?;
        print!("{}", said.indented());
        Ok(said)
    }

    /// Runs a line unseen, however it ends.
    pub(crate) fn run(&self, line: &str) -> Result<Said> {
        let output = self.command(line).output();
        let output =
            output.with_context(|| format!("failed to start {line:?} in {}", self.folder.display()))?;
        Ok(Said {
            line: line.to_owned(),
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    pub(crate) fn show_line(&self, line: &str) {
        if self.colour { println!("\x1b[2m$ {line}\x1b[0m") } else { println!("$ {line}") }
    }

    /// The line as a process to start, for those who want to watch or kill it.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(&self.folder).env("PATH", &self.path);
        command
    }
}

impl Said {
    /// Fails on any other exit code, with what the program said.
    pub(crate) fn expect(self, code: i32) -> Result<Self> {
        if self.code != code {
            bail!("`{}` ended with {}, not {code}\n{}{}", self.line, self.code, self.out, self.err);
        }
        Ok(self)
    }

    /// Fails when stdout does not hold the text.
    pub(crate) fn says(self, text: &str) -> Result<Self> {
        if !self.out.contains(text) {
            bail!("`{}` does not say {text:?}\n{}{}", self.line, self.out, self.err);
        }
        Ok(self)
    }

    fn indented(&self) -> String {
        let mut text = String::new();
        for line in self.out.lines() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {line}");
        }
        text
    }
}
