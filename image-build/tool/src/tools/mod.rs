//! The known programs that do the parts we do not do ourselves, each with the same environment everywhere.

mod error;

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub use error::Error;
pub(crate) use error::MAKE_ROOM;

/// A program of another project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name in PATH.
    pub program: &'static str,
    /// The Debian package that brings it.
    pub package: &'static str,
}

impl Tool {
    /// Makes a root image.
    pub const MKFS_EROFS: Tool = Tool { program: "mkfs.erofs", package: "erofs-utils" };
    /// Makes and checks hash trees.
    pub const VERITYSETUP: Tool = Tool { program: "veritysetup", package: "cryptsetup-bin" };
    /// Makes PRIVATE and DATA.
    pub const MKE2FS: Tool = Tool { program: "mke2fs", package: "e2fsprogs" };
    /// Checks PRIVATE and DATA.
    pub const E2FSCK: Tool = Tool { program: "e2fsck", package: "e2fsprogs" };
    /// Lists what PRIVATE and DATA hold.
    pub const DEBUGFS: Tool = Tool { program: "debugfs", package: "e2fsprogs" };
    /// Makes FAT file systems.
    pub const MFORMAT: Tool = Tool { program: "mformat", package: "mtools" };
    /// Makes folders in them.
    pub const MMD: Tool = Tool { program: "mmd", package: "mtools" };
    /// Writes and reads files in them.
    pub const MCOPY: Tool = Tool { program: "mcopy", package: "mtools" };
    /// Opens packages.
    pub const DPKG_DEB: Tool = Tool { program: "dpkg-deb", package: "dpkg" };
    /// Looks packages up.
    pub const APT_GET: Tool = Tool { program: "apt-get", package: "apt" };
    /// Shows what was found.
    pub const APT_CACHE: Tool = Tool { program: "apt-cache", package: "apt" };
    /// Tells how this machine reaches an archive.
    pub const APT_CONFIG: Tool = Tool { program: "apt-config", package: "apt" };
    /// Unpacks kernel modules.
    pub const XZ: Tool = Tool { program: "xz", package: "xz-utils" };
    /// Makes the data by which systemd finds modules.
    pub const DEPMOD: Tool = Tool { program: "depmod", package: "kmod" };
    /// Converts disks.
    pub const QEMU_IMG: Tool = Tool { program: "qemu-img", package: "qemu-utils" };
    /// Signs for Secure Boot.
    pub const SBSIGN: Tool = Tool { program: "sbsign", package: "sbsigntool" };
    /// Checks signatures for Secure Boot.
    pub const SBVERIFY: Tool = Tool { program: "sbverify", package: "sbsigntool" };
    /// Compiles the C parts of our programs for `x86_64`.
    pub const MUSL_GCC: Tool = Tool { program: "musl-gcc", package: "musl-tools" };
    /// Compiles them for aarch64.
    pub const ARM_GCC: Tool = Tool { program: "aarch64-linux-gnu-gcc", package: "gcc-aarch64-linux-gnu" };
    /// Builds our own programs.
    pub const CARGO: Tool =
        Tool { program: "cargo", package: "rustup (not a Debian package: https://rustup.rs)" };
    /// Tells where Rust's own libraries are.
    pub const RUSTC: Tool = Tool { program: "rustc", package: Tool::CARGO.package };

    /// Looks for all of them, before work that would be in vain without one.
    pub fn look(tools: &[Tool]) -> Result<(), Error> {
        let folders = folders();
        let missing = |tool: &Tool| !folders.iter().any(|folder| folder.join(tool.program).is_file());
        let tools: Vec<Tool> = tools.iter().copied().filter(missing).collect();
        if tools.is_empty() { Ok(()) } else { Err(Error::Missing { tools }) }
    }

    /// A command with the environment of all builds: nothing of the builder's but PATH, and `epoch` (seconds since 1970) as
    /// the clock of every program that asks for one.
    pub fn command(self, epoch: u64) -> Command {
        let mut command = Command::new(self.program);
        let path =
            std::env::join_paths(folders()).unwrap_or_else(|_| std::env::var_os("PATH").unwrap_or_default());
        command.env_clear().env("PATH", path).env("TZ", "UTC").env("LC_ALL", "C").env("HOME", "/nonexistent");
        command.env("SOURCE_DATE_EPOCH", epoch.to_string()).env("E2FSPROGS_FAKE_TIME", epoch.to_string());
        // mtools would read the builder's settings and refuse a FAT whose size is no disk's.
        command.env("MTOOLSRC", "/dev/null").env("MTOOLS_SKIP_CHECK", "1").env("MKE2FS_CONFIG", "/dev/null");
        command.stdin(Stdio::null());
        command
    }

    /// Runs it and gives what it printed. What it complains about is kept for the error.
    pub fn run<A: AsRef<OsStr>>(self, epoch: u64, words: &[A]) -> Result<Vec<u8>, Error> {
        let mut command = self.command(epoch);
        command.args(words);
        self.finish(command)
    }

    /// As [`run`](Tool::run), in this folder, so that the names it sees are the same in every build.
    pub fn run_in<A: AsRef<OsStr>>(self, folder: &Path, epoch: u64, words: &[A]) -> Result<Vec<u8>, Error> {
        let mut command = self.command(epoch);
        command.current_dir(folder).args(words);
        self.finish(command)
    }

    /// Runs a command made by [`command`](Tool::command).
    pub fn finish(self, mut command: Command) -> Result<Vec<u8>, Error> {
        let Output { status, stdout, stderr } =
            command.output().map_err(|source| self.not_started(source))?;
        if status.success() {
            return Ok(stdout);
        }
        let said = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        // A compiler needs more words than the others, on lines of their own.
        let (kept, between) = if self == Tool::CARGO { (LINES_OF_CARGO, "\n  ") } else { (LINES_KEPT, "; ") };
        let last = lines.get(lines.len().saturating_sub(kept)..).unwrap_or_default();
        Err(Error::Failed { program: self.program, status: status.to_string(), said: last.join(between) })
    }

    /// Why the program did not start.
    pub fn not_started(self, source: io::Error) -> Error {
        if source.kind() == io::ErrorKind::NotFound {
            return Error::Missing { tools: vec![self] };
        }
        Error::Start { program: self.program, source }
    }
}

/// Where programs are looked for.
fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if path.is_empty() {
        return Vec::new();
    }
    // Debian keeps file system tools where a plain user's PATH does not look.
    std::env::split_paths(&path).chain(SYSTEM_FOLDERS.map(PathBuf::from)).collect()
}

/// Where Debian keeps them.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/sbin", "/sbin"];
/// The last lines name the reason; those before them repeat it.
const LINES_KEPT: usize = 4;
const LINES_OF_CARGO: usize = 40;
