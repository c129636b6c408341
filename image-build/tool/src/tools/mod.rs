//! The known programs that do the parts we do not do ourselves, each with the same environment everywhere.

mod error;

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

pub use error::Error;

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
    /// Makes FAT file systems.
    pub const MFORMAT: Tool = Tool { program: "mformat", package: "mtools" };
    /// Makes folders in them.
    pub const MMD: Tool = Tool { program: "mmd", package: "mtools" };
    /// Writes and reads files in them.
    pub const MCOPY: Tool = Tool { program: "mcopy", package: "mtools" };
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
    /// Builds our own programs.
    pub const CARGO: Tool =
        Tool { program: "cargo", package: "rustup (not a Debian package: https://rustup.rs)" };

    /// Tells where Rust's own libraries are.
    pub const RUSTC: Tool = Tool { program: "rustc", package: Tool::CARGO.package };

    /// A command with the environment of all builds: nothing of the builder's but PATH, and `epoch` (seconds since 1970) as
    /// the clock of every program that asks for one.
    pub fn command(self, epoch: u64) -> Command {
        let mut command = Command::new(self.program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Debian keeps file system tools where a plain user's PATH does not look.
        let mut folders: Vec<_> = std::env::split_paths(&path).collect();
        if !folders.is_empty() && !path.is_empty() {
            folders.extend(SYSTEM_FOLDERS.iter().map(Into::into));
        }
        let path = std::env::join_paths(folders).unwrap_or(path);
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
        let last = lines.get(lines.len().saturating_sub(LINES_KEPT)..).unwrap_or_default();
        Err(Error::Failed { program: self.program, status: status.to_string(), said: last.join("; ") })
    }

    /// Why the program did not start.
    pub fn not_started(self, source: io::Error) -> Error {
        if source.kind() == io::ErrorKind::NotFound {
            return Error::Missing { program: self.program, package: self.package };
        }
        Error::Start { program: self.program, source }
    }
}

/// Where Debian keeps them.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/sbin", "/sbin"];
/// The last lines name the reason; those before them repeat it.
const LINES_KEPT: usize = 4;
