//! The keys of the migrations: `(FROM, TO)`.

use std::fmt;
use std::str::FromStr;

use semver::Version;

/// From one version to another, as a key of the migrations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hop {
    /// The version that data comes from.
    pub from: Version,
    /// The version that it goes to.
    pub to: Version,
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.from, self.to)
    }
}

/// Why a key is no hop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HopError {
    /// No `(FROM, TO)` in it.
    #[error("migration {text:?} names no versions: expected (FROM, TO)")]
    Shape {
        /// The key, at most its first 80 characters.
        text: String,
    },
    /// One of the two is no version.
    #[error("migration names {text:?}, which is no version ({reason})")]
    Version {
        /// The text, at most its first 80 characters.
        text: String,
        /// What the version reader says.
        reason: semver::Error,
    },
}

impl FromStr for Hop {
    type Err = HopError;

    /// As Bottlerocket reads it: the first `(FROM,TO)` anywhere in the text, blanks allowed after the comma, neither
    /// blank nor comma in the versions.
    fn from_str(text: &str) -> Result<Hop, HopError> {
        let pair = text.match_indices('(').find_map(|(start, open)| pair(text.get(start + open.len()..)?));
        let (from, to) = pair.ok_or_else(|| HopError::Shape { text: short(text) })?;
        Ok(Hop { from: version(from)?, to: version(to)? })
    }
}

/// `FROM,TO)` at the start of the text.
fn pair(text: &str) -> Option<(&str, &str)> {
    let (from, rest) = text.split_once(',')?;
    let rest = rest.trim_start_matches(' ');
    // Their pattern takes all it can, so the last parenthesis of the word ends it.
    let word = rest.split([' ', ',']).next()?;
    let (to, _) = word.rsplit_once(')')?;
    (!from.is_empty() && !from.contains(' ') && !to.is_empty()).then_some((from, to))
}

fn version(text: &str) -> Result<Version, HopError> {
    text.parse().map_err(|reason| HopError::Version { text: short(text), reason })
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_bottlerocket_reads_them() {
        let cases = [
            ("(1.0.0, 1.1.0)", Some("(1.0.0, 1.1.0)")),
            ("(1.0.0,1.1.0)", Some("(1.0.0, 1.1.0)")),
            ("(1.0.0,   1.1.0)", Some("(1.0.0, 1.1.0)")),
            ("from (1.0.0, 1.1.0) on", Some("(1.0.0, 1.1.0)")),
            ("() (1.0.0, 1.1.0)", Some("(1.0.0, 1.1.0)")),
            ("(1.0.0-rc.1+b, 1.1.0)", Some("(1.0.0-rc.1+b, 1.1.0)")),
            ("(1.1.0, 1.0.0)", Some("(1.1.0, 1.0.0)")),
            ("(1.0.0, 1.1.0", None),
            ("1.0.0, 1.1.0", None),
            ("(1.0.0)", None),
            ("(1.0, 1.1)", None),
            ("(v1.0.0, 1.1.0)", None),
            ("(1.0.0 , 1.1.0)", None),
            ("(, )", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let hop = text.parse::<Hop>().ok().map(|hop| hop.to_string());
            assert_eq!(hop.as_deref(), expected, "{text:?}");
        }
    }
}
