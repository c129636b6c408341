//! Names of roles, and the file names and URL paths made from them.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A TUF role: one of the four that every root names, or a delegated one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Who may sign.
    Root,
    /// Freshness.
    Timestamp,
    /// The consistent list.
    Snapshot,
    /// The files.
    Targets,
    /// Files that [`Role::Targets`] or another delegated role leaves to somebody else.
    Delegated(String),
}

impl Role {
    /// The name as it stands in metadata.
    pub fn name(&self) -> &str {
        match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets => "targets",
            Self::Delegated(name) => name,
        }
    }

    /// The name made safe for one path part: everything but `A-Za-z0-9_.-~` is percent-encoded, so that a role
    /// named `../x` stays inside its folder.
    pub fn quoted(&self) -> String {
        quote(self.name())
    }

    /// The value of `_type` in this role's documents.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets | Self::Delegated(_) => "targets",
        }
    }

    /// The key of this role in a snapshot's or a timestamp's list.
    pub(crate) fn listed_as(&self) -> String {
        format!("{}.json", self.name())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delegated(name) => write!(f, "delegated role {name:?}"),
            _ => f.write_str(self.name()),
        }
    }
}

/// Percent-encodes one path part.
pub(crate) fn quote(part: &str) -> String {
    const KEPT: AsciiSet = NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~');
    utf8_percent_encode(part, &KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_folder() {
        for (name, quoted) in [
            ("../x", "..%2Fx"),
            ("?", "%3F"),
            ("#", "%23"),
            ("/a", "%2Fa"),
            ("a b", "a%20b"),
            ("ä", "%C3%A4"),
        ] {
            assert_eq!(Role::Delegated(name.into()).quoted(), quoted);
        }
    }
}
