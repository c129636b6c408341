//! What can go wrong when a disk is made.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;

use partition_core::Part;

use crate::{ByteCount, packages};

/// A disk was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layout that makes no disk.
    #[error("failed to lay out the disk: {problem}")]
    LayOut {
        /// What is wrong with it.
        problem: String,
    },
    /// The disk file could not be written.
    #[error("failed to write {path}")]
    Write {
        /// The disk file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// gptman refused to make the table.
    #[error("failed to make the partition table of {path}")]
    MakeTable {
        /// The disk file.
        path: PathBuf,
        /// gptman's error.
        source: gptman::Error,
    },
    /// The new disk could not be opened or written through its slots.
    #[error(transparent)]
    Disk(#[from] partition_disk::Error),
    /// A file of the release folder could not be read.
    #[error("failed to read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// `release.json` makes no sense.
    #[error("failed to parse {path}")]
    ParseRelease {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: release::folder::FolderError,
    },
    /// An image differs from what `release.json` says.
    #[error("failed to accept {path}: expected {expected}, found {found}")]
    ImageDiffers {
        /// The image.
        path: PathBuf,
        /// Length or digest by `release.json`.
        expected: String,
        /// By the file.
        found: String,
    },
    /// An image does not fit into its partition.
    #[error("failed to install the {part} image: it has {} bytes, its partition {}", .image.0, .partition.0)]
    TooLarge {
        /// The part.
        part: Part,
        /// Bytes of the image.
        image: ByteCount,
        /// Bytes of the partition.
        partition: ByteCount,
    },
    /// An image could not be written into its partition.
    #[error("failed to write the {part} image")]
    WriteImage {
        /// The part.
        part: Part,
        /// The system's error.
        source: io::Error,
    },
    /// The recipe is wrong.
    #[error(transparent)]
    Recipe(#[from] crate::recipe::Error),
    /// The lock is wrong.
    #[error(transparent)]
    Lock(#[from] crate::lock::Error),
    /// The packages could not be had.
    #[error(transparent)]
    Packages(#[from] crate::packages::Error),
    /// Files of the root cannot be read.
    #[error(transparent)]
    AuditRun(#[from] crate::audit::Error),
    /// The root holds what no image may hold.
    #[error("failed the audit of the root, {} findings:\n  {}", .findings.len(), .findings.join("\n  "))]
    Audit {
        /// What, one each.
        findings: Vec<String>,
    },
    /// No size report.
    #[error(transparent)]
    Sizes(#[from] crate::sizes::Error),
    /// No bill of materials.
    #[error(transparent)]
    Sbom(#[from] crate::sbom::Error),
    /// A known program is missing or failed.
    #[error(transparent)]
    Tool(#[from] crate::tools::Error),
    /// No initramfs.
    #[error(transparent)]
    Initramfs(#[from] crate::initramfs::Error),
    /// A glob of the recipe.
    #[error("failed to read {glob:?} in remove")]
    Glob {
        /// The glob.
        glob: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// Something in an overlay that cannot be in an image.
    #[error("failed to lay {path} over the root: {problem}")]
    Overlay {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A program that is not ours to install.
    #[error("failed to install program {name:?}: expected one of {}", crate::programs::INSTALLABLE.join(", "))]
    NoProgram {
        /// Its name.
        name: String,
    },
    /// A file that is no key.
    #[error("failed to read signing key {path}: expected an ed25519 key in PKCS#8 PEM")]
    SigningKey {
        /// The file.
        path: PathBuf,
    },
    /// A key that anybody has, for a release.
    #[error("failed to accept {what} for a release: it is a test key, whose private half everybody has")]
    TestKey {
        /// The key.
        what: String,
    },
    /// A release without a key.
    #[error("failed to sign for a release: expected a signing key, found none")]
    NoSigningKey,
    /// The selector would refuse what is signed.
    #[error("failed to sign for this selector: it holds no key of those that sign")]
    NotHeld,
    /// The boot manifest cannot say what it should.
    #[error("failed to write the boot manifest")]
    BootManifest {
        /// What is wrong.
        source: boot_manifest::Error,
    },
    /// An image is larger than its partition.
    #[error("failed to fit the {key} image into its partition: it needs {} bytes, the recipe's size.{key} is {partition}", .length.0)]
    DoesNotFit {
        /// The key of the recipe that says how large the partition is.
        key: &'static str,
        /// What is needed.
        length: ByteCount,
        /// What there is.
        partition: ByteCount,
    },
    /// veritysetup wrote something else than a root hash.
    #[error("failed to read the root hash that veritysetup wrote: expected 64 hex digits")]
    RootHash,
    /// A kernel package without a kernel.
    #[error(
        "failed to find a kernel in {package}: expected one boot/vmlinuz-VERSION with its modules, found {found}"
    )]
    NoKernel {
        /// The package.
        package: String,
        /// How many there are.
        found: usize,
    },
    /// A file of ours cannot be written as JSON.
    #[error("failed to write build.json")]
    Encode {
        /// serde's error.
        source: serde_json::Error,
    },
    /// What a build wrote about itself makes no sense.
    #[error("failed to parse {path}")]
    ParseBuild {
        /// The file.
        path: PathBuf,
        /// serde's error.
        source: serde_json::Error,
    },
    /// No firmware to start an image with.
    #[error("failed to find firmware for {arch}")]
    NoFirmware {
        /// The architecture.
        arch: String,
    },
    /// Another build writes there.
    #[error("failed to lock {path}: another build writes there")]
    Locked {
        /// The folder.
        path: PathBuf,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        if self.is_full() {
            return Some(crate::tools::MAKE_ROOM.to_owned());
        }
        let text = match self {
            Error::Recipe(error) => return error.hint(),
            Error::Lock(error) => return error.hint(),
            Error::Packages(error) => return error.hint(),
            Error::Tool(error) => return error.hint(),
            Error::Initramfs(error) => return error.hint(),
            Error::DoesNotFit { key, length, .. } => {
                let mib = length.0.div_ceil(1 << 20);
                return Some(format!(
                    "set size.{key} to \"{mib}M\" at least, with room for later releases: a partition cannot grow on a host"
                ));
            }
            Error::SigningKey { .. } => "make one with: openssl genpkey -algorithm ed25519 -out KEY.pem",
            Error::TestKey { .. } => {
                "name keys of your own with --signing-key, and their public halves with keys in the recipe"
            }
            Error::Audit { .. } => "leave the file out with remove, or except it with [[audit]] and a reason",
            Error::NoFirmware { .. } => "apt-get install ovmf qemu-efi-aarch64",
            Error::NoSigningKey => "name it with --signing-key",
            Error::NotHeld => {
                "put the public half of a signing key into the file that keys in the recipe names"
            }
            Error::NoProgram { .. } => "a program of your own is a [[file]] with source",
            _ => return None,
        };
        Some(text.to_owned())
    }

    /// Whether a full file system is what is behind it.
    fn is_full(&self) -> bool {
        let mut source = self.source();
        while let Some(error) = source {
            let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
            if kind == Some(io::ErrorKind::StorageFull) {
                return true;
            }
            source = error.source();
        }
        false
    }

    /// The exit code (design §10.6).
    pub fn exit(&self) -> u8 {
        match self {
            Error::Packages(error) => exit_of_packages(error),
            Error::Recipe(_)
            | Error::Lock(_)
            | Error::Glob { .. }
            | Error::Overlay { .. }
            | Error::Audit { .. }
            | Error::NoProgram { .. }
            | Error::SigningKey { .. }
            | Error::DoesNotFit { .. }
            | Error::NoKernel { .. } => 2,
            Error::TestKey { .. } | Error::NoSigningKey | Error::NotHeld => 30,
            Error::Tool(crate::tools::Error::Missing { .. })
            | Error::NoFirmware { .. }
            | Error::Locked { .. } => 50,
            _ => 40,
        }
    }
}

/// The exit code of packages that could not be had.
fn exit_of_packages(error: &packages::Error) -> u8 {
    use packages::Error as E;
    match error {
        E::NoMirror
        | E::BadMirror { .. }
        | E::BadName { .. }
        | E::Contradiction { .. }
        | E::NoPackage { .. }
        | E::Unresolvable { .. }
        | E::NoKernel { .. }
        | E::Overlap { .. } => 2,
        E::Update { .. } | E::Apt { .. } | E::Fetch { .. } => 20,
        E::Differs { .. } => 30,
        E::Gone { .. } => 50,
        E::Run { .. } | E::Unpack { .. } | E::Read { .. } | E::Write { .. } => 40,
    }
}
