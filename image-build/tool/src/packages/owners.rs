//! Which package brought which file.

use std::collections::BTreeMap;

/// Which package brought which file of a tree. Folders belong to nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners(BTreeMap<String, String>);

impl Owners {
    /// The package that brought the file at this path, without a leading slash.
    pub fn of(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// Notes who brought a file; the build does it for what it adds itself.
    pub fn add(&mut self, path: impl Into<String>, package: impl Into<String>) {
        self.0.insert(path.into(), package.into());
    }
}
