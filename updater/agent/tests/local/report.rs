//! `report`: what the last boot came to, told and settled early in this one.

use crate::host::{Host, flags};

#[test]
fn nothing_happened() {
    let host = Host::new();
    let before = host.bytes();
    let said = host.updog(&["report"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "slot A (1.0.0) runs: nothing pending\n"));
    assert_eq!(host.bytes(), before);
}

/// It ends the trial that was left: nobody is told twice, and the left slot is not started again.
#[test]
fn a_trial_that_was_left_is_settled_and_told_once() {
    let mut host = Host::new();
    host.arm_and_leave();
    assert_eq!(flags(&host.slots()), "1/6/1 2/0/0");
    let said = host.updog(&["report"]);
    assert_eq!(said.stdout, "slot A (1.0.0) runs: 1.1.0 was tried in slot B and left; back on 1.0.0\n");
    assert_eq!(
        flags(&host.slots()),
        "1/6/1 0/0/0",
        "the flags of the trial are cleared, nothing is refilled"
    );
    assert_eq!(host.updog(&["report"]).stdout, "slot A (1.0.0) runs: nothing pending\n");
    let history = host.json(&["history"]);
    let events = history["data"]["history"].as_array().unwrap();
    assert_eq!(events.iter().filter(|line| line["event"] == "rolled_back").count(), 1);
    // The gate finds nothing left to tell, and refills.
    assert_eq!(host.updog(&["confirm"]).stdout, "slot A (1.0.0) confirmed: 7 tries\n");
}

/// A selector that skips a slot leaves it tries: with the trial over it is not tried for ever.
#[test]
fn a_slot_that_was_skipped_is_not_tried_again() {
    let mut host = Host::new();
    host.arm("1.1.0");
    host.set((1, 6, true), (2, 2, false));
    host.boot += 1;
    host.booted_with("updog.skipped=B:signature");
    let answer = host.json(&["report"]);
    assert_eq!((&answer["data"]["cause"], &answer["data"]["wrote"]), (&"unloadable".into(), &true.into()));
    assert_eq!(flags(&host.slots()), "1/6/1 0/0/0");
}

/// The selector could not write the try: the slot stays armed, and it is said why it was not started.
#[test]
fn an_armed_slot_that_was_not_started_says_why() {
    let mut host = Host::new();
    host.arm("1.1.0");
    host.boot += 1;
    host.booted_with("updog.skipped=B:unspent");
    let before = host.bytes();
    let said = host.updog(&["report"]);
    assert_eq!(
        said.stdout,
        "slot A (1.0.0) runs: 1.1.0 is armed in slot B, but the restart did not try it (unloadable: unspent)\n"
    );
    assert_eq!(host.bytes(), before);
    assert!(!host.state().join("failed.json").exists());
}

#[test]
fn a_trial_and_an_armed_slot_are_left_as_they_are() {
    let mut host = Host::new();
    host.arm("1.1.0");
    let before = host.bytes();
    let said = host.updog(&["report"]);
    assert_eq!(said.stdout, "slot A (1.0.0) runs: 1.1.0 is armed in slot B; a restart tries it\n");
    host.boot += 1;
    let said = host.updog(&["report"]);
    assert_eq!(
        said.stdout,
        "slot A (1.0.0) runs: 1.1.0 is armed in slot B, but the restart did not try it\n"
    );
    assert_eq!(host.bytes(), before);
    host.restart();
    host.os_release("1.1.0");
    let before = host.bytes();
    let said = host.updog(&["report"]);
    assert_eq!(said.stdout, "slot B (1.1.0) runs: 1.1.0 is on trial; \"updog confirm\" keeps it\n");
    assert_eq!(host.bytes(), before);
}

/// A slot that has shown nothing yet does not take the other one's place.
#[test]
fn a_trial_does_not_clear_the_slot_it_came_from() {
    let host = Host::new();
    host.set((1, 2, false), (1, 2, false));
    let before = host.bytes();
    assert_eq!(host.updog(&["report"]).code, 0);
    assert_eq!(host.bytes(), before);
}

#[test]
fn what_does_not_outlive_the_boot_is_said() {
    let host = Host::new();
    host.system("run/updog/volatile/var", "bad superblock\nmore\n");
    for verb in ["report", "status"] {
        let said = host.updog(&[verb]);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.stderr.contains("note: /var is a tmpfs for this boot (bad superblock)"), "{said:?}");
    }
    assert_eq!(host.updog(&["status"]).stdout.lines().count(), 5);
}
