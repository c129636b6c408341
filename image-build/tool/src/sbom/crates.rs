//! The crates that our programs are made of, by `Cargo.lock`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Error;
use super::spdx::{Checksum, Package, Purpose, escaped};

/// The packages of a `Cargo.lock`.
#[derive(Debug)]
pub(super) struct Crates {
    by_name: BTreeMap<String, Vec<Crate>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct Crate {
    name: String,
    version: String,
    /// Without one it is a crate of this workspace.
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Deserialize)]
struct CargoLock {
    package: Vec<Crate>,
}

impl Crates {
    pub(super) fn parse(text: &str) -> Result<Crates, Error> {
        let lock: CargoLock = toml::from_str(text).map_err(|source| Error::CargoLock(Box::new(source)))?;
        let mut by_name: BTreeMap<String, Vec<Crate>> = BTreeMap::new();
        for package in lock.package {
            by_name.entry(package.name.clone()).or_default().push(package);
        }
        Ok(Crates { by_name })
    }

    /// The version of a crate of the workspace.
    pub(super) fn version(&self, name: &str) -> Option<&str> {
        self.find(name).map(|found| &*found.version)
    }

    /// All crates from elsewhere that a crate leads to, sorted. A lock does not say which are for tests or for other machines
    /// only, so these are among them.
    pub(super) fn closure(&self, name: &str) -> Vec<&Crate> {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&Crate> = self.find(name).into_iter().collect();
        while let Some(package) = next.pop() {
            if seen.insert(package) {
                next.extend(package.dependencies.iter().filter_map(|named| self.find(named)));
            }
        }
        seen.into_iter().filter(|package| package.checksum.is_some()).collect()
    }

    /// `NAME`, or `NAME VERSION …` where there are several.
    fn find(&self, named: &str) -> Option<&Crate> {
        let mut words = named.split(' ');
        let found = self.by_name.get(words.next()?)?;
        match words.next() {
            None => found.first(),
            Some(version) => found.iter().find(|package| package.version == version),
        }
    }
}

impl Crate {
    pub(super) fn package(&self) -> Package {
        let purl = format!("pkg:cargo/{}@{}", escaped(&self.name), escaped(&self.version));
        let package = Package::new("crate", &self.name, &self.version, Purpose::Library).found_at(purl);
        match &self.checksum {
            Some(digits) => package.of(Checksum::written(digits.clone())),
            None => package,
        }
    }
}
