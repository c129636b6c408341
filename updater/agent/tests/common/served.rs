//! A host that is updated by the real program from a signed repository on a real server.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use chrono::{DateTime, Utc};
use fixtures::disk::DiskSpec;
use fixtures::server::{Faults, Server};
use fixtures::tuf::Repository;
use partition_core::{Flags, Layout, Slot, SlotSet, choose};
use partition_disk::{Access, Disk};
use release::delta::Table;
use release::{Digest, Image, Images};
use serde_json::{Value, json};

use super::{Made, delta, disk};

/// The time of the test.
pub(crate) const NOW: &str = "2026-03-01T00:00:00Z";

/// Repository, server, disk file and state folder.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) server: Server,
    pub(crate) repository: Repository,
}

impl Served {
    /// A host that runs `running`, holds `held` in slot B, startable, and is offered `offered`.
    pub(crate) fn new(running: &Made, held: Option<&Made>, offered: &Made) -> Served {
        let crash = disk(running, held.map(|held| (held, Flags::of(1, 7, true))));
        let served = Served::with_disk(&crash.live());
        served.publish(offered)
    }

    /// The same with another disk, and nothing published yet.
    pub(crate) fn with_disk(bytes: &[u8]) -> Served {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("disk.img"), bytes).unwrap();
        Served::in_folder(folder)
    }

    /// A large disk, with holes where it is empty.
    pub(crate) fn sparse(folder: tempfile::TempDir, spec: &DiskSpec) -> Served {
        let bytes = spec.build();
        let file = std::fs::File::create(folder.path().join("disk.img")).unwrap();
        file.set_len(bytes.len() as u64).unwrap();
        let end = bytes.len() - TABLE;
        file.write_all_at(&bytes[..TABLE], 0).unwrap();
        file.write_all_at(&bytes[end..], end as u64).unwrap();
        Served::in_folder(folder)
    }

    fn in_folder(folder: tempfile::TempDir) -> Served {
        let now: DateTime<Utc> = NOW.parse().unwrap();
        let repository = Repository::new(now);
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("root.json"), repository.root(1)).unwrap();
        std::fs::write(path("os-release"), "VARIANT_ID=test\nVERSION_ID=1.0.0\n").unwrap();
        let server = Server::start(path("repo"), Faults::default()).unwrap();
        let config = format!(
            "metadata_base_url = \"{}\"\ntargets_base_url = \"{}\"\nseed = 7\narch = \"x86_64\"\nroot = \"{}\"\n\
             stall = \"1s\"\nconnect = \"1s\"\nretries = 1\n",
            server.url_of("metadata/"),
            server.url_of("targets/"),
            path("root.json").display(),
        );
        std::fs::write(path("updog.toml"), config).unwrap();
        Served { folder, server, repository }
    }

    /// Publishes a release as its publisher would, open for everyone.
    pub(crate) fn publish(self, made: &Made) -> Served {
        self.publish_after(None, made)
    }

    /// The same with deltas from another release, which is listed too.
    pub(crate) fn publish_after(self, base: Option<&Made>, made: &Made) -> Served {
        let all = |base: &Made| Images::from_fn(|image| Some(delta(base, made, image)));
        let deltas = base.map(all).unwrap_or_default();
        self.publish_with(base, made, deltas)
    }

    /// The same with these deltas, as they were made: tables and files.
    pub(crate) fn publish_with(
        mut self,
        base: Option<&Made>,
        made: &Made,
        deltas: Images<Option<(Table, Vec<u8>)>>,
    ) -> Served {
        let deltas = base.map(|base| self.deltas(base, made, deltas)).unwrap_or_default();
        let listed: Vec<Value> = base.into_iter().map(|base| self.listed(base, &[])).collect();
        let updates: Vec<Value> = listed.into_iter().chain([self.listed(made, &deltas)]).collect();
        let manifest = json!({ "updates": updates, "migrations": {} });
        let targets = &mut self.repository.roles.get_mut("targets").unwrap().targets;
        targets.insert("manifest.json".to_owned(), manifest.to_string().into_bytes());
        self.write();
        self
    }

    /// Adds the deltas between two releases to the targets; what the manifest says of them.
    fn deltas(&mut self, base: &Made, made: &Made, deltas: Images<Option<(Table, Vec<u8>)>>) -> Vec<Value> {
        let targets = &mut self.repository.roles.get_mut("targets").unwrap().targets;
        let mut said = Vec::new();
        deltas.map(|image, delta| {
            let Some((table, file)) = delta else { return };
            let header = table.encode();
            let version = &made.release.version;
            let from = &base.release.id.to_string()[..16];
            let target = format!("test-x86_64-{version}-{image}.from-{from}.delta");
            said.push(json!({
                "image": image.name(), "from": base.release.id, "target": target,
                "header_length": header.len(), "header_sha256": Digest::of(&header),
            }));
            targets.insert(target, file);
        });
        said
    }

    /// Adds a release to the targets; what the manifest says of it.
    fn listed(&mut self, made: &Made, deltas: &[Value]) -> Value {
        let version = made.release.version.to_string();
        let name = |image: Image, kind: &str| format!("test-x86_64-{version}-{image}.{kind}");
        let names = |kind: &str| -> Value {
            Image::ALL.into_iter().map(|image| (image.name().to_owned(), json!(name(image, kind)))).collect()
        };
        let update = json!({
            "variant": "test", "arch": "x86_64", "version": version, "max_version": "9.0.0", "waves": {},
            "images": names("img.zst"),
            "updog": {
                "format": 1, "release": made.release.id, "index": names("idx"), "deltas": deltas, "from": null,
                "paused": null, "yanked": null, "notes": "",
            },
        });
        let targets = &mut self.repository.roles.get_mut("targets").unwrap().targets;
        for image in Image::ALL {
            targets.insert(name(image, "img.zst"), made.frames.files.get(image).clone());
            targets.insert(name(image, "idx"), made.indexes.get(image).encode());
        }
        update
    }

    /// Signs everything anew and writes it where the server serves it.
    pub(crate) fn write(&mut self) {
        self.repository.publish();
        self.repository.write(&self.path("repo")).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command line of the program, with these words at its end.
    pub(crate) fn command(&self, clock: &str, words: &[&str]) -> Command {
        self.command_in(("A", "one"), clock, words)
    }

    /// The same in another slot, in this boot.
    pub(crate) fn command_in(&self, (slot, boot): (&str, &str), clock: &str, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_updog"));
        command
            .args(["--json", "--booted", slot, "--boot-id", boot, "--clock", clock])
            .arg("--config")
            .arg(self.path("updog.toml"))
            .arg("--disk")
            .arg(self.path("disk.img"))
            .arg("--state")
            .arg(self.path("state"))
            .arg("--os-release")
            .arg(self.path("os-release"))
            .args(words);
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        self.run_at(NOW, words)
    }

    /// The same at another time.
    pub(crate) fn run_at(&self, clock: &str, words: &[&str]) -> Ran {
        Ran::of(self.command(clock, words).output().unwrap())
    }

    pub(crate) fn layout(&self) -> Layout {
        Disk::open(self.path("disk.img"), Access::Read).unwrap().layout().unwrap()
    }

    pub(crate) fn disk(&self) -> Vec<u8> {
        std::fs::read(self.path("disk.img")).unwrap()
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) answer: Value,
    pub(crate) progress: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Ran {
        let stdout = String::from_utf8(output.stdout).unwrap();
        Ran {
            exit: output.status.code().unwrap_or(-1),
            answer: serde_json::from_str(&stdout).unwrap_or(Value::String(stdout)),
            progress: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub(crate) fn data(&self, name: &str) -> u64 {
        self.answer["data"][name].as_u64().unwrap_or_else(|| panic!("no {name} in {self:#?}"))
    }
}

/// The slot that the selector would start on this disk.
pub(crate) fn next(bytes: &[u8]) -> Option<Slot> {
    let layout = fixtures::crash::table_of(bytes, 512).unwrap().layout().unwrap();
    choose(&layout.slots(), SlotSet::EMPTY).map(|choice| choice.slot)
}

/// Whether slot `slot` of this disk holds the images of `made`, byte for byte.
pub(crate) fn holds(bytes: &[u8], slot: Slot, made: &Made) -> bool {
    let layout = fixtures::crash::table_of(bytes, 512).unwrap().layout().unwrap();
    partition_core::Part::ALL.into_iter().all(|part| {
        let at = layout.part(slot, part).unwrap().first_lba as usize * 512;
        let image = made.images.part(part);
        bytes[at..at + image.len()] == *image
    })
}

/// A folder's files and their bytes, to see whether it changed.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

/// A table of 512-byte sectors, its header and the protective MBR fit.
const TABLE: usize = 34 * 512;
