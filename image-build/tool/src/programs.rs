//! Our own programs, built for the image's architecture: by cargo from this workspace, or given in a folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use release::Digest;

use crate::compose::read;
use crate::machine::{self, Format, machine};
use crate::{Arch, Error, Tool};

/// The programs, as bytes.
#[derive(Clone)]
pub struct Programs {
    /// The slot selector.
    pub boot: Vec<u8>,
    /// `/init` of the initramfs.
    pub init: Vec<u8>,
    /// Those that a recipe may install, by name.
    installable: Vec<(String, Vec<u8>)>,
}

impl std::fmt::Debug for Programs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Programs").finish_non_exhaustive()
    }
}

/// How the selector is built.
#[derive(Clone, Debug, Default)]
pub struct SelectorKeys {
    /// The public keys; `None`: the test keys.
    pub file: Option<PathBuf>,
    /// Refuse test keys.
    pub release: bool,
}

impl Programs {
    /// The programs in a folder, with a name each as cargo gives it.
    pub fn in_folder(folder: &Path, arch: Arch) -> Result<Programs, Error> {
        let from = || Programs::from(read(&folder.join("updog-boot.efi"))?, folder);
        let programs = from().map_err(|error| match error {
            Error::Read { path, source } => Error::Named { option: "--programs", path, source },
            other => other,
        })?;
        machine::starts(&folder.join("updog-boot.efi"), &programs.boot, Format::Pe, arch)?;
        machine::starts(&folder.join("updog-init"), &programs.init, Format::Elf, arch)?;
        for (name, bytes) in &programs.installable {
            if let Some((_, found)) = machine(bytes).filter(|(_, found)| *found != arch) {
                return Err(Error::OtherMachine { path: folder.join(name), arch, found });
            }
        }
        Ok(programs)
    }

    /// Builds them.
    pub fn build(workspace: &Path, arch: Arch, keys: &SelectorKeys, epoch: u64) -> Result<Programs, Error> {
        let target = target_folder(workspace);
        let static_pie = match arch {
            Arch::X86_64 => Vec::new(),
            Arch::Aarch64 => static_pie(workspace)?,
        };
        let cargo = |triple: &str, flags: &[String], packages: &[&str]| {
            let mut command = command(workspace, &target, arch, epoch);
            command.args(["build", "--quiet", "--release", "--locked", "--target", triple]);
            command.args(packages.iter().flat_map(|package| ["-p", package]));
            let flags = maps(workspace, &target, "--remap-path-prefix").chain(flags.iter().cloned());
            command.env("CARGO_ENCODED_RUSTFLAGS", flags.collect::<Vec<_>>().join("\x1f"));
            if let Some(file) = &keys.file {
                command.env("UPDOG_BOOT_KEYS", file);
            }
            command.env("UPDOG_BOOT_RELEASE", if keys.release { "1" } else { "0" });
            Tool::CARGO.finish(command).map(|_| target.join(triple).join("release"))
        };
        let firmware = cargo(&format!("{arch}-unknown-uefi"), &[], &["updog-boot"])?;
        // One call, so that the features of what they share, and with them the bytes, are the same each time.
        let linux = cargo(
            &format!("{arch}-unknown-linux-musl"),
            &static_pie,
            &["updog-init", "updog-tiny", "updog", "partition-disk"],
        )?;
        Programs::from(read(&firmware.join("updog-boot.efi"))?, &linux)
    }

    fn from(boot: Vec<u8>, folder: &Path) -> Result<Programs, Error> {
        let installable = INSTALLABLE.map(|name| Ok((name.to_owned(), read(&folder.join(name))?)));
        let installable = installable.into_iter().collect::<Result<_, Error>>()?;
        Ok(Programs { boot, init: read(&folder.join("updog-init"))?, installable })
    }

    /// The bytes of a program that a recipe installs.
    pub fn installed(&self, name: &str) -> Result<&[u8], Error> {
        let found = self.installable.iter().find(|(own, _)| own == name);
        found.map(|(_, bytes)| bytes.as_slice()).ok_or_else(|| Error::NoProgram { name: name.to_owned() })
    }
}

impl Programs {
    /// The programs in an image that installs these: name of the file, crate, digest.
    pub(crate) fn made_from(
        &self,
        installed: &[String],
    ) -> Result<Vec<(&'static str, &'static str, Digest)>, Error> {
        let mut all = vec![
            ("updog-boot.efi", "updog-boot", Digest::of(&self.boot)),
            ("updog-init", "updog-init", Digest::of(&self.init)),
        ];
        for (name, from) in CRATES {
            if installed.iter().any(|installed| installed == name) {
                all.push((name, from, Digest::of(self.installed(name)?)));
            }
        }
        Ok(all)
    }
}

/// Where they come from.
const CRATES: [(&str, &str); 3] =
    [("updog", "updog"), ("signpost", "partition-disk"), ("updog-tiny", "updog-tiny")];

/// Programs that `programs.install` of a recipe may name.
pub const INSTALLABLE: [&str; 3] = ["updog", "signpost", "updog-tiny"];

/// Its own folder in cargo's, so that it neither waits for nor disturbs another build of the workspace.
fn target_folder(workspace: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from).join("image")
}

/// cargo with a known environment. Where the sources, cargo's registry and the target folder lie does not get into the bytes.
fn command(workspace: &Path, target: &Path, arch: Arch, epoch: u64) -> Command {
    let mut command = Command::new(Tool::CARGO.program);
    command.current_dir(workspace).stdin(Stdio::null()).env_clear();
    for (name, value) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| PASSED.contains(&name) || name.starts_with("CC_")) {
            command.env(name, value);
        }
    }
    let name = format!("{arch}_unknown_linux_musl");
    if let Some(compiler) = compiler(arch) {
        command.env(format!("CC_{name}"), compiler.program);
    }
    // Quoted, since a folder's name may have spaces; the cc crate unquotes when asked to.
    let quoted = |flag: String| format!("'{}'", flag.replace('\'', r"'\''"));
    let flags: Vec<String> = maps(workspace, target, "-ffile-prefix-map").map(quoted).collect();
    command.env(format!("CFLAGS_{name}"), flags.join(" ")).env("CC_SHELL_ESCAPED_FLAGS", "1");
    // The linker that comes with Rust: the same for all architectures and on all machines.
    command.env(format!("CARGO_TARGET_{}_LINKER", name.to_uppercase()), "rust-lld");
    command.env("CARGO_TARGET_DIR", target).env("SOURCE_DATE_EPOCH", epoch.to_string());
    command.env("TZ", "UTC").env("LC_ALL", "C");
    command
}

/// The compiler of C parts, unless the caller has one set.
pub(crate) fn compiler(arch: Arch) -> Option<Tool> {
    let tool = match arch {
        Arch::X86_64 => Tool::MUSL_GCC,
        Arch::Aarch64 => Tool::ARM_GCC,
    };
    std::env::var_os(format!("CC_{arch}_unknown_linux_musl")).is_none().then_some(tool)
}

/// Flags by which no path of this machine gets into a program.
fn maps(workspace: &Path, target: &Path, flag: &str) -> impl Iterator<Item = String> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo_home = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let prefixes = [(workspace.to_owned(), "/updog"), (cargo_home, "/cargo"), (target.to_owned(), "/target")];
    prefixes.into_iter().map(move |(from, to)| format!("{flag}={}={to}", from.display()))
}

/// Flags that make position independent static programs for aarch64, as `x86_64` has them by itself: rustc knows no static PIE for this
/// target, but it brings all that one needs.
fn static_pie(workspace: &Path) -> Result<Vec<String>, Error> {
    let mut rustc = Command::new(Tool::RUSTC.program);
    rustc.current_dir(workspace).args(["--print", "sysroot"]);
    let sysroot = String::from_utf8_lossy(&Tool::RUSTC.finish(rustc)?).trim().to_owned();
    let start = format!("{sysroot}/lib/rustlib/aarch64-unknown-linux-musl/lib/self-contained");
    let words = ["-pie", "--no-dynamic-linker", "-ztext"].map(|word| format!("-Clink-arg={word}"));
    let files = ["rcrt1.o", "crti.o", "crtbeginS.o", "crtendS.o", "crtn.o"];
    let files = files.map(|file| format!("-Clink-arg={start}/{file}"));
    let first = ["-Clink-self-contained=no".to_owned(), format!("-Lnative={start}")];
    Ok(first.into_iter().chain(words).chain(files).collect())
}

/// Where cargo finds its own files and the network.
const PASSED: [&str; 9] = [
    "PATH",
    "HOME",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "CARGO_NET_OFFLINE",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// The recipes of this workspace, by name.
pub fn variants() -> Result<Vec<(String, PathBuf)>, Error> {
    let folder = workspace()?.join("image-build/variants");
    let unread = |source| Error::Read { path: folder.clone(), source };
    let mut variants = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        let name = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".toml"));
        variants.extend(name.map(str::to_owned).map(|name| (name, path.clone())));
    }
    variants.sort();
    Ok(variants)
}

/// The folder of this workspace: the one above the current folder that has the recipes.
pub fn workspace() -> Result<PathBuf, Error> {
    let here = std::env::current_dir().unwrap_or_default();
    let above = here.ancestors().find(|folder| folder.join("image-build/variants").is_dir());
    above.map(Path::to_owned).ok_or(Error::NoWorkspace { here: here.clone() })
}
