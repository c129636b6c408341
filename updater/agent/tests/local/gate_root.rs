//! The whole root is read once through the device below `/`, on a trial only.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use partition_core::Slot;
use updog::gate::read_to_end;

use crate::host::{Host, write};

/// Slot B on trial, its `/` on `dm-0`.
fn trial() -> Host {
    let mut host = Host::new();
    host.settle_at_once();
    host.arm("1.1.0");
    assert_eq!(host.restart(), Slot::B);
    host.booted_with("updog.trial=1");
    let device = host.sysroot().join("sys/devices/virtual/block/dm-0");
    host.system("sys/devices/virtual/block/dm-0/uevent", "DEVNAME=dm-0\n");
    host.system("sys/devices/virtual/block/dm-0/dm/name", "root\n");
    let number = fs::metadata(host.sysroot()).unwrap().dev();
    let link = format!("sys/dev/block/{}:{}", rustix::fs::major(number), rustix::fs::minor(number));
    fs::create_dir_all(host.sysroot().join("sys/dev/block")).unwrap();
    symlink(device, host.sysroot().join(link)).unwrap();
    host
}

fn stage(host: &Host) -> String {
    let mark = fs::read_to_string(host.state().join("boot-stage")).unwrap();
    assert_eq!(mark.lines().count(), 1, "one line, as the initramfs writes it");
    let mark: serde_json::Value = serde_json::from_str(&mark).unwrap();
    assert_eq!((&mark["format"], &mark["boot"], &mark["slot"]), (&1.into(), &"boot-2".into(), &"B".into()));
    mark["stage"].as_str().unwrap().to_owned()
}

#[test]
fn a_trial_reads_the_device_below_its_root() {
    let host = trial();
    host.system("dev/dm-0", vec![7; (3 << 20) + 4096]);
    let said = host.updog(&["health"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.stderr.contains("dm-0 through verity.\n") && said.stderr.contains("scan: 3.00 MiB of 3.00 MiB"),
        "{said:?}"
    );
    // Confirmed by now: it is not read again.
    let said = host.updog(&["health"]);
    assert!(said.code == 0 && !said.stderr.contains("verity"), "{said:?}");
}

/// A device that fails to read: as with verity that answers with errors.
#[test]
fn a_root_that_cannot_be_read_is_left_for_verity() {
    let host = trial();
    host.restartable();
    fs::create_dir_all(host.sysroot().join("dev/dm-0")).unwrap();
    host.check("10-net", &format!("touch {}", host.path("asked").display()));
    let said = host.updog(&["health", "--reboot"]);
    assert_eq!(said.code, 12, "{said:?}");
    assert!(said.stdout.contains("unhealthy: verity: failed to read "), "{said:?}");
    assert_eq!(stage(&host), "scan", "had it ended here, the mark would tell");
    assert!(!host.path("asked").exists() && host.path("restarted").exists());
}

#[test]
fn the_mark_says_health_while_checks_run() {
    let host = trial();
    host.system("dev/dm-0", [0; 4096]);
    let seen = host.path("seen").display().to_string();
    host.check("10-look", &format!("cp {}/boot-stage {seen}; exit 1", host.state().display()));
    assert_eq!(host.updog(&["health"]).code, 12);
    assert_eq!(stage(&host), "health");
    assert!(fs::read_to_string(seen).unwrap().contains("\"stage\":\"health\""));
}

#[test]
fn a_root_on_nothing_that_can_be_read_is_a_note() {
    let host = trial();
    fs::remove_dir_all(host.sysroot().join("sys")).unwrap();
    let said = host.updog(&["health"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stderr.contains("/ does not lie on a device mapper device"), "{said:?}");
}

/// Our own selector says that there is verity, so a root without it is not what was signed.
#[test]
fn a_root_that_should_be_checked_and_is_not_fails_the_trial() {
    let host = trial();
    fs::remove_dir_all(host.sysroot().join("sys")).unwrap();
    host.system("proc/cmdline", "updog.slot=B updog.trial=1 updog.root_hash=00");
    let said = host.updog(&["health"]);
    assert_eq!(said.code, 12, "{said:?}");
    assert!(said.stdout.contains("unhealthy: health:root: expected / on a device mapper device"), "{said:?}");
}

#[test]
fn every_byte_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    for length in [0_u64, 4096, 1 << 20, (2 << 20) + 8192] {
        let path = folder.path().join("device");
        write(&path, vec![1; usize::try_from(length).unwrap()]);
        let mut told = Vec::new();
        read_to_end(&path, |done, total| {
            told.push((done, total));
            false
        })
        .unwrap();
        assert!(told.iter().all(|(_, total)| *total == length), "{told:?}");
        assert!(told.windows(2).all(|pair| pair[0].0 < pair[1].0), "{told:?}");
        assert_eq!(told.last().map_or(0, |last| last.0), length);
        let mut pieces = 0;
        read_to_end(&path, |_, _| {
            pieces += 1;
            true
        })
        .unwrap();
        assert_eq!(pieces, u32::from(length > 0), "it stops when told to");
    }
}
