//! TOML → [`Lock`]. Strict: what is accepted would be written in the same bytes.

use std::path::Path;
use std::{fs, io};

use release::Digest;
use serde::Deserialize;

use super::{Error, Lock, Locked, Wanted};
use crate::Arch;

impl Lock {
    /// Reads the lock for `arch`.
    pub fn read(path: &Path, arch: Arch) -> Result<Lock, Error> {
        let text = fs::read_to_string(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::Absent { path: path.to_owned() },
            _ => Error::Read { path: path.to_owned(), source },
        })?;
        Lock::parse(path, arch, &text)
    }

    /// What the text of the lock at `path` means.
    pub fn parse(path: &Path, arch: Arch, text: &str) -> Result<Lock, Error> {
        let typed: Typed = toml::from_str(text)
            .map_err(|source| Error::Parse { path: path.to_owned(), source: Box::new(source) })?;
        let value = |problem: String| Error::Value { path: path.to_owned(), problem };
        if typed.format != 1 {
            return Err(value(format!("format: expected 1, found {}", typed.format)));
        }
        if typed.arch != arch.name() {
            return Err(Error::OtherArch { path: path.to_owned(), expected: arch, found: typed.arch });
        }
        for package in typed.root.iter().chain(&typed.kernel) {
            package.problem(arch).map_or(Ok(()), |problem| Err(value(problem)))?;
        }
        let TypedWanted { suite, kernel, packages, without } = typed.wanted;
        let lock = Lock {
            arch,
            wanted: Wanted::new(suite, kernel, packages, without),
            root: typed.root.into_iter().map(Locked::from).collect(),
            kernel: typed.kernel.into_iter().map(Locked::from).collect(),
        };
        for list in [&lock.root, &lock.kernel] {
            if let Some(pair) = list.windows(2).find(|pair| pair[0].package >= pair[1].package) {
                let (before, after) = (&pair[0].package, &pair[1].package);
                return Err(value(format!(
                    "packages: expected names in order, found {before} before {after}"
                )));
            }
        }
        // Names in another order or twice would build the same image under another digest.
        if lock.to_text() != text {
            return Err(value("expected the text that --update-lock writes, found an edited one".to_owned()));
        }
        Ok(lock)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    format: u32,
    arch: String,
    wanted: TypedWanted,
    #[serde(default)]
    kernel: Vec<TypedLocked>,
    #[serde(default)]
    root: Vec<TypedLocked>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedWanted {
    suite: String,
    kernel: String,
    packages: Vec<String>,
    without: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedLocked {
    package: String,
    version: String,
    architecture: String,
    path: String,
    size: u64,
    sha256: Digest,
}

impl TypedLocked {
    /// Why no lock has this package.
    fn problem(&self, arch: Arch) -> Option<String> {
        let TypedLocked { package, version, architecture, path, .. } = self;
        if !is_plain(package) || !is_plain(version) {
            Some(format!("package: expected a Debian name and version, found {package:?} {version:?}"))
        } else if architecture != "all" && architecture != arch.debian() {
            Some(format!(
                "{package}: architecture: expected {} or all, found {architecture:?}",
                arch.debian()
            ))
        } else if !is_pool_path(path) {
            Some(format!("{package}: path: expected pool/….deb, found {path:?}"))
        } else {
            None
        }
    }
}

impl From<TypedLocked> for Locked {
    fn from(typed: TypedLocked) -> Locked {
        let TypedLocked { package, version, architecture, path, size, sha256 } = typed;
        Locked { package, version, architecture, path, size, sha256 }
    }
}

/// The letters of Debian's names and versions (Policy 5.6.1, 5.6.12).
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.~:_".contains(letter))
}

/// A path below an archive that cannot lead out of it, nor mean something else as a URL.
fn is_pool_path(path: &str) -> bool {
    let parts = path.split('/').all(|part| is_plain(part) && part != "." && part != "..");
    parts && path.strip_prefix("pool/").is_some_and(|rest| rest.strip_suffix(".deb").is_some())
}
