//! What can be wrong with a `repo.toml`.

use trust_client::Location;

/// It cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntentError {
    /// No UTF-8, or no TOML.
    #[error("{reason}")]
    Parse {
        /// Where and why, on one line.
        reason: String,
    },
    /// A key that no version knows.
    #[error("unknown key {key:?}")]
    UnknownKey {
        /// The key with its sections.
        key: String,
        /// The nearest known one, or all that are known there.
        hint: String,
    },
    /// A value of the wrong type.
    #[error("failed to read {key}: {reason}")]
    Type {
        /// The key.
        key: String,
        /// Why.
        reason: String,
    },
    /// A value that does not make sense.
    #[error("{key} makes no sense: {detail}")]
    Value {
        /// The key.
        key: String,
        /// What was expected and what was found.
        detail: String,
    },
}

impl IntentError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKey { hint, .. } => Some(hint.clone()),
            Self::Parse { .. } | Self::Type { .. } | Self::Value { .. } => {
                Some("mend it in repo.toml; a line that is left out has its default".to_owned())
            }
        }
    }

    pub(super) fn value(key: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Value { key: key.into(), detail: Location::cleaned(&detail.into()) }
    }
}
