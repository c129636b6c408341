//! `run`: starts a built image in QEMU, its serial port on this terminal.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use rustix::process::Signal;
use serde_json::json;

use super::Answer;
use crate::image::BuildJson;
use crate::{Arch, Error, Tool};

#[derive(Debug, Args)]
pub(super) struct Run {
    /// A folder that `build` wrote.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Memory of the machine, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    memory: u32,
    /// Forget at the end what the machine wrote to its disk.
    #[arg(long)]
    snapshot: bool,
    /// Further words for QEMU.
    #[arg(last = true, value_name = "WORDS")]
    more: Vec<String>,
}

impl Run {
    pub(super) fn run(self, as_json: bool) -> Result<Answer, Error> {
        let path = self.folder.join("build.json");
        let read = |source| Error::Read { path: path.clone(), source };
        let text = fs::read(&path).map_err(read)?;
        // In full: QEMU takes what stands before a colon for a protocol.
        let folder = fs::canonicalize(&self.folder).map_err(read)?;
        let build: BuildJson =
            serde_json::from_slice(&text).map_err(|source| Error::ParseBuild { path, source })?;
        let arch: Arch = build.arch.parse().map_err(|_| Error::NoFirmware { arch: build.arch.clone() })?;
        let machine = Machine::of(arch);
        // The firmware's variables live beside the disk, so that they outlive the run as a real machine's do.
        let (disk, variables) = (folder.join("disk.img"), folder.join("firmware-variables.fd"));
        if !variables.exists() {
            let copied = fs::copy(machine.variables, &variables);
            copied.map_err(|_| Error::NoFirmware { arch: build.arch.clone() })?;
        }
        let mut command = Command::new(machine.qemu.program);
        command.args(self.words(&machine, &variables, &disk));
        end_with_us(&mut command);
        if as_json {
            // Our answer is all that may be on stdout.
            command.stdout(io::stderr());
        }
        let status = command.status().map_err(|source| machine.qemu.not_started(source))?;
        if !status.success() {
            return Err(Error::Qemu { program: machine.qemu.program, status });
        }
        Ok(Answer::done("the machine is off", json!({ "qemu": status.code() })))
    }

    fn words(&self, machine: &Machine, variables: &Path, disk: &Path) -> Vec<String> {
        // A comma ends the file's name, two are one in it.
        let file = |path: &Path| format!("file={}", path.display().to_string().replace(',', ",,"));
        let mut words: Vec<String> = machine.words.iter().map(|word| (*word).to_owned()).collect();
        let flash = |path: &Path, more: &str| format!("if=pflash,format=raw,{more}{}", file(path));
        let plain = [
            // Never KVM by itself: where it is offered but does not work, QEMU would hang.
            "-accel",
            "tcg",
            "-nodefaults",
            "-display",
            "none",
            "-serial",
            "mon:stdio",
            "-device",
            "virtio-rng-pci",
            "-netdev",
            "user,id=net",
            "-device",
            "virtio-net-pci,netdev=net",
            "-device",
            "virtio-blk-pci,drive=disk,bootindex=1",
        ];
        words.extend(plain.map(str::to_owned));
        words.extend(["-m".to_owned(), self.memory.to_string()]);
        words.extend(["-drive".to_owned(), flash(Path::new(machine.code), "readonly=on,")]);
        words.extend(["-drive".to_owned(), flash(variables, "")]);
        words.extend(["-drive".to_owned(), format!("if=none,id=disk,format=raw,{}", file(disk))]);
        words.extend(self.snapshot.then(|| "-snapshot".to_owned()));
        words.extend(self.more.iter().cloned());
        words
    }
}

/// Has the machine end when this program does, however that comes about: two machines on one disk would destroy it.
#[expect(unsafe_code, reason = "pre_exec is unsafe; what runs in it is one system call")]
fn end_with_us(command: &mut Command) {
    let end = || Ok(rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?);
    // SAFETY: prctl(2) is async-signal-safe, and nothing else is done between fork and exec.
    unsafe { command.pre_exec(end) };
}

struct Machine {
    qemu: Tool,
    words: &'static [&'static str],
    code: &'static str,
    variables: &'static str,
}

impl Machine {
    fn of(arch: Arch) -> Machine {
        match arch {
            Arch::X86_64 => Machine {
                qemu: Tool { program: "qemu-system-x86_64", package: "qemu-system-x86" },
                words: &["-machine", "q35", "-cpu", "max", "-device", "i6300esb"],
                code: "/usr/share/OVMF/OVMF_CODE_4M.fd",
                variables: "/usr/share/OVMF/OVMF_VARS_4M.fd",
            },
            Arch::Aarch64 => Machine {
                qemu: Tool { program: "qemu-system-aarch64", package: "qemu-system-arm" },
                words: &["-machine", "virt", "-cpu", "cortex-a72", "-device", "i6300esb"],
                code: "/usr/share/AAVMF/AAVMF_CODE.fd",
                variables: "/usr/share/AAVMF/AAVMF_VARS.fd",
            },
        }
    }
}
