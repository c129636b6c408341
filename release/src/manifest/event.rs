//! One change of the past, and the line that says why.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One change of an update, as its history keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// What was done, as the verb was typed: `pause`, `slow 2`.
    pub what: String,
    /// Why, for people.
    #[serde(default)]
    pub reason: String,
    /// Keys that this version does not know, kept.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Event {
    /// A change at this time.
    pub fn new(at: DateTime<Utc>, what: &str, reason: Reason) -> Event {
        Event { at, what: what.to_owned(), reason: reason.0, extra: Map::new() }
    }
}

/// A line for people: no line breaks or other control characters, at most [`Reason::MAX`] bytes. It may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason(String);

/// Why a text is no reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reason has {found}: expected one line of 1 to {} bytes", Reason::MAX)]
pub struct ReasonError {
    found: String,
}

impl Reason {
    /// Its greatest length in bytes; hosts print it in one line and every host fetches it.
    pub const MAX: usize = 200;
}

impl FromStr for Reason {
    type Err = ReasonError;

    fn from_str(text: &str) -> Result<Reason, ReasonError> {
        let text = text.trim();
        if text.is_empty() || text.len() > Reason::MAX {
            return Err(ReasonError { found: format!("{} bytes", text.len()) });
        }
        if let Some(control) = text.chars().find(|character| is_unseen(*character)) {
            return Err(ReasonError { found: format!("the character {control:?}") });
        }
        Ok(Reason(text.to_owned()))
    }
}

/// Moves the cursor, or turns the words around it: a terminal would show another text than the one that was signed.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
