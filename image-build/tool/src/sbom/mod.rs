//! What an image is made of, for those who must know: an SPDX 2.3 document in JSON.
//!
//! Equal images have equal documents: its time is the build's, and its namespace follows from what it lists. Licences are
//! not asserted; the packages' own copyright files are in the image.

mod crates;
mod spdx;

use chrono::{DateTime, SecondsFormat};
use release::Digest;

use crate::Arch;
use crate::packages::Deb;
use spdx::{Checksum, Document, Package, Purpose};

/// What the document is about.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The variant.
    pub variant: &'a str,
    /// The architecture.
    pub arch: Arch,
    /// The version of the release.
    pub version: &'a str,
    /// Seconds since 1970 that stand for the time of the build.
    pub created: u64,
    /// Debian's release.
    pub suite: &'a str,
    /// The images of the release, by file name.
    pub images: &'a [(String, Digest)],
    /// Packages of the root.
    pub root: &'a [Deb],
    /// Packages of the kernel.
    pub kernel: &'a [Deb],
    /// Our own programs.
    pub programs: &'a [Program<'a>],
    /// The text of the `Cargo.lock` they were built by, when it is known.
    pub cargo_lock: Option<&'a str>,
}

/// One of our own programs.
#[derive(Clone, Debug)]
pub struct Program<'a> {
    /// Its file name.
    pub name: &'a str,
    /// The crate that it is made from.
    pub from: &'a str,
    /// The digest of the file.
    pub sha256: Digest,
}

/// The document could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The lock of our own dependencies makes no sense.
    #[error("failed to parse Cargo.lock")]
    CargoLock(#[source] Box<toml::de::Error>),
    /// A time that no calendar has.
    #[error("failed to write the time {0} as a date")]
    Time(u64),
    /// It could not be written as JSON.
    #[error("failed to write the bill of materials")]
    Json(#[source] serde_json::Error),
}

/// The document, with a newline at its end.
pub fn spdx(subject: &Subject<'_>) -> Result<Vec<u8>, Error> {
    let Subject { variant, arch, version, created, .. } = subject;
    let time = i64::try_from(*created).ok().and_then(|secs| DateTime::from_timestamp(secs, 0));
    let time = time.ok_or(Error::Time(*created))?.to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut document = Document::new(&format!("{variant}-{arch}-{version}"), time);
    let image = document.describe(Package::new("image", variant, version, Purpose::OperatingSystem));
    for (name, sha256) in subject.images {
        let file =
            Package::new("file", name, version, Purpose::File).of(Checksum::sha256(sha256)).in_file(name);
        document.contain(&image, file);
    }
    for deb in subject.root.iter().chain(subject.kernel) {
        document.contain(&image, debian(deb, subject.suite));
    }
    let crates = subject.cargo_lock.map(crates::Crates::parse).transpose()?;
    for program in subject.programs {
        let crates = crates.as_ref();
        let own_version = crates.and_then(|crates| crates.version(program.from)).unwrap_or(version);
        let package = Package::new("program", program.name, own_version, Purpose::Application)
            .of(Checksum::sha256(&program.sha256))
            .licensed(LICENCE);
        let program_id = document.contain(&image, package);
        for used in crates.map(|crates| crates.closure(program.from)).unwrap_or_default() {
            document.depend(&program_id, used.package());
        }
    }
    document.seal();
    let mut bytes = serde_json::to_vec_pretty(&document).map_err(Error::Json)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn debian(deb: &Deb, suite: &str) -> Package {
    let locked = &deb.locked;
    let file = locked.path.rsplit('/').next().unwrap_or_default();
    let version = spdx::escaped(&locked.version);
    let name = spdx::escaped(&locked.package);
    Package::new("deb", &locked.package, &locked.version, Purpose::Library)
        .of(Checksum::sha256(&locked.sha256))
        .in_file(file)
        .supplied_by("Organization: Debian")
        .found_at(format!("pkg:deb/debian/{name}@{version}?arch={}&distro={suite}", locked.architecture))
}

/// The licence of this workspace.
const LICENCE: &str = "Apache-2.0 OR MIT";
