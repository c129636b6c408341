//! A host in a folder: a disk image, a state folder, a configuration, and updog on top.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fixtures::disk::DiskSpec;
use partition_core::{Flags, Part, Slot, SlotSet, Slots, choose};
use partition_disk::{Access, Aligned, Disk, Edit};
use release::payload::{FrameWriter, Index};
use release::{Digest, Image, Images, ReleaseId};
use serde_json::Value;
use tempfile::TempDir;
use updater_core::records::{FORMAT, Staged};
use updog::state::State;

pub(crate) const NOW: &str = "2026-01-02T03:04:05Z";

/// A host that runs 1.0.0 from slot A.
pub(crate) struct Host {
    pub(crate) folder: TempDir,
    pub(crate) booted: Slot,
    pub(crate) boot: u32,
}

/// What a run said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Host {
    pub(crate) fn new() -> Host {
        Host::with(&DiskSpec::default())
    }

    pub(crate) fn with(spec: &DiskSpec) -> Host {
        let folder = tempfile::tempdir().unwrap();
        let host = Host { folder, booted: Slot::A, boot: 1 };
        fs::write(host.disk(), spec.build()).unwrap();
        fs::create_dir(host.state()).unwrap();
        fs::write(host.config(), CONFIG).unwrap();
        host.os_release("1.0.0");
        host
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn disk(&self) -> PathBuf {
        self.path("disk.img")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("updog.toml")
    }

    /// The files of the running system, once a test has put some there.
    pub(crate) fn sysroot(&self) -> PathBuf {
        self.path("sysroot")
    }

    pub(crate) fn os_release(&self, version: &str) {
        let text = format!("ID=test\nVARIANT_ID=tiny\nVERSION_ID={version}\n");
        fs::write(self.path("os-release"), text).unwrap();
    }

    /// Runs updog with everything that points it at this host.
    pub(crate) fn updog(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_updog"));
        command.arg("--config").arg(self.config());
        command.arg("--disk").arg(self.disk());
        command.arg("--state").arg(self.state());
        command.arg("--os-release").arg(self.path("os-release"));
        command.args(["--booted", &self.booted.to_string()]);
        command.args(["--boot-id", &format!("boot-{}", self.boot)]);
        command.args(["--clock", NOW]);
        if self.sysroot().exists() {
            command.arg("--sysroot").arg(self.sysroot());
        }
        command.args(arguments);
        command
    }

    /// Runs updog with `--json` and reads its one object.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let said = self.updog(&[&["--json"], arguments].concat());
        let value: Value =
            serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("no JSON object: {said:?}"));
        assert_eq!(value["exit"], said.code, "{said:?}");
        assert_eq!(value["format"], 1);
        value
    }

    pub(crate) fn slots(&self) -> Slots {
        Disk::open(self.disk(), Access::Read).unwrap().layout().unwrap().slots()
    }

    pub(crate) fn set(&self, a: (u8, u8, bool), b: (u8, u8, bool)) {
        let flags = |(priority, tries, successful)| Some(Flags::of(priority, tries, successful));
        let slots = Slots::new(flags(a), flags(b));
        let disk = Disk::open(self.disk(), Access::Write).unwrap();
        disk.change(|_| Ok::<_, partition_core::Refusal>(Edit::slots(slots))).unwrap();
    }

    /// What the firmware does: chooses, spends, starts. Then another boot begins.
    pub(crate) fn restart(&mut self) -> Slot {
        let choice = choose(&self.slots(), SlotSet::EMPTY).unwrap();
        let disk = Disk::open(self.disk(), Access::Write).unwrap();
        disk.change(|_| Ok::<_, partition_core::Refusal>(Edit::slots(choice.after))).unwrap();
        self.boot += 1;
        self.booted = choice.slot;
        choice.slot
    }

    /// Puts a release into the other slot, as `stage` leaves it.
    pub(crate) fn stage(&self, version: &str) -> ReleaseId {
        let slot = self.booted.other();
        let raw = Images::from_fn(|image| raw(version, image));
        let disk = Disk::open(self.disk(), Access::Write).unwrap();
        for (image, bytes) in raw.iter() {
            let io = disk.image(slot, part(image)).unwrap();
            let mut aligned = Aligned::zeroed(bytes.len());
            aligned.copy_from_slice(bytes);
            io.write_at(0, &aligned).unwrap();
            io.flush().unwrap();
        }
        let indexes: Images<Index> = raw.map(|_, bytes| {
            let writer =
                FrameWriter { level: 1, threads: std::num::NonZeroUsize::MIN, ..FrameWriter::default() };
            writer.write(&mut bytes.as_slice(), &mut Vec::new(), |_| {}).unwrap()
        });
        let bytes = indexes.map(|_, index| index.encode());
        let release = ReleaseId::of(&bytes.as_ref().map(|_, bytes| Digest::of(bytes)));
        let staged = Staged {
            format: FORMAT,
            version: version.parse().unwrap(),
            variant: "tiny".to_owned(),
            arch: "x86_64".to_owned(),
            release,
            slot,
            at: NOW.parse().unwrap(),
            extra: serde_json::Map::new(),
        };
        State::new(self.state()).write_staged(&staged, &bytes).unwrap();
        release
    }

    /// Stages and arms a release.
    pub(crate) fn arm(&self, version: &str) -> ReleaseId {
        let release = self.stage(version);
        let said = self.updog(&["arm"]);
        assert_eq!(said.code, 0, "{said:?}");
        release
    }

    /// Stages and arms a release, as `auto` does it.
    pub(crate) fn arm_by_itself(&self, version: &str) -> ReleaseId {
        let release = self.arm(version);
        let path = self.state().join("outcome.json");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"wish\": \"hand\""), "{text}");
        fs::write(path, text.replace("\"wish\": \"hand\"", "\"wish\": \"auto\"")).unwrap();
        release
    }

    /// Every byte of the disk.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.disk()).unwrap()
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        Said {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn flags(slots: &Slots) -> String {
    let text = |slot| slots.get(slot).map_or_else(|| "-".to_owned(), |flags| flags.to_string());
    format!("{} {}", text(Slot::A), text(Slot::B))
}

pub(crate) fn write(path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.as_ref().parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn part(image: Image) -> Part {
    match image {
        Image::Boot => Part::Boot,
        Image::Root => Part::Root,
        Image::Hash => Part::Hash,
    }
}

/// 8 KiB that depend on the release and the image.
pub(crate) fn raw(version: &str, image: Image) -> Vec<u8> {
    let digest = Digest::of(format!("{version} {image}").as_bytes());
    digest.bytes().iter().copied().cycle().take(8 << 10).collect()
}

/// Nobody listens on port 1.
const CONFIG: &str = r#"
metadata_base_url = "http://127.0.0.1:1/metadata/"
targets_base_url = "http://127.0.0.1:1/targets/"
root = "/nonexistent/root.json"
seed = 7
"#;
