//! Wrong or hostile disks: one clear error, and nothing that boots changes.

use std::fs;

use fixtures::disk::DiskSpec;
use partition_core::{Flags, Slots};

use crate::host::{Host, flags};

const LOCAL: [&str; 6] = ["status", "confirm", "cancel", "rollback", "arm", "verify"];

fn corrupt(host: &Host, sectors: &[i64]) {
    let mut bytes = host.bytes();
    let all = i64::try_from(bytes.len() / 512).unwrap();
    for sector in sectors {
        let sector = if *sector < 0 { all + sector } else { *sector };
        let at = usize::try_from(sector).unwrap() * 512;
        bytes[at..at + 512].fill(0xa5);
    }
    fs::write(host.disk(), bytes).unwrap();
}

#[test]
fn a_damaged_copy_of_the_table_is_told_and_repaired() {
    for (sectors, word) in
        [(vec![1], "primary_damaged"), (vec![-1], "backup_damaged"), (vec![2], "primary_damaged")]
    {
        let host = Host::new();
        corrupt(&host, &sectors);
        let before = host.bytes();
        let status = host.json(&["status"]);
        assert_eq!((&status["exit"], &status["data"]["table"]), (&0.into(), &word.into()));
        assert_eq!(host.bytes(), before, "status writes nothing");
        assert_eq!(host.updog(&["confirm"]).code, 0, "{word}");
        assert_eq!(host.json(&["status"])["data"]["table"], "good");
        assert_eq!(flags(&host.slots()), "1/7/1 0/0/0");
    }
}

#[test]
fn both_copies_damaged_is_one_clear_error() {
    let host = Host::new();
    corrupt(&host, &[1, -1]);
    let before = host.bytes();
    for verb in LOCAL {
        let said = host.updog(&[verb]);
        assert!(matches!(said.code, 40 | 10), "{verb}: {said:?}");
        assert!(said.code == 10 || said.stderr.starts_with("error: failed to"), "{verb}: {said:?}");
        assert_eq!(
            said.stderr.lines().filter(|line| line.starts_with("error: ")).count(),
            usize::from(said.code == 40)
        );
    }
    assert_eq!(host.bytes(), before);
}

#[test]
fn a_disk_with_one_slot_shows_it_and_refuses_the_rest() {
    let slots = Slots::new(Some(Flags::of(1, 7, true)), None);
    let host = Host::with(&DiskSpec { slots, ..DiskSpec::default() });
    let said = host.updog(&["status"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("Slot B: not on this disk"), "{said:?}");
    assert_eq!(host.updog(&["confirm"]).code, 0);
    for verb in ["cancel", "rollback"] {
        let said = host.updog(&[verb]);
        assert_eq!(said.code, 50, "{verb}: {said:?}");
        assert!(said.stderr.contains("the disk has no slot B"), "{said:?}");
    }
}

#[test]
fn no_disk_is_no_disk() {
    for bytes in [vec![], vec![0; 512], vec![0xff; 40 << 10]] {
        let host = Host::new();
        fs::write(host.disk(), &bytes).unwrap();
        for verb in ["status", "confirm", "cancel", "rollback"] {
            let said = host.updog(&[verb]);
            assert_eq!(said.code, 40, "{verb}: {said:?}");
        }
        assert_eq!(host.bytes(), bytes);
    }
    let host = Host::new();
    fs::remove_file(host.disk()).unwrap();
    fs::create_dir(host.disk()).unwrap();
    assert_eq!(host.updog(&["status"]).code, 40);
}

#[test]
fn sectors_of_4096_bytes_work_as_well() {
    let mut host = Host::with(&DiskSpec { sector_size: 4096, ..DiskSpec::default() });
    host.arm("1.1.0");
    host.restart();
    assert_eq!(host.updog(&["confirm"]).code, 0);
    assert_eq!(flags(&host.slots()), "1/7/1 2/7/1");
}

/// Flags that updog never writes, in every combination of a few: verbs refuse or keep the host bootable; none panics.
#[test]
fn foreign_flags_never_make_a_host_unbootable() {
    let values = [(0, 0, false), (0, 5, true), (1, 0, true), (2, 1, false), (9, 0, false), (15, 15, true)];
    for a in values {
        for b in values {
            for verb in ["confirm", "cancel", "rollback"] {
                let host = Host::new();
                host.set(a, b);
                let bootable = partition_core::bootable(&host.slots());
                let said = host.updog(&[verb]);
                assert!([0, 10, 50].contains(&said.code), "{a:?} {b:?} {verb}: {said:?}");
                if !bootable.is_empty() {
                    assert!(!partition_core::bootable(&host.slots()).is_empty(), "{a:?} {b:?} {verb}");
                }
            }
        }
    }
}
