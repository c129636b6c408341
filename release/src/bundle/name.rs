//! Names of members, and their order.

use std::cmp::Ordering;
use std::fmt;

use super::BundleError;

/// `metadata/…` or `targets/…`: where the file lies once it is unpacked, and never outside of that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(String);

impl Name {
    /// A metadata file.
    pub fn metadata(file: &str) -> Result<Name, BundleError> {
        Name::parse(&format!("{METADATA}{file}"))
    }

    /// A target, by the path below `targets/`.
    pub fn target(path: &str) -> Result<Name, BundleError> {
        Name::parse(&format!("{TARGETS}{path}"))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn parse(text: &str) -> Result<Name, BundleError> {
        let refused = || BundleError::Name { name: text.chars().take(120).collect() };
        let rest = text.strip_prefix(METADATA).or_else(|| text.strip_prefix(TARGETS)).ok_or_else(refused)?;
        // Absolute names, names that climb and names that a shell or another system reads otherwise.
        let part = |part: &str| {
            !matches!(part, "" | "." | "..")
                && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        };
        if text.len() > MAX_LENGTH || !rest.split('/').all(part) {
            return Err(refused());
        }
        Ok(Name(text.to_owned()))
    }

    /// Roots by number, timestamp, other metadata, targets: a reader that goes through from the front meets everything
    /// after that by which it is trusted.
    fn rank(&self) -> (u8, u64) {
        let Some(file) = self.0.strip_prefix(METADATA) else { return (3, 0) };
        if file == "timestamp.json" {
            return (1, 0);
        }
        let number = file.strip_suffix(".root.json").and_then(|number| number.parse().ok());
        number.map_or((2, 0), |number| (0, number))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Name) -> Ordering {
        self.rank().cmp(&other.rank()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

const METADATA: &str = "metadata/";
const TARGETS: &str = "targets/";
/// `targets/`, a digest and the longest file name there is, with room for a folder.
const MAX_LENGTH: usize = 400;
