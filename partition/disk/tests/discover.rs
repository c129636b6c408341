//! The running slot, found on a fake sysfs tree.
#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use fixtures::disk::{DiskSpec, partuuid};
use partition_core::{Flags, Slot, Slots};
use partition_disk::discover::{DiscoverError, Probe, Running, mapped, running};

/// `/sys` and `/dev` of a host with one or two disks.
struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    fn new() -> Host {
        let host = Host { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(host.sys().join("dev/block")).unwrap();
        fs::create_dir_all(host.dev()).unwrap();
        host
    }

    fn sys(&self) -> PathBuf {
        self.folder.path().join("sys")
    }

    fn dev(&self) -> PathBuf {
        self.folder.path().join("dev")
    }

    /// A device folder, linked from `dev/block` as the kernel does.
    fn device(&self, path: &str, number: (u32, u32), node: &str) -> PathBuf {
        let folder = self.sys().join("devices").join(path);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("uevent"), format!("MAJOR={}\nMINOR={}\nDEVNAME={node}\n", number.0, number.1))
            .unwrap();
        symlink(&folder, self.sys().join(format!("dev/block/{}:{}", number.0, number.1))).unwrap();
        folder
    }

    /// A disk with two slots and its eight partitions.
    fn disk(&self, name: &str, major: u32, first_minor: u32) {
        self.device(&format!("pci/{name}"), (major, first_minor), name);
        for n in 1..=8 {
            let partition = format!("{name}p{n}");
            let folder =
                self.device(&format!("pci/{name}/{partition}"), (major, first_minor + n), &partition);
            fs::write(folder.join("partition"), format!("{n}\n")).unwrap();
        }
        let slots = Slots::new(Some(Flags::of(1, 7, true)), Some(Flags::of(2, 3, false)));
        fs::write(self.dev().join(name), DiskSpec { slots, ..DiskSpec::default() }.build()).unwrap();
    }

    /// A device mapper device over others.
    fn mapped(&self, name: &str, number: (u32, u32), below: &[&str]) {
        let folder = self.device(&format!("virtual/{name}"), number, name);
        fs::create_dir_all(folder.join("slaves")).unwrap();
        for device in below {
            let target = self.sys().join("devices").join(device);
            symlink(&target, folder.join("slaves").join(Path::new(device).file_name().unwrap())).unwrap();
        }
    }

    fn ask(&self, cmdline: &str, root: (u32, u32)) -> Result<(Slot, String), DiscoverError> {
        let (sys, dev) = (self.sys(), self.dev());
        let Running { slot, disk } = running(&Probe { cmdline, sys: &sys, dev: &dev, root })?;
        Ok((slot, disk.file_name().unwrap().to_string_lossy().into_owned()))
    }
}

fn told(slot: &str, boot: u32) -> String {
    format!("quiet updog.slot=A updog.slot={slot} updog.boot={} ro\n", partuuid(boot))
}

#[test]
fn verity_over_root_and_hash() {
    let host = Host::new();
    host.disk("nvme0n1", 259, 0);
    host.mapped("dm-0", (254, 0), &["pci/nvme0n1/nvme0n1p2", "pci/nvme0n1/nvme0n1p3"]);
    host.mapped("dm-1", (254, 1), &["pci/nvme0n1/nvme0n1p5", "pci/nvme0n1/nvme0n1p6"]);
    for (dm, slot) in [(0, Slot::A), (1, Slot::B)] {
        // without a word on the command line, as Bottlerocket's loader starts it
        assert_eq!(host.ask("quiet ro", (254, dm)).unwrap(), (slot, "nvme0n1".to_owned()));
    }
    assert_eq!(host.ask(&told("B", 4), (254, 1)).unwrap().0, Slot::B);
}

/// The node to read the whole root through; a plain partition has none.
#[test]
fn the_device_mapper_device_below_the_root() {
    let host = Host::new();
    host.disk("vda", 253, 0);
    host.mapped("dm-0", (254, 0), &["pci/vda/vdap2", "pci/vda/vdap3"]);
    let ask = |root| mapped(&host.sys(), &host.dev(), root);
    assert_eq!(ask((254, 0)), None, "its folder has no dm");
    fs::create_dir(host.sys().join("devices/virtual/dm-0/dm")).unwrap();
    assert_eq!(ask((254, 0)), Some(host.dev().join("dm-0")));
    for root in [(253, 2), (0, 42), (254, 9)] {
        assert_eq!(ask(root), None);
    }
}

/// As the guest of a bundled image sees it: links as the kernel makes them, no PARTUUID in sysfs, other disks without a table.
#[test]
fn a_bundled_image_as_its_guest_sees_it() {
    let host = Host::new();
    let slots = Slots::new(Some(Flags::of(1, 7, true)), Some(Flags::of(2, 3, false)));
    let disk = host.device("pci0000:00/0000:00:04.0/virtio1/block/vda", (254, 0), "vda");
    let bytes = DiskSpec { slots, ..DiskSpec::default() }.build();
    fs::write(host.dev().join("vda"), bytes).unwrap();
    for n in 1..=8 {
        let folder = host.device(
            &format!("pci0000:00/0000:00:04.0/virtio1/block/vda/vda{n}"),
            (254, n),
            &format!("vda{n}"),
        );
        fs::write(folder.join("partition"), format!("{n}\n")).unwrap();
        assert!(!fs::read_to_string(folder.join("uevent")).unwrap().contains("PARTUUID"));
    }
    let root = host.device("virtual/block/dm-0", (252, 0), "dm-0");
    fs::create_dir_all(root.join("slaves")).unwrap();
    fs::create_dir_all(root.join("dm")).unwrap();
    for n in [5, 6] {
        let target = format!("../../../../pci0000:00/0000:00:04.0/virtio1/block/vda/vda{n}");
        symlink(target, root.join("slaves").join(format!("vda{n}"))).unwrap();
    }
    // Other disks without a table, which the guest has as well.
    host.device("virtual/block/loop0", (7, 0), "loop0");
    fs::write(host.dev().join("loop0"), [0; 4096]).unwrap();
    host.device("virtual/block/ram0", (1, 0), "ram0");
    assert!(disk.join("vda5").exists());
    assert_eq!(host.ask(&told("B", 4), (252, 0)).unwrap(), (Slot::B, "vda".to_owned()));
    assert_eq!(mapped(&host.sys(), &host.dev(), (252, 0)), Some(host.dev().join("dm-0")));
}

#[test]
fn any_stack_of_devices_and_any_number() {
    let host = Host::new();
    // a minor beyond 255 and a major beyond 8 bits
    host.disk("sdzz", 1055, 700_000);
    host.mapped("dm-3", (254, 3), &["pci/sdzz/sdzzp5", "pci/sdzz/sdzzp6"]);
    host.mapped("dm-4", (254, 4), &["virtual/dm-3"]);
    host.mapped("dm-5", (254, 300), &["virtual/dm-4", "virtual/dm-3"]);
    assert_eq!(host.ask("", (254, 300)).unwrap(), (Slot::B, "sdzz".to_owned()));
    // the partition itself, without device mapper
    assert_eq!(host.ask("", (1055, 700_002)).unwrap().0, Slot::A);
}

#[test]
fn a_stack_that_bites_its_tail_ends() {
    let host = Host::new();
    host.disk("vda", 253, 0);
    host.mapped("dm-0", (254, 0), &["virtual/dm-1"]);
    host.mapped("dm-1", (254, 1), &["virtual/dm-0", "pci/vda/vdap2"]);
    assert_eq!(host.ask("", (254, 0)).unwrap().0, Slot::A);
}

#[test]
fn the_command_line_alone_is_enough_for_a_root_in_memory() {
    let host = Host::new();
    host.disk("vda", 253, 0);
    assert_eq!(host.ask(&told("B", 4), (0, 42)).unwrap(), (Slot::B, "vda".to_owned()));
}

#[test]
fn a_clone_of_the_disk_is_not_taken_for_it() {
    let host = Host::new();
    host.disk("vda", 253, 0);
    host.disk("vdb", 253, 16);
    host.mapped("dm-0", (254, 0), &["pci/vdb/vdbp5", "pci/vdb/vdbp6"]);
    assert_eq!(host.ask(&told("B", 4), (254, 0)).unwrap(), (Slot::B, "vdb".to_owned()));
    let error = host.ask(&told("B", 4), (0, 42)).unwrap_err();
    assert!(matches!(error, DiscoverError::Ambiguous { .. }), "{error}");
}

/// The bug: every disk of the machine was read by every verb, and one that does not answer held all of them up.
#[test]
fn a_disk_that_does_not_answer_is_not_asked() {
    let host = Host::new();
    // Whoever opens it waits for a writer.
    host.device("pci/aaa", (8, 0), "aaa");
    assert!(std::process::Command::new("mkfifo").arg(host.dev().join("aaa")).status().unwrap().success());
    host.disk("vda", 253, 0);
    host.mapped("dm-0", (254, 0), &["pci/vda/vdap5", "pci/vda/vdap6"]);
    assert_eq!(host.ask(&told("B", 4), (254, 0)).unwrap(), (Slot::B, "vda".to_owned()));
}

#[test]
fn sources_that_disagree_are_refused() {
    let host = Host::new();
    host.disk("vda", 253, 0);
    host.mapped("dm-0", (254, 0), &["pci/vda/vdap2", "pci/vda/vdap3"]);
    host.mapped("dm-1", (254, 1), &["pci/vda/vdap2", "pci/vda/vdap6"]);
    let refused = |cmdline: &str, root| host.ask(cmdline, root).unwrap_err();
    let error = refused(&told("B", 4), (254, 0));
    assert!(matches!(error, DiscoverError::Disagree { second: "sysfs", .. }), "{error}");
    // the slot's letter and its boot partition
    let error = refused(&told("B", 1), (254, 0));
    assert!(matches!(error, DiscoverError::Disagree { first: "updog.slot", .. }), "{error}");
    // one root, two slots
    let error = refused("", (254, 1));
    assert!(matches!(error, DiscoverError::Disagree { .. }), "{error}");
}

#[test]
fn nothing_and_nonsense_are_refused() {
    let host = Host::new();
    host.disk("vda", 253, 0);
    let refused = |cmdline: &str| host.ask(cmdline, (0, 42)).unwrap_err();
    assert!(matches!(refused("quiet"), DiscoverError::Nothing));
    assert!(matches!(refused("updog.slot=A"), DiscoverError::Half { missing: "updog.boot" }));
    assert!(matches!(
        refused(&format!("updog.boot={}", partuuid(1))),
        DiscoverError::Half { missing: "updog.slot" }
    ));
    assert!(matches!(refused("updog.slot=C updog.boot=x"), DiscoverError::Cmdline { key: "updog.slot", .. }));
    assert!(matches!(refused("updog.slot=A updog.boot=x"), DiscoverError::Cmdline { key: "updog.boot", .. }));
    assert!(matches!(refused(&told("A", 99)), DiscoverError::NoDisk { .. }));
    // a partition that belongs to no slot (DATA) says nothing
    assert!(matches!(host.ask("", (253, 8)).unwrap_err(), DiscoverError::Nothing));
}
