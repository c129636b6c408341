//! What can go wrong between a mirror and a tree.

use std::io;
use std::path::PathBuf;

use release::Digest;
use trust_client::Location;

/// Packages that did not become a tree.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No Debian archive in the machine's apt configuration.
    #[error("failed to find a Debian archive in the machine's apt configuration")]
    NoMirror,
    /// Not a mirror's URL.
    #[error("failed to use the mirror {url:?}: expected an http or https URL")]
    BadMirror {
        /// The setting.
        url: Location,
    },
    /// Not a package's name.
    #[error("failed to look up {name:?}: expected the name of a Debian package")]
    BadName {
        /// The name.
        name: String,
    },
    /// Asked for and left out at once.
    #[error("failed to look up {name}: it stands in both packages and without")]
    Contradiction {
        /// The package.
        name: String,
    },
    /// The archive does not have it.
    #[error("failed to look up {name}: {suite} has no such package for {arch}")]
    NoPackage {
        /// The package.
        name: String,
        /// Debian's release.
        suite: String,
        /// Debian's name of the architecture.
        arch: &'static str,
    },
    /// What the packages need cannot be had together.
    #[error("failed to look up the packages: {said}")]
    Unresolvable {
        /// What apt said.
        said: String,
    },
    /// The kernel's package brings none.
    #[error("failed to look up the kernel: {name} brings no package linux-image-VERSION")]
    NoKernel {
        /// The package asked for.
        name: String,
    },
    /// The lists of the archive could not be fetched.
    #[error("failed to fetch the package lists of {suite} from {mirror}: {said}")]
    Update {
        /// Debian's release.
        suite: String,
        /// The mirror.
        mirror: String,
        /// What apt said.
        said: String,
    },
    /// apt's files have no way to say this path.
    #[error(
        "failed to use {path}, named by {option}: apt reads no path with quotes, nor a keyring's with spaces or brackets"
    )]
    AptPath {
        /// The option.
        option: &'static str,
        /// What it names.
        path: PathBuf,
    },
    /// apt answered something that cannot be meant.
    #[error("failed to understand apt: {problem}")]
    Apt {
        /// Expected and found.
        problem: String,
    },
    /// A program that is needed is not there, or did not start.
    #[error("failed to run {program}")]
    Run {
        /// The program.
        program: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The mirror does not have a locked version any more.
    #[error("failed to fetch {package} {version}: {mirror} no longer has this version")]
    Gone {
        /// The package.
        package: String,
        /// The locked version.
        version: String,
        /// The mirror.
        mirror: String,
    },
    /// It could not be fetched.
    #[error("failed to fetch {package} {version}")]
    Fetch {
        /// The package.
        package: String,
        /// The locked version.
        version: String,
        /// What the transport said.
        source: Box<trust_client::Error>,
    },
    /// The mirror has other bytes under this name.
    #[error("failed to accept {package} {version}: {found}, locked {size} bytes with SHA-256 {sha256}")]
    Differs {
        /// The package.
        package: String,
        /// The locked version.
        version: String,
        /// What came.
        found: String,
        /// The locked length.
        size: u64,
        /// The locked digest.
        sha256: Digest,
    },
    /// A package's archive is damaged, or holds what no root may.
    #[error("failed to unpack {package}: {problem}")]
    Unpack {
        /// The package.
        package: String,
        /// What is wrong.
        problem: String,
    },
    /// Two packages bring the same file.
    #[error("failed to unpack {package}: {other} has /{path} too")]
    Overlap {
        /// The later package.
        package: String,
        /// The one before.
        other: String,
        /// The file.
        path: String,
    },
    /// A file could not be read.
    #[error("failed to read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("failed to write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Error::NoMirror => "name one with --mirror, as in --mirror http://HOST/debian",
            Error::BadMirror { .. } => "write it as in --mirror http://HOST/debian",
            Error::Contradiction { .. } => "take it out of one of the two lists of the recipe",
            Error::BadName { .. } | Error::NoPackage { .. } | Error::NoKernel { .. } => {
                "correct the recipe; versions and architectures are not part of a name"
            }
            Error::Gone { .. } => {
                "run it with --update-lock, or name a mirror that keeps old versions with --mirror"
            }
            Error::Update { .. } => "look at the network and the proxy, or name another mirror with --mirror",
            Error::Fetch { .. } => {
                "look at the network and the proxy, or name another mirror with --mirror; what came is kept"
            }
            Error::Differs { .. } => {
                "name another mirror with --mirror; if all differ, run it with --update-lock"
            }
            Error::Overlap { .. } => "leave one of the two out with remove in the recipe",
            Error::AptPath { option, .. } => return Some(format!("name a plain path with {option}")),
            Error::Run { program: "dpkg-deb", .. } => "install dpkg",
            Error::Run { .. } => "install apt; only --update-lock needs it",
            Error::Unresolvable { .. }
            | Error::Apt { .. }
            | Error::Unpack { .. }
            | Error::Read { .. }
            | Error::Write { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
