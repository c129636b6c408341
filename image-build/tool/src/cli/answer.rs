//! What a verb says at its end: to people, or as one JSON object (design §10.6).

use std::error::Error as _;
use std::io;

use clap::error::ErrorKind;
use partition_disk::said;
use serde_json::{Value, json};

use crate::Error;

/// What a verb found or did.
pub(super) struct Answer {
    /// For people: a sentence, or lines.
    pub text: String,
    /// For programs.
    pub data: Value,
    /// 0: done; 12: there is something to attend to.
    pub exit: u8,
}

impl Answer {
    pub(super) fn done(text: impl Into<String>, data: Value) -> Answer {
        Answer { text: text.into(), data, exit: 0 }
    }
}

/// Prints the answer or the error; the exit code.
pub(super) fn answer(verb: &str, as_json: bool, result: Result<Answer, Error>) -> u8 {
    let (exit, message, data, hint) = match result {
        Ok(Answer { text, data, exit }) => (exit, text, data, None),
        Err(error) => (error.exit(), chain(&error), Value::Null, error.hint()),
    };
    let ok = exit == 0;
    if as_json {
        let mut object = json!({
            "format": 1, "verb": verb, "ok": ok, "exit": exit, "reason": reason(exit), "message": message, "data": data,
        });
        if let (Some(hint), Some(object)) = (hint, object.as_object_mut()) {
            object.insert("hint".to_owned(), hint.into());
        }
        return said(said::line(&object.to_string()), exit);
    }
    if ok || exit == ATTENTION {
        return said(said::line(&message), exit);
    }
    said::aside(&format!("error: {message}"));
    if let Some(hint) = hint {
        said::aside(&format!("hint: {hint}"));
    }
    exit
}

/// How a run ends whose answer would end with `exit`: as a failure of the disk where it could not be written.
pub(super) fn said(written: io::Result<()>, exit: u8) -> u8 {
    match said::to_a_reader(written) {
        Ok(()) => exit,
        Err(error) => {
            said::aside(&said::unwritten(&error));
            DISK
        }
    }
}

/// What clap found instead of a verb, for programs: help or the version, or a command line that cannot be meant.
pub(super) fn say_words(found: &clap::Error) -> u8 {
    let text = found.to_string();
    let first = || text.lines().next().unwrap_or_default().to_owned();
    let (verb, exit, message, data) = match found.kind() {
        ErrorKind::DisplayHelp => ("help", 0, first(), json!({ "help": text.trim_end() })),
        ErrorKind::DisplayVersion => ("version", 0, first(), json!({ "version": env!("CARGO_PKG_VERSION") })),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            ("", USAGE, "expected a verb, found none".to_owned(), Value::Null)
        }
        _ => ("", USAGE, paragraph(&text), Value::Null),
    };
    let object = json!({
        "format": 1, "verb": verb, "ok": exit == 0, "exit": exit, "reason": reason(exit), "message": message, "data": data,
    });
    said(said::line(&object.to_string()), exit)
}

/// What is wrong, on one line: clap's first paragraph.
fn paragraph(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    lines.join(" ").trim_start_matches("error: ").to_owned()
}

/// A line of progress on stderr.
pub(super) fn progress(as_json: bool) -> impl Fn(&str) {
    move |step: &str| {
        if as_json {
            said::aside(&json!({ "step": step }).to_string());
        } else {
            said::aside(step);
        }
    }
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn reason(exit: u8) -> &'static str {
    match exit {
        0 => "done",
        USAGE => "usage",
        ATTENTION => "attention",
        20 => "transient",
        30 => "untrusted",
        DISK => "disk",
        50 => "blocked",
        _ => "bug",
    }
}

/// The command line or the recipe is wrong.
pub(super) const USAGE: u8 = 2;
/// Something was found that needs attention.
pub(super) const ATTENTION: u8 = 12;
/// A disk or a file failed.
const DISK: u8 = 40;
