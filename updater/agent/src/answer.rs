//! What a verb answers, and how it is shown: text for people, one object for programs.

use std::error::Error as StdError;

use serde_json::{Value, json};
use updater_core::{Exit, Reason};

use crate::Error;

/// The answer of a verb that did its work, whether the answer is welcome or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// How the run ends.
    pub exit: Exit,
    /// The rule that decided, where one did.
    pub reason: Option<Reason>,
    /// Lines for people; the last one states the fact.
    pub message: String,
    /// The same for programs, and more.
    pub data: Value,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Answer {
    /// Done.
    pub fn done(message: impl Into<String>, data: Value) -> Answer {
        Answer { exit: Exit::Done, reason: None, message: message.into(), data, hint: None }
    }

    /// There was nothing to do.
    pub fn nothing(message: impl Into<String>, data: Value) -> Answer {
        Answer { exit: Exit::NothingToDo, ..Answer::done(message, data) }
    }

    /// The answer that an error gives. `data` says until when it holds and what to do about it, where that is known.
    pub fn from_error(error: &Error) -> Answer {
        let mut data = serde_json::Map::new();
        if let Some(until) = error.until() {
            data.insert("until".to_owned(), json!(until));
        }
        if let Some(hint) = error.hint() {
            data.insert("hint".to_owned(), json!(hint));
        }
        Answer {
            exit: error.exit(),
            reason: error.reason(),
            message: chain(error),
            data: Value::Object(data),
            hint: error.hint(),
        }
    }

    /// The one object of `--json` (design §10.6).
    pub fn json(&self, verb: Option<&str>) -> Value {
        json!({
            "format": 1,
            "verb": verb,
            "ok": self.exit.is_ok(),
            "exit": self.exit.code(),
            "reason": self.reason,
            "message": self.message,
            "data": self.data,
        })
    }
}

/// An error and its causes in one line.
pub fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        // A transparent error says what its cause says.
        if !text.ends_with(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = error.source();
    }
    text.trim_end().replace('\n', " ")
}
