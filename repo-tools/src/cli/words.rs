//! The words on the command line where they cannot be understood, or ask for help: which verb was meant, whether a
//! script listens, and what must not be repeated.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};

use clap::CommandFactory as _;
use clap::error::ErrorKind;
use serde_json::json;
use trust_client::Location;
use updater_core::Exit;

use super::Args;
use super::answer::{Answer, Form, key_hint, print, say, say_usage};
use crate::keys::without_secrets;

/// The words after the program's name.
#[derive(Debug)]
pub(super) struct Words(Vec<String>);

impl Words {
    pub(super) fn of(words: impl IntoIterator<Item = OsString>) -> Self {
        Self(words.into_iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect())
    }

    /// Says what clap found instead of a verb: an answer to `--help` and `--version`, else what is wrong.
    pub(super) fn say(&self, found: &clap::Error) -> Exit {
        let exit = if found.use_stderr() { Exit::Usage } else { Exit::Done };
        let typed = found.to_string();
        let text = self.cleaned(&typed);
        if !self.wants_json() {
            if exit == Exit::Done && !std::io::stdout().is_terminal() {
                return print(&text, exit);
            }
            // Nothing can be said when the stream is gone.
            let _ = if text == typed { found.print() } else { write!(std::io::stderr(), "{text}") };
            if let Some(hint) = key_hint(&typed) {
                let _ = writeln!(std::io::stderr(), "hint: {hint}");
            }
            return exit;
        }
        let first = || vec![text.lines().next().unwrap_or_default().to_owned()];
        match found.kind() {
            ErrorKind::DisplayVersion => {
                let data = json!({ "version": env!("CARGO_PKG_VERSION") });
                say("version", Ok(Answer::done(first(), data)), Form::Json)
            }
            ErrorKind::DisplayHelp => {
                say("help", Ok(Answer::done(first(), json!({ "help": text.trim_end() }))), Form::Json)
            }
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
                let verb = self.verb();
                let place = if verb.is_empty() { String::new() } else { format!(" after \"{verb}\"") };
                say_usage(&verb, &format!("expected a verb{place}, found none"), None)
            }
            _ => say_usage(&self.verb(), &paragraph(&text), key_hint(&typed)),
        }
    }

    fn wants_json(&self) -> bool {
        self.options().any(|word| word == "--json")
    }

    fn options(&self) -> impl Iterator<Item = &String> {
        self.0.iter().take_while(|word| *word != "--")
    }

    /// The verb that was meant, as far as the words name one.
    fn verb(&self) -> String {
        let args = Args::command();
        let (mut here, mut verb, mut is_value) = (&args, Vec::new(), false);
        for word in self.options() {
            if std::mem::take(&mut is_value) {
                continue;
            }
            if let Some(option) = word.strip_prefix("--") {
                let takes =
                    |arg: &clap::Arg| arg.get_long() == Some(option) && arg.get_action().takes_values();
                is_value = args.get_arguments().chain(here.get_arguments()).any(takes);
            } else if let Some(found) = here.find_subcommand(word) {
                verb.push(found.get_name().to_owned());
                here = found;
            }
        }
        verb.join(" ")
    }

    /// `text`, in which clap may repeat a word, without the secrets of URLs.
    fn cleaned(&self, text: &str) -> String {
        let mut text = without_secrets(text).into_owned();
        for word in &self.0 {
            for typed in
                [Some(word.as_str()), word.split_once('=').map(|(_, value)| value)].into_iter().flatten()
            {
                let shown = Location::new(typed).to_string();
                if shown != typed {
                    text = text.replace(typed, &shown);
                }
            }
        }
        text
    }
}

/// What is wrong, on one line: clap's first paragraph.
fn paragraph(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    lines.join(" ").trim_start_matches("error: ").to_owned()
}
