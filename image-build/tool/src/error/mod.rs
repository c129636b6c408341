//! What can go wrong when a disk is made.

mod advice;

use std::io;
use std::path::PathBuf;

use partition_core::Part;

use crate::ByteCount;

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
        /// Whether the recipe may except one of them.
        exceptable: bool,
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
    /// A program that the image's machine cannot run.
    #[error("failed to use {path}: expected a program for {arch}, found one for {found}")]
    OtherMachine {
        /// The program.
        path: PathBuf,
        /// What the image is for.
        arch: crate::Arch,
        /// What the program is for.
        found: crate::Arch,
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
    /// Where we stand is no checkout.
    #[error("failed to find updog's sources: no folder from {here} up has image-build/variants")]
    NoWorkspace {
        /// Where we stand.
        here: PathBuf,
    },
    /// What an option names is not there.
    #[error("failed to read {path}, named by {option}")]
    Named {
        /// The option.
        option: &'static str,
        /// What it names.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file stands where a disk would be made.
    #[error("failed to make {path}: it is there already")]
    Exists {
        /// The disk.
        path: PathBuf,
    },
    /// A file stands where the build's folder should be.
    #[error("failed to build into {out}: it is no folder")]
    NoFolder {
        /// What `--out` names.
        out: PathBuf,
    },
    /// sbsign takes them not.
    #[error("failed to sign for Secure Boot with key {key} and certificate {certificate}")]
    SecureBoot {
        /// The private key.
        key: PathBuf,
        /// The certificate.
        certificate: PathBuf,
        /// What sbsign said.
        source: crate::tools::Error,
    },
    /// No machine boots with this command line.
    #[error(transparent)]
    Cmdline(#[from] crate::cmdline::CmdlineError),
    /// init could not mount what every image has.
    #[error(
        "failed to accept kernel.modules: expected {module}, which {needed_for}, among them or built into the kernel"
    )]
    NeededModule {
        /// The module.
        module: &'static str,
        /// What it does.
        needed_for: &'static str,
    },
    /// What boots the machine is no program for it.
    #[error("failed to use {path}: expected {expected} for {arch}")]
    NoStart {
        /// The file.
        path: PathBuf,
        /// The kind of program.
        expected: &'static str,
        /// What the image is for.
        arch: crate::Arch,
    },
    /// A file that the recipe takes from elsewhere.
    #[error("failed to read {from}, the source of /{path}")]
    Source {
        /// Where it goes.
        path: String,
        /// Where it should be.
        from: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A path of the root that is taken by something else.
    #[error("failed to write /{path}: {found} is in its place")]
    InTheWay {
        /// The path.
        path: String,
        /// What is there.
        found: &'static str,
    },
    /// `SOURCE_DATE_EPOCH` is no time.
    #[error(
        "failed to read SOURCE_DATE_EPOCH: expected seconds since 1970, at most {}, found {found:?}",
        crate::recipe::LATEST
    )]
    Epoch {
        /// What it is.
        found: String,
    },
    /// Nothing that can be PID 1.
    #[error("failed to accept init {init}: {problem}")]
    Init {
        /// The path.
        init: String,
        /// What is wrong with it.
        problem: &'static str,
        /// The program whose path is nearest.
        nearest: Option<String>,
    },
    /// A unit that would not start.
    #[error("failed to accept {unit} in {key}: {problem}")]
    Unit {
        /// The recipe's key.
        key: &'static str,
        /// The unit.
        unit: String,
        /// What is wrong with it.
        problem: &'static str,
        /// The unit whose name is nearest.
        nearest: Option<String>,
    },
    /// A file that names no keys.
    #[error("failed to read the selector's keys in {path}: {problem}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The selector was built with other keys than the recipe's.
    #[error("failed to accept the selector: it does not hold key {key} of {path}")]
    KeyNotHeld {
        /// The file that names the key.
        path: PathBuf,
        /// Its id.
        key: String,
    },
    /// Something stands where the build would write, and no build made it.
    #[error("failed to build into {out}: {name} is there, and no build made it")]
    Foreign {
        /// The folder.
        out: PathBuf,
        /// What is there.
        name: String,
    },
    /// The emulator failed.
    #[error("failed to run the machine: {program} ended with {status}")]
    Qemu {
        /// Its program.
        program: &'static str,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// Another build writes there.
    #[error("failed to lock {path}: another build writes there")]
    Locked {
        /// The folder.
        path: PathBuf,
    },
}
