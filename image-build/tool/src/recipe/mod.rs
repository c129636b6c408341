//! What an image is made of, as its builder means it.
//!
//! Three layers: `typed` is the TOML text with every key optional, `keys` finds keys that nobody knows, [`Recipe`] is what
//! both mean together: checked, with defaults, for all architectures.

mod boot;
mod error;
mod keys;
mod load;
mod typed;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use error::Error;
pub(crate) use load::LATEST;

use crate::{Arch, Sizes};

/// A recipe; [`Recipe::load`] and [`Recipe::parse`] make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Which flavour of the system this is; part of release and target names.
    pub variant: String,
    /// Debian's release, as in `trixie`.
    pub suite: String,
    /// What it can be built for.
    pub arch: Vec<Arch>,
    /// Debian packages of the root; what they depend on comes by the lock.
    pub packages: Vec<String>,
    /// Packages that count as installed when the others' dependencies are resolved, and never come in.
    pub without: Vec<String>,
    /// Globs of paths that packages bring and the root does not get; with `!` before it, gets again. The last match wins.
    pub remove: Vec<String>,
    /// Seconds since 1970 that stand for the time of the build in every time stamp.
    pub epoch: u64,
    /// The program that becomes PID 1.
    pub init: String,
    /// The kernel's words; those that a rollback needs come before, the build's own after.
    pub cmdline: String,
    /// The selector's public keys, a file as image-build/boot/build.rs reads it; `None`: the test keys.
    pub keys: Option<PathBuf>,
    /// Kernel and modules.
    pub kernel: Kernel,
    /// Our programs that go to `/usr/bin`.
    pub programs: Vec<String>,
    /// Files that are written over what packages bring.
    pub files: Vec<File>,
    /// Symbolic links.
    pub links: Vec<Link>,
    /// systemd units.
    pub units: Units,
    /// Lines of `/etc/passwd` beside root and nobody.
    pub users: Vec<User>,
    /// Lines of `/etc/group` beside root and nogroup.
    pub groups: Vec<Group>,
    /// Sizes of the partitions.
    pub size: Sizes,
    /// Findings of the audit that are known and why they may stay.
    pub audit: Vec<AuditException>,
    /// What is added for one architecture.
    pub on: BTreeMap<Arch, Extra>,
    /// Relative paths in the recipe start here.
    pub folder: PathBuf,
}

/// Kernel and modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The Debian package of the kernel, by architecture; a metapackage will do.
    pub package: BTreeMap<Arch, String>,
    /// Modules that the initramfs loads, in this order, each after what it depends on.
    pub modules: Vec<String>,
    /// Modules that the root gets, with what they depend on.
    pub root_modules: Vec<String>,
    /// Modules that systemd loads on each boot.
    pub load: Vec<String>,
}

/// A file of the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it goes, from `/`.
    pub path: String,
    /// What is in it.
    pub content: Content,
    /// Permission bits, as in 0o644.
    pub mode: u32,
}

/// Where a file's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// They stand in the recipe.
    Text(String),
    /// A file, relative to the recipe's folder.
    Source(PathBuf),
}

/// A symbolic link of the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it goes, from `/`.
    pub path: String,
    /// What it points at.
    pub target: String,
}

/// systemd units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Units {
    /// Those that the default target wants.
    pub enabled: Vec<String>,
    /// Those that never start.
    pub masked: Vec<String>,
    /// The default target; `None`: as the packages have it.
    pub default: Option<String>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The number; its group has the same.
    pub uid: u32,
    /// The home folder.
    pub home: String,
    /// Groups beside its own.
    pub groups: Vec<String>,
}

/// A group without a user of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: String,
    /// The number.
    pub gid: u32,
}

/// A finding of the audit that may stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditException {
    /// The package that brings the file.
    pub package: String,
    /// The file, from `/`; a glob.
    pub path: String,
    /// The check it does not pass.
    pub check: String,
    /// Why that is no harm.
    pub reason: String,
}

/// What is added for one architecture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// More packages.
    pub packages: Vec<String>,
    /// More modules for the initramfs, after the others.
    pub modules: Vec<String>,
    /// More modules for the root.
    pub root_modules: Vec<String>,
    /// More words for the command line.
    pub cmdline: String,
}

impl Recipe {
    /// The kernel's package; every architecture of the recipe has one.
    pub fn kernel_package(&self, arch: Arch) -> &str {
        self.kernel.package.get(&arch).map_or("", String::as_str)
    }

    /// All packages of the root for `arch`, sorted, each once.
    pub fn packages(&self, arch: Arch) -> Vec<String> {
        let mut packages = self.with_extra(arch, &self.packages, |extra| &extra.packages);
        packages.sort();
        packages.dedup();
        packages
    }

    /// The modules that the initramfs loads.
    pub fn modules(&self, arch: Arch) -> Vec<String> {
        self.with_extra(arch, &self.kernel.modules, |extra| &extra.modules)
    }

    /// The modules that the root gets, without what they depend on.
    pub fn root_modules(&self, arch: Arch) -> Vec<String> {
        self.with_extra(arch, &self.kernel.root_modules, |extra| &extra.root_modules)
    }

    fn with_extra(&self, arch: Arch, common: &[String], extra: fn(&Extra) -> &Vec<String>) -> Vec<String> {
        let more = self.on.get(&arch).map(extra).into_iter().flatten();
        common.iter().chain(more).cloned().collect()
    }
}
