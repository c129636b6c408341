//! A real block device with partition nodes: a loop device. Needs root, so it runs when it is asked for:
//! `cargo test -p partition-disk --test block_device -- --ignored`.
#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Command;

use fixtures::disk::DiskSpec;
use partition_core::{Flags, Part, Slot, Slots};
use partition_disk::{Access, Aligned, Disk, Edit, Error};

/// A loop device over a test disk, with nodes for all its partitions but the ones left out.
struct Loop {
    node: PathBuf,
    partitions: Vec<String>,
    folder: tempfile::TempDir,
}

fn run(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output();
    let output =
        output.unwrap_or_else(|error| panic!("{program} is missing ({error}): run `cargo xtask setup`"));
    assert!(output.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Loop {
    fn over(spec: &DiskSpec, shifted_by: u64) -> Loop {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("disk.img");
        fs::write(&file, spec.build()).unwrap();
        let layout = Disk::open(&file, Access::Read).unwrap().layout().unwrap();
        let node = run("losetup", &["--find", "--show", &file.to_string_lossy()]);
        let mut device = Loop { node: node.clone().into(), partitions: vec![], folder };
        for (slot, part) in Slot::ALL.into_iter().flat_map(|slot| Part::ALL.map(|part| (slot, part))) {
            let entry = layout.part(slot, part).unwrap();
            let number = (entry.index + 1).to_string();
            // Not every kernel parses the table itself; the partitions are announced as parted does it.
            let (start, length) = ((entry.first_lba + shifted_by).to_string(), entry.sectors().to_string());
            run("addpart", &[&node, &number, &start, &length]);
            device.partitions.push(number);
        }
        device
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let node = self.node.to_string_lossy();
        for number in &self.partitions {
            run("delpart", &[&node, number]);
        }
        run("losetup", &["--detach", &node]);
    }
}

#[test]
#[ignore = "needs root and a loop device"]
fn flags_and_images_through_the_nodes() {
    let device = Loop::over(&DiskSpec::default(), 0);
    let disk = Disk::open(&device.node, Access::Write).unwrap();
    assert!(disk.is_live_device());
    let slots = Slots::new(Some(Flags::of(1, 7, true)), Some(Flags::of(2, 3, false)));
    let changed = disk.change(|_| Ok::<_, std::convert::Infallible>(Edit::slots(slots))).unwrap();
    assert_eq!(changed.after, slots);

    let node = format!("{}p5", device.node.display());
    let layout = disk.layout().unwrap();
    assert_eq!(disk.partition_name(layout.part(Slot::B, Part::Root).unwrap()), node);
    let mut page = Aligned::zeroed(4096);
    page.fill(0x5a);
    {
        let image = disk.image(Slot::B, Part::Root).unwrap();
        assert_eq!(image.len(), 16 << 10);
        image.write_at(4096, &page).unwrap();
        image.flush().unwrap();
        page.fill(0);
        image.read_at(4096, &mut page).unwrap();
        assert!(page.iter().all(|&byte| byte == 0x5a));
        assert!(image.write_at(16 << 10, &page).is_err(), "past the partition");
    }
    drop(disk);
    let file = fs::read(device.folder.path().join("disk.img")).unwrap();
    let at = usize::try_from(layout.part(Slot::B, Part::Root).unwrap().first_lba * 512).unwrap() + 4096;
    assert!(file[at..at + 4096].iter().all(|&byte| byte == 0x5a));
    let from_file = Disk::open(device.folder.path().join("disk.img"), Access::Read).unwrap();
    assert_eq!(from_file.layout().unwrap().slots(), slots);
}

#[test]
#[ignore = "needs root and a loop device"]
fn a_partition_in_use_is_not_written() {
    let device = Loop::over(&DiskSpec::default(), 0);
    let node = format!("{}p5", device.node.display());
    // As a mount or device mapper holds it.
    let holder = OpenOptions::new().read(true).custom_flags(libc::O_EXCL).open(&node).unwrap();
    let disk = Disk::open(&device.node, Access::Write).unwrap();
    let error = disk.image(Slot::B, Part::Root).unwrap_err();
    assert!(matches!(error, Error::PartitionInUse { .. }), "{error}");
    // Reading it is no harm, and the flags can be changed all the same.
    disk.image_for_reading(Slot::B, Part::Root).unwrap().read_at(0, &mut Aligned::zeroed(4096)).unwrap();
    disk.rewrite().unwrap();
    drop(holder);
    disk.image(Slot::B, Part::Root).unwrap();
}

#[test]
#[ignore = "needs root and a loop device"]
fn nodes_that_lie_elsewhere_are_not_trusted() {
    let device = Loop::over(&DiskSpec::default(), 1);
    let disk = Disk::open(&device.node, Access::Write).unwrap();
    let error = disk.image(Slot::B, Part::Root).unwrap_err();
    assert!(matches!(error, Error::StaleNode { .. }), "{error}");
}

#[test]
#[ignore = "needs root and a loop device"]
fn a_read_only_device_is_shown_and_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("disk.img");
    fs::write(&file, DiskSpec::default().build()).unwrap();
    let node = run("losetup", &["--read-only", "--find", "--show", &file.to_string_lossy()]);
    let device = Loop { node: node.into(), partitions: vec![], folder };
    let error = Disk::open(&device.node, Access::Write).unwrap_err();
    assert!(matches!(error, Error::OpenDisk { access: Access::Write, .. }), "{error}");
    let disk = Disk::open(&device.node, Access::Read).unwrap();
    assert_eq!(disk.layout().unwrap().slots().iter().count(), 2);
}
