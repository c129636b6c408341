//! All that a build needs, made up and small: a recipe, its lock, a kernel package with three modules, programs. No network.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use release::Digest;
use tempfile::TempDir;
use updog_image::Arch;
use updog_image::lock::{Lock, Wanted};

use crate::made_up::{Package, archive};

pub(crate) struct Workshop {
    folder: TempDir,
}

impl Workshop {
    pub(crate) fn new() -> Workshop {
        Workshop::with(RECIPE)
    }

    pub(crate) fn with(recipe: &str) -> Workshop {
        let workshop = Workshop { folder: tempfile::tempdir().unwrap() };
        let at = |name: &str| workshop.at(name);
        fs::write(at("test.toml"), recipe).unwrap();
        fs::write(at("large"), noise(3 << 20)).unwrap();

        let archive = archive(&at(""));
        let mut kernel =
            Package::new("linux-image-test", "6.12-1").file("./boot/vmlinuz-6.12-test", 0o644, pe("kernel"));
        let folder = "./usr/lib/modules/6.12-test";
        for (name, info) in MODULES {
            kernel = kernel.file(&format!("{folder}/kernel/{name}.ko"), 0o644, module(info));
        }
        kernel =
            kernel.file(&format!("{folder}/modules.builtin"), 0o644, "kernel/drivers/virtio/virtio_pci.ko\nkernel/drivers/block/virtio_blk.ko\nkernel/fs/ext4/ext4.ko\n");
        let locked = kernel.publish(&archive);
        let kept = at("cache/packages");
        fs::create_dir_all(&kept).unwrap();
        fs::copy(archive.join(&locked.path), kept.join(format!("{}.deb", locked.sha256))).unwrap();
        let wanted = Wanted::new("trixie", "linux-image-test", [], []);
        let lock = Lock { arch: Arch::X86_64, wanted, root: Vec::new(), kernel: vec![locked] };
        lock.write(&at("test.x86_64.lock")).unwrap();

        fs::create_dir(at("programs")).unwrap();
        for name in ["updog-init", "updog-tiny", "updog", "signpost"] {
            fs::write(at("programs").join(name), format!("{name}\n")).unwrap();
        }
        fs::write(at("programs/updog-init"), elf("updog-init\n")).unwrap();
        let selector = [pe("selector ").as_slice(), &test_key(), b" end"].concat();
        fs::write(at("programs/updog-boot.efi"), selector).unwrap();
        // By another process: a child that another test starts meanwhile would hold our open file, and what is open for
        // writing cannot be executed.
        let copied =
            Command::new("cp").arg(env!("CARGO_BIN_EXE_updog-image")).arg(at("updog-image")).status();
        assert!(copied.unwrap().success());
        fs::set_permissions(at("updog-image"), Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(at(""), Permissions::from_mode(0o755)).unwrap();
        workshop
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The words of a build, the program first.
    pub(crate) fn words(&self, out: &Path) -> Vec<String> {
        let at = |name: &str| self.at(name).display().to_string();
        let given = [
            ("--recipe", at("test.toml")),
            ("--arch", "x86_64".to_owned()),
            ("--out", out.display().to_string()),
            ("--programs", at("programs")),
            ("--cache", at("cache")),
            // Nothing listens there: what is not in the cache fails at once.
            ("--mirror", "http://127.0.0.1:9/debian".to_owned()),
        ];
        let words = given.into_iter().flat_map(|(option, value)| [option.to_owned(), value]);
        [at("updog-image"), "build".to_owned()].into_iter().chain(words).collect()
    }

    /// Builds into this folder.
    pub(crate) fn build(&self, out: &Path, more: &[&str]) -> Output {
        run(&self.words(out), more)
    }
}

pub(crate) fn run(words: &[String], more: &[&str]) -> Output {
    let (program, words) = words.split_first().unwrap();
    Command::new(program).args(words).args(more).env_remove("SOURCE_DATE_EPOCH").output().unwrap()
}

/// What a failed build said on stderr.
pub(crate) fn refusal(output: &Output, exit: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(exit), "{said}");
    said.lines()
        .filter(|line| line.starts_with("error: ") || line.starts_with("hint: "))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The first of the selector's test keys.
pub(crate) fn test_key() -> Vec<u8> {
    let text = include_str!("../../../boot/keys/test.keys");
    let line = text.lines().find_map(|line| line.strip_prefix("test ")).unwrap();
    hex::decode(line).unwrap()
}

/// What passes for an EFI program of `x86_64`, as long as nobody starts it.
pub(crate) fn pe(text: &str) -> Vec<u8> {
    let mut program = vec![0; 0x40];
    program[..2].copy_from_slice(b"MZ");
    program[0x3c] = 0x40;
    program.extend_from_slice(b"PE\0\0\x64\x86");
    program.extend_from_slice(text.as_bytes());
    program
}

/// The same for a program of Linux.
pub(crate) fn elf(text: &str) -> Vec<u8> {
    let mut program = vec![0; 20];
    program[..6].copy_from_slice(b"\x7fELF\x02\x01");
    program[18] = 62;
    program.extend_from_slice(text.as_bytes());
    program
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    (0u32..).flat_map(|n| *Digest::of(&n.to_le_bytes()).bytes()).take(length).collect()
}

/// An ELF file with nothing but a `.modinfo`; all its bytes are below 128, so that it is text.
fn module(info: &str) -> String {
    let names = "\0.modinfo\0.shstrtab\0";
    let mut elf = vec![0u8; 256];
    elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
    elf[0x28] = 64; // section headers
    elf[0x3a] = 64; // of this size
    elf[0x3c] = 3; // as many
    elf[0x3e] = 2; // names
    let mut section = |index: usize, name: u8, at: usize, length: usize| {
        let header = 64 + index * 64;
        elf[header] = name;
        elf[header + 0x18..header + 0x1a].copy_from_slice(&u16::try_from(at).unwrap().to_le_bytes());
        elf[header + 0x20] = u8::try_from(length).unwrap();
    };
    // Offsets 256 and 512: no byte of them is above 127.
    section(1, 1, 512, info.len());
    section(2, 10, 256, names.len());
    elf.extend_from_slice(names.as_bytes());
    elf.resize(512, 0);
    elf.extend_from_slice(info.as_bytes());
    String::from_utf8(elf).unwrap()
}

/// `dm-verity` needs two others, one of them softly; a soft one of another machine is missing.
const MODULES: [(&str, &str); 4] = [
    (
        "drivers/md/dm-verity",
        "license=GPL\0depends=dm-bufio\0softdep=pre: sha256-fast sha256-other post: late\0",
    ),
    ("drivers/md/dm-bufio", "depends=\0"),
    ("crypto/sha256_fast", "depends=\0"),
    ("fs/erofs", "depends=\0"),
];

pub(crate) const RECIPE: &str = r#"
variant = "test"
arch = ["x86_64"]
init = "/usr/bin/updog-tiny"
cmdline = "ro"
[kernel]
package = { x86_64 = "linux-image-test" }
modules = ["virtio_pci", "erofs", "dm_verity"]
[programs]
install = ["updog-tiny"]
[[file]]
path = "/etc/motd"
text = "hello\n"
[[link]]
path = "/usr/bin/reboot"
target = "updog-tiny"
[size]
esp = "2M"
boot = "2M"
root = "8M"
hash = "1M"
private = "16M"
data = "16M"
"#;
