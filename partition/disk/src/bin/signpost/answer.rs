//! What a verb says, for people and for programs.

use std::error::Error as StdError;
use std::io;
use std::process::ExitCode;

use clap::error::ErrorKind;
use partition_core::Slot;
use partition_core::bottlerocket::Unmet;
use partition_disk::command::Verb;
use partition_disk::discover::DiscoverError;
use partition_disk::{ChangeError, Error as DiskError, RunLockError, said};
use serde_json::{Value, json};

/// Why a verb did nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Refused(#[from] Unmet),
    #[error(transparent)]
    Locked(#[from] RunLockError),
    #[error("failed to tell the active slot")]
    Discover(#[from] DiscoverError),
    #[error("failed to tell the active slot of {disk}: this host runs from {running}")]
    OtherDisk { disk: String, running: String },
    #[error("failed to accept --booted {said}: this host runs from slot {running}")]
    Booted { said: Slot, running: Slot },
}

impl From<ChangeError<Unmet>> for Failure {
    fn from(error: ChangeError<Unmet>) -> Failure {
        match error {
            ChangeError::Disk(error) => Failure::Disk(error),
            ChangeError::Refused(unmet) => Failure::Refused(unmet),
        }
    }
}

impl Failure {
    fn reason(&self) -> &'static str {
        match self {
            Failure::Disk(_) => "disk",
            Failure::Refused(_) => "precondition",
            Failure::Locked(_) => "run_lock",
            Failure::Discover(_) | Failure::OtherDisk { .. } | Failure::Booted { .. } => "active_unknown",
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Failure::Discover(_) | Failure::OtherDisk { .. } => {
                Some("name the disk and the slot that counts as active with --disk and --booted")
            }
            Failure::Disk(_) | Failure::Refused(_) | Failure::Locked(_) | Failure::Booted { .. } => None,
        }
    }
}

/// The end of a verb.
#[derive(Debug)]
pub(crate) struct Answer {
    ok: bool,
    reason: Option<&'static str>,
    /// For stdout when ok, for stderr otherwise; may be empty.
    text: String,
    hint: Option<&'static str>,
    data: Value,
}

impl Answer {
    pub(crate) fn done(text: impl Into<String>, data: Value) -> Answer {
        Answer { ok: true, reason: None, text: text.into(), hint: None, data }
    }

    pub(crate) fn failed(failure: &Failure) -> Answer {
        let mut text = failure.to_string();
        let mut source = failure.source();
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        Answer { ok: false, reason: Some(failure.reason()), text, hint: failure.hint(), data: Value::Null }
    }

    /// Prints it; the exit code is Bottlerocket's, 0 or 1.
    pub(crate) fn print(&self, verb: Verb, json: bool) -> ExitCode {
        let exit = u8::from(!self.ok);
        if json {
            let object = json!({
                "format": 1, "verb": verb.name(), "ok": self.ok, "exit": exit,
                "reason": self.reason, "message": self.text, "data": self.data,
            });
            return said(said::line(&object.to_string()), exit);
        }
        if self.ok {
            let written = if self.text.is_empty() { Ok(()) } else { said::line(&self.text) };
            return said(written, exit);
        }
        said::aside(&format!("error: {}", self.text));
        if let Some(hint) = self.hint {
            said::aside(&format!("hint: {hint}"));
        }
        ExitCode::from(exit)
    }
}

/// How a run ends whose answer would end with `exit`: Bottlerocket's code is 1 also where it could not be written.
pub(crate) fn said(written: io::Result<()>, exit: u8) -> ExitCode {
    match said::to_a_reader(written) {
        Ok(()) => ExitCode::from(exit),
        Err(error) => {
            said::aside(&said::unwritten(&error));
            ExitCode::FAILURE
        }
    }
}

/// What clap found instead of a verb, for programs: help or the version, or a command line that cannot be meant. The exit
/// code is Bottlerocket's, 0 or 1.
pub(crate) fn say_words(found: &clap::Error) -> ExitCode {
    let text = found.to_string();
    let first = || text.lines().next().unwrap_or_default().to_owned();
    let (verb, ok, message, data) = match found.kind() {
        ErrorKind::DisplayHelp => ("help", true, first(), json!({ "help": text.trim_end() })),
        ErrorKind::DisplayVersion => {
            ("version", true, first(), json!({ "version": env!("CARGO_PKG_VERSION") }))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            ("", false, "expected a verb, found none".to_owned(), Value::Null)
        }
        _ => ("", false, paragraph(&text), Value::Null),
    };
    let (exit, reason) = (u8::from(!ok), (!ok).then_some("usage"));
    let object = json!({
        "format": 1, "verb": verb, "ok": ok, "exit": exit, "reason": reason, "message": message, "data": data,
    });
    said(said::line(&object.to_string()), exit)
}

/// What is wrong, on one line: clap's first paragraph.
fn paragraph(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    lines.join(" ").trim_start_matches("error: ").to_owned()
}
