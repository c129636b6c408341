//! arm → restart → confirm, and the ways back, as records and flags tell them.

use partition_core::{Part, Slot};
use partition_disk::{Access, Aligned, Disk};
use serde_json::Value;

use crate::host::{Host, flags};

fn events(host: &Host) -> Vec<String> {
    let history = host.json(&["history"]);
    let lines = history["data"]["history"].as_array().unwrap().clone();
    lines.iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect()
}

fn outcome(host: &Host) -> Value {
    host.json(&["status"])["data"]["outcome"].clone()
}

#[test]
fn an_update_is_armed_tried_and_confirmed() {
    let mut host = Host::new();
    host.stage("1.1.0");
    let said = host.updog(&["status"]);
    assert!(
        said.stdout.contains("Update: 1.1.0 is staged in slot B; \"updog arm\" makes it next\n"),
        "{said:?}"
    );
    let said = host.updog(&["arm"]);
    assert_eq!(said.stdout, "slot B armed: 1.1.0, 3 tries, boots next\n");
    assert_eq!(flags(&host.slots()), "1/7/1 2/3/0");
    assert_eq!(outcome(&host), "pending");

    assert_eq!(host.restart(), Slot::B);
    host.os_release("1.1.0");
    assert_eq!(outcome(&host), "trial");
    let said = host.updog(&["confirm"]);
    assert_eq!(said.stdout, "slot B (1.1.0) confirmed: updated, 7 tries\n");
    assert_eq!(flags(&host.slots()), "1/7/1 2/7/1");
    assert_eq!(outcome(&host), "steady");
    assert_eq!(events(&host), ["armed", "updated"]);

    // Again, and again after a plain restart: boring.
    assert_eq!(host.updog(&["confirm"]).code, 0);
    assert_eq!(host.restart(), Slot::B);
    assert_eq!(host.updog(&["confirm"]).stdout, "slot B (1.1.0) confirmed: 7 tries\n");
    assert_eq!(events(&host), ["armed", "updated"]);
}

#[test]
fn a_broken_release_is_left_and_remembered() {
    let mut host = Host::new();
    let release = host.arm("1.2.0");
    for _ in 0..3 {
        assert_eq!(host.restart(), Slot::B);
    }
    assert_eq!(host.restart(), Slot::A);
    let before = host.bytes();
    let said = host.updog(&["status"]);
    assert!(said.stdout.contains("Update: 1.2.0 was tried in slot B and left; back on 1.0.0\n"), "{said:?}");
    assert_eq!(host.bytes(), before, "status writes nothing");
    let said = host.updog(&["confirm"]);
    assert_eq!(said.stdout, "slot A (1.0.0) confirmed: rolled_back, 7 tries\n");
    assert_eq!(flags(&host.slots()), "1/7/1 0/0/0");
    assert_eq!(events(&host), ["armed", "rolled_back"]);
    let failed = std::fs::read_to_string(host.state().join("failed.json")).unwrap();
    assert!(failed.contains(&release.to_string()), "{failed}");
    let said = host.updog(&["status"]);
    assert!(said.stdout.contains("Last:   rolled_back: 1.2.0 in slot B"), "{said:?}");
    // Not armed again by accident.
    let said = host.updog(&["arm"]);
    assert_eq!((said.code, flags(&host.slots()).as_str()), (10, "1/7/1 0/0/0"), "{said:?}");
}

#[test]
fn cancel_undoes_arm_and_arm_can_come_again() {
    let host = Host::new();
    host.arm("1.1.0");
    let said = host.updog(&["cancel"]);
    assert_eq!(said.stdout, "slot B (1.1.0) cancelled: slot A boots next\n");
    assert_eq!(flags(&host.slots()), "2/7/1 0/0/0");
    assert_eq!(host.updog(&["cancel"]).code, 10);
    assert_eq!(host.updog(&["arm"]).code, 0, "nothing has to be fetched again");
    assert_eq!(events(&host), ["armed", "cancelled", "armed"]);
}

#[test]
fn a_fallback_that_was_armed_again_is_a_fallback_again_after_cancel() {
    let host = Host::new();
    host.stage("1.1.0");
    host.set((1, 7, true), (1, 7, true));
    // Armed twice, as a second `apply` of the same release does.
    for _ in 0..2 {
        assert_eq!(host.updog(&["arm"]).code, 0);
        assert_eq!(flags(&host.slots()), "1/7/1 2/3/0");
    }
    assert_eq!(host.updog(&["cancel"]).code, 0);
    assert_eq!(flags(&host.slots()), "2/7/1 1/3/1");
}

#[test]
fn an_armed_slot_that_arm_finds_broken_is_disarmed() {
    let host = Host::new();
    host.arm("1.1.0");
    let disk = Disk::open(host.disk(), Access::Write).unwrap();
    let root = disk.image(Slot::B, Part::Root).unwrap();
    root.write_at(0, &Aligned::zeroed(4096)).unwrap();
    root.flush().unwrap();
    let said = host.updog(&["arm"]);
    assert_eq!((said.code, flags(&host.slots()).as_str()), (40, "2/7/1 0/0/0"), "{said:?}");
    assert!(said.stderr.contains("slot B was armed and is not whole: it boots no more"), "{said:?}");
    assert_eq!(host.updog(&["cancel"]).code, 10);
}

#[test]
fn rollback_by_choice_and_back() {
    let mut host = Host::new();
    host.arm("1.1.0");
    host.restart();
    host.os_release("1.1.0");
    host.updog(&["confirm"]);
    let said = host.updog(&["rollback"]);
    assert_eq!(said.stdout, "slot A (1.0.0) armed by rollback, boots next\n", "{said:?}");
    assert_eq!(flags(&host.slots()), "2/3/1 1/7/1");
    // Cancel keeps the fallback.
    assert_eq!(host.updog(&["cancel"]).code, 0);
    assert_eq!(flags(&host.slots()), "1/3/1 2/7/1");
    host.updog(&["rollback"]);
    assert_eq!(host.restart(), Slot::A);
    host.os_release("1.0.0");
    assert_eq!(host.updog(&["confirm"]).stdout, "slot A (1.0.0) confirmed: updated, 7 tries\n");
    assert_eq!(flags(&host.slots()), "2/7/1 1/7/1");
}

#[test]
fn a_rollback_that_does_not_boot_ends_where_it_began() {
    let mut host = Host::new();
    host.set((2, 7, true), (1, 7, true));
    host.updog(&["rollback"]);
    for _ in 0..3 {
        assert_eq!(host.restart(), Slot::B);
    }
    assert_eq!(host.restart(), Slot::A);
    assert_eq!(outcome(&host), "rollback_failed");
    assert_eq!(host.updog(&["confirm"]).code, 0);
    assert!(!host.state().join("failed.json").exists(), "nothing is remembered");
    assert_eq!(outcome(&host), "steady");
}

#[test]
fn a_trial_can_be_left_by_choice() {
    let mut host = Host::new();
    host.arm("1.1.0");
    host.restart();
    assert_eq!(host.updog(&["rollback"]).code, 0);
    assert_eq!(flags(&host.slots()), "2/7/1 1/2/0");
    assert_eq!(host.restart(), Slot::A);
    host.updog(&["confirm"]);
    assert_eq!(flags(&host.slots()), "2/7/1 0/0/0");
}

/// P5: a confirmed slot that goes bad is left, told, and not branded.
#[test]
fn a_confirmed_slot_that_goes_bad_is_left_and_not_branded() {
    let mut host = Host::new();
    host.arm("1.1.0");
    host.restart();
    host.updog(&["confirm"]);
    let boots = (0..20).take_while(|_| host.restart() == Slot::B).count();
    assert!(boots <= 9, "{boots}");
    assert_eq!(outcome(&host), "fell_back");
    assert!(host.updog(&["confirm"]).stdout.contains("confirmed: fell_back"), "told");
    assert!(!host.state().join("failed.json").exists());
    assert_eq!(events(&host).last().map(String::as_str), Some("fell_back"));
}

/// The selector could not load the confirmed slot and went on at once: that slot has tries left and would go first again.
#[test]
fn the_slot_fallen_back_to_is_home() {
    let mut host = Host::new();
    host.arm("1.1.0");
    host.restart();
    host.updog(&["confirm"]);
    host.set((1, 6, true), (2, 6, true));
    (host.booted, host.boot) = (Slot::A, host.boot + 1);
    // Told already, as `report` does early in the boot.
    host.updog(&["report"]);
    assert_eq!(host.updog(&["confirm"]).code, 0);
    assert_eq!(flags(&host.slots()), "2/7/1 1/6/1");
    assert_eq!(host.restart(), Slot::A);
    // Gone back to by choice, it is not confirmed away.
    assert_eq!(host.updog(&["confirm"]).code, 0);
    assert_eq!(host.updog(&["rollback"]).code, 0);
    let armed = flags(&host.slots());
    host.updog(&["confirm"]);
    assert_eq!(flags(&host.slots()), armed);
}

/// The guard over all verbs: what is armed is not confirmed away.
#[test]
fn confirm_is_refused_while_the_other_slot_boots_next() {
    let mut host = Host::new();
    host.arm("1.1.0");
    // A restart that did not try it, and spent a try of A instead.
    host.set((1, 6, true), (2, 3, false));
    host.boot += 1;
    assert_eq!(outcome(&host), "never_tried");
    let said = host.updog(&["confirm"]);
    assert_eq!((said.code, flags(&host.slots()).as_str()), (50, "1/6/1 2/3/0"), "{said:?}");
    assert!(said.stderr.contains("hint: run \"updog cancel\""), "{said:?}");
    assert_eq!(host.updog(&["cancel"]).code, 0);
    assert_eq!(host.updog(&["confirm"]).code, 0);
}

/// `status` looks; it leaves neither a file nor a byte.
#[test]
fn status_writes_nothing() {
    let mut host = Host::new();
    host.arm("1.1.0");
    for _ in 0..4 {
        host.restart();
    }
    let everything = |host: &Host| {
        let mut files: Vec<_> =
            walk(&host.state()).into_iter().map(|path| (std::fs::read(&path).unwrap(), path)).collect();
        files.sort();
        (host.bytes(), files)
    };
    let before = everything(&host);
    assert_eq!(outcome(&host), "rolled_back");
    assert_eq!(host.updog(&["status"]).code, 0);
    assert_eq!(everything(&host), before);
    let empty = Host::new();
    assert_eq!(empty.updog(&["status"]).code, 0);
    assert!(walk(&empty.state()).is_empty());
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
