//! What a verb says: sentences for people, one object for scripts.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Value, json};
use trust_client::Location;
use updater_core::Exit;

use crate::error::{Error, chain};
use crate::keys::{clean, without_private, without_secrets};

/// The outcome of a verb that did not fail.
#[derive(Debug)]
pub(super) struct Answer {
    exit: Exit,
    reason: Option<&'static str>,
    lines: Vec<String>,
    data: Value,
}

impl Answer {
    /// Done; the last line states the fact.
    pub(super) fn done(lines: Vec<String>, data: Value) -> Self {
        Self { exit: Exit::Done, reason: None, lines, data }
    }

    /// The same answer with these lines before its own.
    pub(super) fn after(mut self, lines: Vec<String>) -> Self {
        self.lines.splice(0..0, lines);
        self
    }

    /// Done as far as it goes, with another exit code than 0.
    pub(super) fn ending(ending: Ending, lines: Vec<String>, data: Value) -> Self {
        Self { exit: ending.exit(), reason: Some(ending.word()), lines, data }
    }

    /// The same answer of a run that wrote nothing: `writes` is what it would have written, one line each.
    pub(super) fn rehearsed(mut self, writes: Vec<String>, data: Value) -> Self {
        self.lines.insert(0, "Dry run: this would be the answer.".to_owned());
        self.lines.extend(writes);
        self.lines.push("dry run: nothing was written".to_owned());
        match &mut self.data {
            Value::Object(object) => {
                object.insert("dry_run".to_owned(), data);
            }
            other => *other = json!({ "dry_run": data }),
        }
        self
    }
}

/// How a verb ends that neither failed nor did all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It was so before.
    NothingToDo,
    /// Others must sign first.
    Signatures,
    /// Something was found.
    Problems,
    /// A role expires soon.
    Expiring,
    /// A role has expired.
    Expired,
}

impl Ending {
    /// All of them; `docs/repository.md` lists their words.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 5] =
        [Self::NothingToDo, Self::Signatures, Self::Problems, Self::Expiring, Self::Expired];

    fn exit(self) -> Exit {
        match self {
            Self::NothingToDo => Exit::NothingToDo,
            Self::Signatures => Exit::MustWait,
            Self::Problems | Self::Expiring | Self::Expired => Exit::Attention,
        }
    }

    /// The word for scripts in `--json`'s `reason`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::NothingToDo => "nothing_to_do",
            Self::Signatures => "signatures",
            Self::Problems => "problems",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
        }
    }
}

/// How to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Sentences; failures on standard error.
    Text,
    /// One object on standard output, whatever happens.
    Json,
}

/// Says how a verb ended and returns its exit code.
pub(super) fn say(verb: &str, result: Result<Answer, Error>, form: Form) -> Exit {
    match result {
        Ok(answer) => {
            let text = match form {
                Form::Text => answer.lines.join("\n"),
                Form::Json => {
                    let message = answer.lines.last().cloned().unwrap_or_default();
                    object(verb, answer.exit, answer.reason, &message, &answer.data)
                }
            };
            print(&text, answer.exit)
        }
        Err(error) => {
            // A path that was typed may be a URL with a password in it.
            let said = chain(&error);
            let hint = key_hint(&said).map(str::to_owned).or_else(|| error.hint());
            let (exit, message) = (error.exit(), Location::cleaned(&without_secrets(&said)));
            match form {
                Form::Text => {
                    complain(&message, exit, hint);
                    exit
                }
                Form::Json => {
                    let data = json!({ "hint": hint });
                    print(&object(verb, exit, Some(error.reason()), &message, &data), exit)
                }
            }
        }
    }
}

/// Says that the words on the command line are wrong, as an object.
pub(super) fn say_usage(verb: &str, message: &str, hint: Option<&str>) -> Exit {
    let help = || format!("run \"updog-repo {verb} --help\"").replace("  ", " ");
    let hint = hint.map_or_else(help, str::to_owned);
    print(&object(verb, Exit::Usage, Some("usage"), message, &json!({ "hint": hint })), Exit::Usage)
}

/// What to do when somebody typed a private key where its file belongs.
pub(super) fn key_hint(said: &str) -> Option<&'static str> {
    matches!(without_private(said), Cow::Owned(_)).then_some(
        "--key takes a file or a key URI, not the key itself: this one is in the shell's history now",
    )
}

fn object(verb: &str, exit: Exit, reason: Option<&str>, message: &str, data: &Value) -> String {
    let mut object = json!({
        "format": 1,
        "verb": verb,
        "ok": exit.is_ok(),
        "exit": exit.code(),
        "reason": reason,
        "message": message,
        "data": data,
    });
    clean(&mut object);
    object.to_string()
}

fn complain(message: &str, exit: Exit, hint: Option<String>) {
    let mut text = if exit == Exit::Bug {
        format!("this is a bug in updog-repo: {message}")
    } else {
        format!("error: {message}")
    };
    if let Some(hint) = hint {
        text.push_str("\nhint: ");
        text.push_str(&hint);
    }
    let text = without_secrets(&text);
    // Nowhere left to complain when standard error is gone.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints an answer that ends with `exit`, or says that it could not be written.
pub(super) fn print(text: &str, exit: Exit) -> Exit {
    let mut out = io::stdout().lock();
    let text = without_secrets(text);
    match writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush()) {
        Ok(()) => exit,
        // A reader that closed the pipe has what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit,
        Err(source) => {
            let error = Error::WriteFile { path: PathBuf::from("standard output"), source };
            complain(&chain(&error), error.exit(), error.hint());
            error.exit()
        }
    }
}
