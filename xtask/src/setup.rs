//! `setup`: the Debian packages and the Rust targets that each command needs, stated once.

use std::io::IsTerminal;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::process;
use crate::python::Python;
use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only for this command; all of them when left out.
    #[arg(value_enum)]
    command: Option<Use>,
    /// Print the list and what each package is for, install nothing.
    #[arg(long)]
    list: bool,
}

/// What the packages are needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Use {
    /// `cargo build`
    Build,
    /// `cargo xtask test` and `ci`
    Test,
    /// `cargo xtask demo`
    Demo,
    /// `cargo xtask conformance`
    Conformance,
    /// `cargo xtask interop`
    Interop,
    /// `cargo xtask deb`
    Deb,
    /// `updog-image build`, for both architectures
    Image,
    /// `cargo xtask bench peers`, `bench real` and `bench scale`
    Bench,
    /// `cargo xtask qemu`, `cuts --qemu-log` and the second half of `demo`
    Qemu,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let wanted: Vec<Use> = args.command.map_or_else(|| Use::value_variants().to_vec(), |one| vec![one]);
    if args.list {
        for need in NEEDS.iter().filter(|need| need.is_for(&wanted)) {
            println!("{:<23} {}", need.package, need.why);
        }
        if wanted.contains(&Use::Image) {
            for (target, why) in TARGETS {
                println!("{target:<23} {why} (rustup target)");
            }
        }
        return Ok(());
    }
    ensure(&wanted)?;
    println!("All packages are there.");
    if wanted.contains(&Use::Image) {
        targets()?;
        println!("All Rust targets are there.");
    }
    if wanted.iter().any(|one| matches!(one, Use::Test | Use::Conformance)) {
        Python::prepare(&Workspace::load()?.target_directory)?;
        println!("python-tuf is there.");
    }
    if wanted.contains(&Use::Test) {
        let target = Workspace::load()?.target_directory;
        Python::with_moto(&target)?;
        Python::with_schemathesis(&target)?;
        println!("moto and schemathesis are there.");
    }
    Ok(())
}

/// Installs what is missing for these uses; quick and silent when nothing is.
pub(crate) fn ensure(uses: &[Use]) -> Result<()> {
    let missing: Vec<&str> = NEEDS
        .iter()
        .filter(|need| need.is_for(uses) && !is_there(need.package))
        .map(|need| need.package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    if !process::is_installed("apt-get") {
        bail!("these Debian packages, or what your system has instead, are missing: {}", missing.join(" "));
    }
    let Some((mut update, mut install)) = apt().zip(apt()) else {
        bail!("packages are missing and neither root nor sudo is at hand\nhint: run \"{by_hand}\" as root");
    };
    println!("Installing: {}", missing.join(" "));
    // A fresh machine has no package lists; an old list names versions that are gone.
    if let Err(error) = process::run(update.args(["-q", "update"])) {
        println!("warning: {error:#}; going on with the lists that are there");
    }
    process::run(install.args(["-q", "install", "-y", "--no-install-recommends"]).args(&missing))
        .with_context(|| format!("failed to install packages; by hand: {by_hand}"))
}

/// Installs what images and emulated machines need.
pub(crate) fn for_machines() -> Result<()> {
    ensure(&[Use::Image, Use::Qemu])?;
    targets()
}

/// Adds the Rust targets of the image's programs; quick when they are there.
fn targets() -> Result<()> {
    let names = || TARGETS.iter().map(|(target, _)| *target);
    let by_hand = format!("rustup target add {}", names().collect::<Vec<_>>().join(" "));
    let library = |target: &str| {
        let words = ["--print", "target-libdir", "--target", target];
        let folder = process::output(&mut process::program("rustc", &words));
        folder.is_ok_and(|folder| std::path::Path::new(folder.trim()).is_dir())
    };
    let missing: Vec<&str> = names().filter(|target| !library(target)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !process::is_installed("rustup") {
        bail!(
            "these Rust targets are missing and there is no rustup to add them: {}\nhint: install rustup and run \"{by_hand}\"",
            missing.join(" ")
        );
    }
    println!("Adding Rust targets: {}", missing.join(" "));
    process::run(process::program("rustup", &["target", "add"]).args(&missing))
        .with_context(|| format!("failed to add Rust targets; by hand: {by_hand}"))
}

/// apt-get as root or by sudo; `None` when neither is at hand.
fn apt() -> Option<Command> {
    if process::is_root() {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(WAIT_FOR_LOCK);
        return Some(apt);
    }
    if !process::is_installed("sudo") {
        return None;
    }
    let mut apt = Command::new("sudo");
    if !std::io::stdin().is_terminal() {
        // Nobody could type a password.
        let probe = Command::new("sudo").args(["-n", "true"]).stderr(Stdio::null()).status();
        if !probe.is_ok_and(|status| status.success()) {
            return None;
        }
        apt.arg("-n");
    }
    apt.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(WAIT_FOR_LOCK);
    Some(apt)
}

/// Another installation on this machine, such as its own nightly upgrades, is waited for.
const WAIT_FOR_LOCK: [&str; 2] = ["-o", "DPkg::Lock::Timeout=300"];

fn is_there(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["-W", "-f=${db:Status-Status}", package])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| output.stdout == b"installed")
}

#[derive(Debug)]
struct Need {
    package: &'static str,
    uses: &'static [Use],
    why: &'static str,
}

impl Need {
    fn is_for(&self, uses: &[Use]) -> bool {
        self.uses.iter().any(|own| uses.contains(own))
    }
}

/// What the image's own programs are compiled for.
const TARGETS: [(&str, &str); 4] = [
    ("x86_64-unknown-uefi", "the slot selector"),
    ("aarch64-unknown-uefi", "the slot selector"),
    ("x86_64-unknown-linux-musl", "init and updog in images"),
    ("aarch64-unknown-linux-musl", "init and updog in images"),
];

/// The same names in Debian 12 and 13.
const NEEDS: &[Need] = &[
    Need {
        package: "gcc",
        uses: &[Use::Build, Use::Test, Use::Demo, Use::Interop, Use::Deb, Use::Image, Use::Bench],
        why: "linker; C parts of zstd, ring, aws-lc",
    },
    Need {
        package: "libc6-dev",
        uses: &[Use::Build, Use::Test, Use::Demo, Use::Interop, Use::Deb, Use::Image, Use::Bench],
        why: "headers and start files",
    },
    Need { package: "git", uses: &[Use::Test], why: "the list of files that ci checks" },
    Need { package: "mount", uses: &[Use::Test, Use::Bench], why: "losetup, for work on block devices" },
    Need { package: "gdisk", uses: &[Use::Test, Use::Demo], why: "sgdisk -v, a second reader of our tables" },
    Need {
        package: "openssl",
        uses: &[Use::Test, Use::Interop, Use::Qemu, Use::Bench],
        why: "keys as others make them",
    },
    Need { package: "softhsm2", uses: &[Use::Test], why: "a PKCS#11 token in software" },
    Need { package: "opensc", uses: &[Use::Test], why: "pkcs11-tool, which makes keys on it" },
    Need { package: "etcd-server", uses: &[Use::Test], why: "the store that groups of hosts ask" },
    Need {
        package: "cpio",
        uses: &[Use::Test, Use::Bench],
        why: "a second reader of our initramfs; SWUpdate's archives",
    },
    Need { package: "zstd", uses: &[Use::Test, Use::Bench], why: "zstd -d, a second reader of our frames" },
    Need {
        package: "mmdebstrap",
        uses: &[Use::Demo, Use::Deb, Use::Bench],
        why: "a root file system of Debian packages",
    },
    Need { package: "erofs-utils", uses: &[Use::Test, Use::Demo, Use::Image, Use::Bench], why: "mkfs.erofs" },
    Need { package: "cryptsetup-bin", uses: &[Use::Test, Use::Demo, Use::Image], why: "veritysetup" },
    Need {
        package: "mtools",
        uses: &[Use::Test, Use::Demo, Use::Image, Use::Qemu],
        why: "the FAT of the boot image, without mounting",
    },
    Need {
        package: "python3-venv",
        uses: &[Use::Test, Use::Conformance, Use::Qemu],
        why: "python-tuf, a second reader of our repositories; moto, a server of the protocols of S3 and KMS; schemathesis, a client of the API",
    },
    Need { package: "curl", uses: &[Use::Test], why: "a client of the host's API, as another user" },
    Need { package: "chromium", uses: &[Use::Test], why: "lays out the page of updog-repo report" },
    Need {
        package: "systemd",
        uses: &[Use::Test],
        why: "systemd-analyze, its own reader of our units; journald, the reader of our entries",
    },
    Need { package: "mandoc", uses: &[Use::Test], why: "a reader of our manual pages that warns" },
    Need { package: "dpkg-dev", uses: &[Use::Deb], why: "dpkg-shlibdeps, which finds what a package needs" },
    Need { package: "faketime", uses: &[Use::Test, Use::Conformance], why: "another day's clock" },
    Need {
        package: "musl-tools",
        uses: &[Use::Image],
        why: "C parts of updog for x86_64 images, statically linked",
    },
    Need {
        package: "gcc-aarch64-linux-gnu",
        uses: &[Use::Image],
        why: "C parts of updog for aarch64 images",
    },
    Need { package: "libc6-dev-arm64-cross", uses: &[Use::Image], why: "headers for them" },
    Need {
        package: "e2fsprogs",
        uses: &[Use::Test, Use::Image, Use::Bench],
        why: "mke2fs and e2fsck, for PRIVATE and DATA",
    },
    Need { package: "xz-utils", uses: &[Use::Image], why: "unpacks kernel modules" },
    Need { package: "kmod", uses: &[Use::Image], why: "depmod, by whose data modules are found" },
    Need { package: "sbsigntool", uses: &[Use::Image], why: "sbsign, for Secure Boot" },
    Need {
        package: "qemu-utils",
        uses: &[Use::Test, Use::Image, Use::Qemu],
        why: "qemu-img: qcow2 disks, larger disks",
    },
    Need { package: "qemu-system-x86", uses: &[Use::Qemu], why: "the emulated PC" },
    Need { package: "qemu-system-arm", uses: &[Use::Qemu], why: "the emulated aarch64 board" },
    Need { package: "ovmf", uses: &[Use::Qemu], why: "its UEFI firmware, Secure Boot too" },
    Need { package: "rauc-service", uses: &[Use::Bench], why: "a peer; brings rauc" },
    Need { package: "swupdate", uses: &[Use::Bench], why: "a peer" },
    Need { package: "casync", uses: &[Use::Bench], why: "a peer" },
    Need { package: "ostree", uses: &[Use::Bench], why: "a peer" },
    Need { package: "squashfs-tools", uses: &[Use::Bench], why: "mksquashfs, for RAUC's bundles" },
    Need { package: "dbus", uses: &[Use::Bench], why: "dbus-run-session, for RAUC's service" },
    Need { package: "libglib2.0-bin", uses: &[Use::Bench], why: "gdbus, to see that it is there" },
    Need { package: "procps", uses: &[Use::Bench], why: "pgrep, to end it" },
    Need { package: "time", uses: &[Use::Bench], why: "CPU, memory and output of what is measured" },
    Need { package: "util-linux", uses: &[Use::Bench], why: "addpart, which announces partitions" },
    Need { package: "diffutils", uses: &[Use::Bench], why: "cmp, which compares slot and image" },
    Need { package: "python3", uses: &[Use::Bench], why: "the change between the two images" },
    Need { package: "qemu-efi-aarch64", uses: &[Use::Qemu], why: "its UEFI firmware" },
];
