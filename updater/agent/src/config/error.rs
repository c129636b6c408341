//! What can be wrong with a configuration.

use std::error::Error as _;
use std::path::PathBuf;

use trust_client::Location;

use super::Origin;

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is no TOML.
    #[error("failed to parse {}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Words,
    },
    /// A file is no UTF-8.
    #[error("failed to parse {}: it is no UTF-8", path.display())]
    Text {
        /// The file.
        path: PathBuf,
    },
    /// A key that no version knows.
    #[error("unknown key {key:?} in {}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The nearest known one.
        nearest: Option<&'static str>,
    },
    /// A value of the wrong type.
    #[error("failed to read key {key} in {}", path.display())]
    Type {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// Why.
        source: Words,
    },
    /// A value that does not make sense.
    #[error("{key} in {origin} makes no sense: {detail}")]
    Value {
        /// The key.
        key: &'static str,
        /// Where it was read.
        origin: Origin,
        /// What was expected and what was found.
        detail: String,
    },
    /// A key that a verb needs is nowhere.
    #[error("{key} is not configured")]
    Missing {
        /// The key.
        key: &'static str,
    },
}

/// What the TOML reader said, on one line and without what it quotes of the file: a URL there may have a password.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Words(String);

impl Words {
    /// Of a whole file, so that the line is of help.
    pub(super) fn in_text(error: &toml::de::Error, text: &str) -> Self {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Self(format!("line {line}: {}", Self::from(error).0))
    }
}

impl From<&toml::de::Error> for Words {
    fn from(error: &toml::de::Error) -> Self {
        Self(Location::cleaned(&error.message().trim().replace('\n', " ")))
    }
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::UnknownKey { nearest: Some(nearest), .. } => Some(format!("did you mean {nearest:?}?")),
            Error::UnknownKey { .. } => {
                let known: Vec<&str> = super::keys::names().collect();
                Some(format!("known keys: {}", known.join(", ")))
            }
            Error::Missing { key } => Some(format!("set it in /etc/updog.toml: {key} = …")),
            _ => None,
        }
    }
}

/// The error and its causes in one line.
pub(super) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(error.to_string().trim_end());
        cause = error.source();
    }
    if let Error::UnknownKey { nearest: Some(nearest), .. } = error {
        text += " (did you mean ";
        text += nearest;
        text += "?)";
    }
    text.replace('\n', " ")
}
