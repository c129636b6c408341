//! Two updogs at once: one works, the other names it. And without a running slot nothing is written.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use partition_core::Slot;
use updog::state::State;

use crate::host::{Host, flags};

#[test]
fn the_second_updog_names_the_first_and_changes_nothing() {
    let host = Host::new();
    host.arm("1.1.0");
    let before = host.bytes();
    let lock = State::new(host.state()).run_lock("stage").unwrap();
    for verb in ["arm", "cancel", "rollback", "verify"] {
        let answer = host.json(&[verb]);
        assert_eq!(
            (answer["exit"].as_i64(), answer["reason"].as_str()),
            (Some(50), Some("run_lock")),
            "{verb}"
        );
        let message = answer["message"].as_str().unwrap();
        let expected = format!("another updog is at work: \"updog stage\", process {}", std::process::id());
        assert_eq!(message, expected, "{verb}");
    }
    assert_eq!(host.bytes(), before);
    drop(lock);
    assert_eq!(host.updog(&["cancel"]).code, 0);
}

/// The state folder is open to all, and whoever can open a file can hold its lock.
#[test]
fn locks_can_be_held_by_nobody_else() {
    let host = Host::new();
    host.program("systemctl", "exit 0");
    let text = fs::read_to_string(host.config()).unwrap();
    let dir = host.path("hooks.d").display().to_string();
    fs::write(host.config(), format!("{text}[hooks]\ndir = {dir:?}\n")).unwrap();
    host.hook("pre-reboot", "10-agrees", "exit 0");
    host.stage("1.1.0");
    let said = host.updog(&["arm", "--reboot"]);
    assert_eq!(said.code, 0, "{said:?}");
    for name in ["lock", "records.lock", "hooks.lock"] {
        let mode = fs::metadata(host.state().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// `status` and `confirm` do not wait for a download.
#[test]
fn status_and_confirm_need_no_lock() {
    let mut host = Host::new();
    host.arm("1.1.0");
    host.restart();
    let _lock = State::new(host.state()).run_lock("stage").unwrap();
    assert_eq!(host.updog(&["status"]).code, 0);
    assert_eq!(host.updog(&["confirm"]).code, 0);
    assert_eq!(flags(&host.slots()), "1/7/1 2/7/1");
}

/// A disk image does not tell which slot runs; `status` shows what there is, the others refuse.
#[test]
fn without_a_running_slot_writing_verbs_refuse() {
    let host = Host::new();
    host.arm("1.1.0");
    let before = host.bytes();
    let run = |verb: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_updog"));
        command.arg("--disk").arg(host.disk()).arg("--state").arg(host.state());
        command.arg("--config").arg(host.config()).arg(verb);
        crate::host::Said::from(command.output().unwrap())
    };
    for verb in ["arm", "cancel", "confirm", "rollback", "verify"] {
        let said = run(verb);
        assert_eq!(said.code, 2, "{verb}: {said:?}");
        assert!(said.stderr.contains("hint: say which slot it runs from"), "{said:?}");
    }
    let said = run("status");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("Slot B: 1.1.0, armed (2/3/0)"), "{said:?}");
    assert_eq!(host.bytes(), before);
}

/// What runs unconfirmed is the only way to tell good from bad: nothing is armed over it.
#[test]
fn a_trial_is_neither_armed_over_nor_cancelled_away() {
    let mut host = Host::new();
    host.arm("1.1.0");
    assert_eq!(host.restart(), Slot::B);
    host.stage("1.2.0");
    let answer = host.json(&["arm"]);
    assert_eq!((answer["exit"].as_i64(), answer["reason"].as_str()), (Some(50), Some("not_confirmed")));
    assert_eq!(host.updog(&["cancel"]).code, 10);
    assert_eq!(flags(&host.slots()), "1/7/1 2/2/0");
}
