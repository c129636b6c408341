//! P9 and the I/O that P2 asks for, measured on the real program with a 1 GiB image over HTTP: memory does not grow with the image, the
//! read-back reads the device, a rerun writes nothing, a killed download goes on.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of small disks fit every type")]

mod common;

use std::fs::File;
use std::os::unix::fs::FileExt;

use common::large::{self, BLOCK, GIB, MIB, measure};
use common::served::Served;
use fixtures::disk::DiskSpec;
use release::Version;
use rustix::process::Signal;

#[test]
fn a_gibibyte_takes_48_mib_and_is_read_back_from_the_device() {
    // A real file system, not one in memory: the kernel must count what is read.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let spec = DiskSpec { boot: 2 * BLOCK, root: GIB, hash: 2 * BLOCK, ..DiskSpec::default() };
    let served = Served::sparse(folder, &spec);

    let made = large::release(&served, Version::new(1, 1, 0), large::piece);
    let total: u64 = made.indexes.iter().map(|(_, index)| index.frames_length()).sum();
    let served = served.publish(&made);

    // Killed once half is written.
    let (_, took) = measure(served.command(common::served::NOW, &["stage"]), |took, pid| {
        if took.written >= GIB / 2 {
            rustix::process::kill_process(pid, Signal::KILL).unwrap();
        }
    });
    assert!(took.written < GIB, "the run was over before it was killed");

    let (ran, took) = measure(served.command(common::served::NOW, &["stage"]), |_, _| {});
    assert_eq!(ran.exit, 0, "{ran:#?}");
    println!("stage after a kill at half: {} of {total} bytes fetched, {took:?}", ran.data("fetched_bytes"));
    assert!(ran.data("fetched_bytes") * 100 <= total * 52);
    assert!(took.peak <= 48 * MIB, "{took:?}");

    let (ran, took) = measure(served.command(common::served::NOW, &["stage"]), |_, _| {});
    assert_eq!(ran.exit, 0, "{ran:#?}");
    println!("stage again: {took:?}");
    assert_eq!((ran.data("fetched_bytes"), ran.data("written_bytes")), (0, 0));
    assert!(took.peak <= 48 * MIB && took.read >= GIB && took.written < MIB, "{took:?}");

    let (ran, took) = measure(served.command(common::served::NOW, &["verify"]), |_, _| {});
    assert_eq!(ran.exit, 0, "{ran:#?}");
    println!("verify: {took:?}");
    assert!(took.peak <= 48 * MIB && took.read >= GIB, "{took:?}");

    // From nothing, in one go.
    let disk = File::options().write(true).open(served.path("disk.img")).unwrap();
    let layout = served.layout();
    let root = layout.b.unwrap().root.first_lba * 512;
    for piece in 0..1024 {
        disk.write_all_at(&[0; 512], root + piece * MIB).unwrap();
    }
    std::fs::remove_dir_all(served.path("state")).unwrap();
    let (ran, took) = measure(served.command(common::served::NOW, &["stage"]), |_, _| {});
    assert_eq!(ran.exit, 0, "{ran:#?}");
    println!("stage from nothing: {took:?}");
    assert_eq!(ran.data("written_bytes"), GIB);
    assert!(took.peak <= 48 * MIB && took.read >= 2 * GIB && took.written >= GIB, "{took:?}");
}
