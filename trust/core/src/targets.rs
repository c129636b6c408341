//! Targets: the files, and what is left to delegated roles.

use std::collections::BTreeMap;

use globset::GlobBuilder;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::{Hashes, sha256};
use crate::document::Document;
use crate::error::Error;
use crate::keys::{Keys, Signers};
use crate::role::{Role, quote};

/// A file that a targets role signs for.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its name in the metadata.
    pub name: String,
    /// Its length in bytes.
    pub length: u64,
    /// Its digests.
    pub hashes: Hashes,
    /// Where it lies below the targets URL, percent-encoded, with the digest before the file name in a repository
    /// with consistent snapshots.
    pub path: String,
    /// The publisher's own words about it; `null` when there are none.
    pub custom: Value,
}

impl Target {
    /// The SHA-256, which every repository of ours lists.
    pub fn sha256(&self) -> Option<[u8; 32]> {
        self.hashes.sha256()
    }

    /// Checks length and digests of the whole file.
    pub fn check(&self, bytes: &[u8]) -> Result<(), Error> {
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if found != self.length {
            return Err(Error::WrongLength { what: self.what(), expected: self.length, found });
        }
        self.hashes.check(&self.what(), bytes)
    }

    fn what(&self) -> String {
        format!("target {}", self.name)
    }
}

/// A verified targets document, top-level or delegated.
#[derive(Debug)]
pub(crate) struct TargetsRole {
    targets: BTreeMap<String, Entry>,
    delegations: Option<Delegations>,
}

/// A role that a targets role trusts with some names.
#[derive(Debug, Clone)]
pub(crate) struct Delegate {
    pub(crate) role: Role,
    pub(crate) signers: Signers,
    pub(crate) terminating: bool,
}

impl TargetsRole {
    pub(crate) fn parse(document: &Document) -> Result<Self, Error> {
        let role: Self = document.body::<Fields>()?.into();
        if let Some(delegations) = &role.delegations {
            delegations.check(&document.role)?;
        }
        Ok(role)
    }

    /// All names this role signs for, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.targets.keys().map(String::as_str)
    }

    /// The file of that name.
    pub(crate) fn target(&self, name: &str, consistent_snapshot: bool) -> Result<Option<Target>, Error> {
        self.targets.get(name).map(|entry| entry.target(name, consistent_snapshot)).transpose()
    }

    /// What is said of that file.
    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.targets.get(name)
    }

    pub(crate) fn keys(&self) -> Option<&Keys> {
        self.delegations.as_ref().map(|delegations| &delegations.keys)
    }

    /// The roles that may sign for `target`, in order of trust, up to and including the first terminating one
    /// (spec 5.6.7.2).
    pub(crate) fn delegates(&self, target: &str) -> Vec<Delegate> {
        let Some(delegations) = &self.delegations else { return Vec::new() };
        let mut found = Vec::new();
        for delegated in delegations.roles.iter().filter(|delegated| delegated.covers(target)) {
            found.push(Delegate {
                role: Role::Delegated(delegated.name.clone()),
                signers: delegated.signers.clone(),
                terminating: delegated.terminating,
            });
            if delegated.terminating {
                return found;
            }
        }
        found.extend(delegations.bins.as_ref().and_then(|bins| bins.delegate(target)));
        found
    }

    /// Every role that anything is left to, in order of trust; of hash bins those that are among `listed`, since the
    /// others are not published.
    pub(crate) fn all_delegates<'a>(&self, listed: impl Iterator<Item = &'a str>) -> Vec<Delegate> {
        let Some(delegations) = &self.delegations else { return Vec::new() };
        let delegate = |delegated: &Delegated| Delegate {
            role: Role::Delegated(delegated.name.clone()),
            signers: delegated.signers.clone(),
            terminating: false,
        };
        let mut all: Vec<Delegate> = delegations.roles.iter().map(delegate).collect();
        if let Some(bins) = &delegations.bins {
            all.extend(listed.filter_map(|name| bins.bin(name)));
        }
        all
    }
}

/// What a targets role says of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    length: u64,
    hashes: BTreeMap<String, String>,
    #[serde(default)]
    custom: Value,
}

impl Entry {
    pub(crate) fn target(&self, name: &str, consistent_snapshot: bool) -> Result<Target, Error> {
        let hashes = Hashes::parse(&format!("target {name}"), &self.hashes)?;
        let prefix = if consistent_snapshot { format!("{}.", hashes.prefix()) } else { String::new() };
        let path = target_path(name, &prefix)?;
        let custom = self.custom.clone();
        Ok(Target { name: name.to_owned(), length: self.length, hashes, path, custom })
    }
}

#[derive(Debug)]
struct Delegations {
    keys: Keys,
    roles: Vec<Delegated>,
    bins: Option<Bins>,
}

impl Delegations {
    /// A delegated role that goes by a top-level name could stand in for it in the store.
    fn check(&self, role: &Role) -> Result<(), Error> {
        let refuse = |reason| Err(Error::Delegation { role: role.clone(), reason });
        for delegated in &self.roles {
            if ["root", "timestamp", "snapshot", "targets", ""].contains(&delegated.name.as_str()) {
                return refuse(format!("expected a name of its own, found {:?}", delegated.name));
            }
            for pattern in delegated.paths.iter().flatten() {
                if glob(pattern).is_none() {
                    return refuse(format!("expected a path pattern, found {pattern:?}"));
                }
            }
        }
        match &self.bins {
            Some(bins) if !(1..=32).contains(&bins.bit_length) => {
                refuse(format!("expected bit_length 1 to 32, found {}", bins.bit_length))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Delegated {
    name: String,
    #[serde(flatten)]
    signers: Signers,
    #[serde(default)]
    terminating: bool,
    #[serde(default)]
    paths: Option<Vec<String>>,
    #[serde(default)]
    path_hash_prefixes: Option<Vec<String>>,
}

impl Delegated {
    fn covers(&self, target: &str) -> bool {
        let digest = || hex::encode(sha256(target.as_bytes()));
        let by_path =
            self.paths.iter().flatten().any(|pattern| glob(pattern).is_some_and(|g| g.is_match(target)));
        let by_hash = || {
            let mut prefixes = self.path_hash_prefixes.iter().flatten().peekable();
            prefixes.peek().is_some() && {
                let digest = digest();
                prefixes.any(|prefix| digest.starts_with(prefix.as_str()))
            }
        };
        by_path || by_hash()
    }
}

/// Succinct hash bins (TAP 15): 2^n roles with computed names share the targets by the digest of their names.
#[derive(Debug, Deserialize)]
struct Bins {
    #[serde(flatten)]
    signers: Signers,
    bit_length: u32,
    name_prefix: String,
}

impl Bins {
    fn delegate(&self, target: &str) -> Option<Delegate> {
        let [a, b, c, d, ..] = sha256(target.as_bytes());
        let bin = u32::from_be_bytes([a, b, c, d]).checked_shr(32_u32.checked_sub(self.bit_length)?)?;
        let digits = usize::try_from(self.bit_length.div_ceil(4)).ok()?;
        let name = format!("{}-{bin:0digits$x}", self.name_prefix);
        Some(Delegate { role: Role::Delegated(name), signers: self.signers.clone(), terminating: true })
    }

    /// The bin of that name, if it is one of these.
    fn bin(&self, name: &str) -> Option<Delegate> {
        let number = name.strip_prefix(self.name_prefix.as_str())?.strip_prefix('-')?;
        let digits = usize::try_from(self.bit_length.div_ceil(4)).ok()?;
        let bin = u64::from_str_radix(number, 16).ok()?;
        let is = number == format!("{bin:0digits$x}") && bin.checked_shr(self.bit_length) == Some(0);
        is.then(|| Delegate {
            role: Role::Delegated(name.to_owned()),
            signers: self.signers.clone(),
            terminating: false,
        })
    }
}

/// A shell pattern whose wildcards stay between slashes, as the specification asks.
fn glob(pattern: &str) -> Option<globset::GlobMatcher> {
    Some(GlobBuilder::new(pattern).literal_separator(true).build().ok()?.compile_matcher())
}

/// The path of a target below the targets URL: the digest stands before the file name, not before the folders.
fn target_path(name: &str, prefix: &str) -> Result<String, Error> {
    let bad = |part: &str| part.is_empty() || part == "." || part == ".." || part.contains(char::is_control);
    if name.split('/').any(bad) {
        return Err(Error::TargetName { name: name.to_owned() });
    }
    let mut parts: Vec<String> = name.split('/').map(quote).collect();
    if let Some(file) = parts.last_mut() {
        file.insert_str(0, prefix);
    }
    Ok(parts.join("/"))
}

#[derive(Deserialize)]
struct Fields {
    targets: BTreeMap<String, Entry>,
    #[serde(default)]
    delegations: Option<DelegationFields>,
}

#[derive(Deserialize)]
struct DelegationFields {
    keys: BTreeMap<String, Value>,
    #[serde(default)]
    roles: Option<Vec<Delegated>>,
    #[serde(default)]
    succinct_roles: Option<Bins>,
}

impl From<Fields> for TargetsRole {
    fn from(fields: Fields) -> Self {
        let delegations = fields.delegations.map(|d| Delegations {
            keys: Keys::parse(d.keys),
            roles: d.roles.unwrap_or_default(),
            bins: d.succinct_roles,
        });
        Self { targets: fields.targets, delegations }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_stands_before_the_file_name() {
        assert_eq!(target_path("a/b c/os.img", "d1.").unwrap(), "a/b%20c/d1.os.img");
        assert_eq!(target_path("os+1.img", "").unwrap(), "os%2B1.img");
    }

    #[test]
    fn names_that_climb_are_refused() {
        for name in ["", "/x", "x/", "a//b", "../x", "a/../b", ".", "a\nb"] {
            assert!(target_path(name, "d1.").is_err(), "{name:?}");
        }
    }

    #[test]
    fn wildcards_stay_between_slashes() {
        for (pattern, name, yes) in [
            ("*.md", "README.md", true),
            ("*.md", "x/README.md", false),
            ("x/*", "x/a", true),
            ("foo-?.tgz", "foo-1.tgz", true),
            ("foo-?.tgz", "foo-12.tgz", false),
            ("*.md", "README.MD", false),
        ] {
            assert_eq!(glob(pattern).unwrap().is_match(name), yes, "{pattern} {name}");
        }
    }
}
