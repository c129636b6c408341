//! A disk image file: changes, locks, images, and disks that refuse.
#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

use std::convert::Infallible;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fixtures::CrashDisk;
use fixtures::crash::Fault;
use fixtures::disk::DiskSpec;
use gptman::GPT;
use partition_core::{Condition, Flags, Part, Slot, Slots};
use partition_disk::{Access, Aligned, ChangeError, Disk, Edit, Error};

fn disk_file(spec: &DiskSpec) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.img");
    fs::write(&path, spec.build()).unwrap();
    (folder, path)
}

fn set(slots: Slots) -> impl FnOnce(&partition_core::Layout) -> Result<Edit, Infallible> {
    move |_| Ok(Edit { slots, boot_ever_succeeded: true })
}

#[test]
fn one_change_reaches_both_copies_and_nothing_else() {
    for sector_size in [512, 4096] {
        let (_folder, path) = disk_file(&DiskSpec { sector_size, foreign: 3, ..DiskSpec::default() });
        let disk = Disk::open(&path, Access::Write).unwrap();
        assert_eq!(disk.sector_size(), sector_size);
        let wanted = Slots::new(Some(Flags::of(1, 7, true)), Some(Flags::of(2, 3, false)));
        let changed = disk.change(set(wanted)).unwrap();
        assert!(changed.wrote && changed.after == wanted && changed.found == Condition::Good);
        assert!(!disk.change(set(wanted)).unwrap().wrote, "nothing left to do");

        let theirs = GPT::read_from(&mut File::open(&path).unwrap(), u64::from(sector_size)).unwrap();
        let bits: Vec<u64> =
            theirs.iter().filter(|(_, e)| e.is_used()).map(|(_, e)| e.attribute_bits).collect();
        let foreign = 1 << 63 | 1 << 2;
        let (a, b) = (Flags::of(1, 7, true).bits(), Flags::of(2, 3, false).bits());
        assert_eq!(bits, [foreign, foreign, foreign, a, 0, 0, b, 0, 0, 1 << 57, 0]);
    }
}

#[test]
fn a_refused_change_changes_no_flag() {
    let (_folder, path) = disk_file(&DiskSpec::default());
    let before = fs::read(&path).unwrap();
    let disk = Disk::open(&path, Access::Write).unwrap();
    let refused = disk.change(|_| Err("no"));
    assert!(matches!(refused, Err(ChangeError::Refused("no"))));
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn changes_wait_for_the_table_lock() {
    let (_folder, path) = disk_file(&DiskSpec::default());
    let other = File::open(&path).unwrap();
    other.lock().unwrap();
    let freed = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&freed);
    let holder = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        flag.store(true, Ordering::SeqCst);
        drop(other);
    });
    let disk = Disk::open(&path, Access::Write).unwrap();
    disk.change(|layout| Ok::<_, Infallible>(Edit::slots(layout.slots()))).unwrap();
    assert!(freed.load(Ordering::SeqCst), "the change did not wait");
    holder.join().unwrap();
}

#[test]
fn two_writers_lose_no_change() {
    let (_folder, path) = disk_file(&DiskSpec::default());
    let raise = |slot: Slot| {
        let disk = Disk::open(&path, Access::Write).unwrap();
        for _ in 0..7 {
            disk.change(|layout| {
                let slots = layout.slots();
                let flags = slots.get(slot).unwrap_or_default();
                Ok::<_, Infallible>(Edit::slots(slots.with(slot, flags.with_priority(flags.priority() + 1))))
            })
            .unwrap();
        }
    };
    std::thread::scope(|threads| {
        threads.spawn(|| raise(Slot::A));
        threads.spawn(|| raise(Slot::B));
    });
    let slots = Disk::open(&path, Access::Read).unwrap().layout().unwrap().slots();
    let priorities: Vec<u8> = slots.iter().map(|(_, flags)| flags.priority()).collect();
    assert_eq!(priorities, [8, 7]);
}

#[test]
fn an_image_is_written_and_read_back_inside_its_partition() {
    for (sector_size, page) in [(512, 4096), (4096, 4096)] {
        let (_folder, path) = disk_file(&DiskSpec { sector_size, ..DiskSpec::default() });
        let before = fs::read(&path).unwrap();
        let disk = Disk::open(&path, Access::Write).unwrap();
        let image = disk.image(Slot::B, Part::Root).unwrap();
        assert_eq!(image.len(), 16 << 10);
        let mut bytes = Aligned::zeroed(page);
        bytes.fill(0xa5);
        image.write_at(8192, &bytes).unwrap();
        image.flush().unwrap();
        bytes.fill(0);
        image.read_at(8192, &mut bytes).unwrap();
        assert!(bytes.iter().all(|&byte| byte == 0xa5));

        let entry = disk.layout().unwrap().part(Slot::B, Part::Root).unwrap().clone();
        let start = usize::try_from(entry.first_lba * u64::from(sector_size)).unwrap() + 8192;
        let after = fs::read(&path).unwrap();
        let changed = (0..before.len()).filter(|&at| before[at] != after[at]);
        assert!(changed.eq(start..start + page));

        let past = image.write_at(16 << 10, &bytes).unwrap_err();
        assert_eq!(past.kind(), std::io::ErrorKind::InvalidInput);
        assert!(image.read_at(u64::MAX, &mut bytes).is_err());
        assert!(fs::read(&path).unwrap() == after);
    }
}

#[test]
fn a_disk_opened_for_reading_is_never_written() {
    let (_folder, path) = disk_file(&DiskSpec::default());
    let before = fs::read(&path).unwrap();
    let disk = Disk::open(&path, Access::Read).unwrap();
    let wanted = Slots::new(Some(Flags::of(2, 7, true)), Some(Flags::default()));
    let error = disk.change(set(wanted)).unwrap_err();
    assert!(matches!(error, ChangeError::Disk(Error::WriteTable { .. })), "{error}");
    let image = disk.image(Slot::B, Part::Boot).unwrap();
    assert!(image.write_at(0, &Aligned::zeroed(4096)).is_err());
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn what_is_no_disk_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| Disk::open(folder.path().join(name), Access::Write);
    assert!(matches!(open("missing"), Err(Error::OpenDisk { access: Access::Write, .. })));
    assert!(matches!(
        Disk::open(folder.path(), Access::Read),
        Err(Error::NotADisk { .. } | Error::InspectDisk { .. })
    ));
    assert!(matches!(
        Disk::open("/dev/null", Access::Read),
        Err(Error::NotADisk { .. } | Error::InspectDisk { .. })
    ));
    for (name, bytes) in [("empty", vec![]), ("short", vec![0; 511]), ("zeros", vec![0; 1 << 20])] {
        fs::write(folder.path().join(name), bytes).unwrap();
        let error = open(name).unwrap().table().unwrap_err();
        assert!(matches!(error, Error::ReadTable { .. }), "{name}: {error}");
    }
}

#[test]
fn one_slot_has_no_image_of_the_other() {
    let spec = DiskSpec { slots: Slots::new(Some(Flags::of(1, 7, true)), None), ..DiskSpec::default() };
    let (_folder, path) = disk_file(&spec);
    let disk = Disk::open(&path, Access::Write).unwrap();
    assert!(disk.layout().unwrap().b.is_none());
    let error = disk.image(Slot::B, Part::Root).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("failed to find the root partition of slot B on {}", path.display())
    );
}

#[test]
fn a_disk_that_fails_to_write_or_flush_keeps_a_whole_copy() {
    let faults = (0..4).map(Fault::FailWrite).chain((0..3).map(Fault::FailFlush));
    for fault in faults {
        let crash = CrashDisk::new(DiskSpec::default().build(), 512).with_fault(fault);
        let wanted = Slots::new(Some(Flags::of(1, 7, true)), Some(Flags::of(2, 3, false)));
        let error = crash.disk().change(set(wanted)).unwrap_err();
        assert!(matches!(error, ChangeError::Disk(Error::WriteTable { .. })), "{fault:?}: {error}");
        // The next run reads a table and finishes the change.
        let after = crash.disk().change(set(wanted)).unwrap();
        assert_eq!(after.after, wanted, "{fault:?}");
        assert_eq!(crash.disk().table().unwrap().condition(), Condition::Good);
    }
}
