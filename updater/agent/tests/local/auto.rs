//! `auto`: one turn for a timer, quiet where there is nothing to do.

use crate::host::{Host, flags};

#[test]
fn what_is_armed_is_restarted_into_when_asked_for() {
    let host = Host::new();
    host.arm("1.1.0");
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
    let before = host.bytes();
    let said = host.updog(&["auto"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "slot B (1.1.0) is armed\n"), "{said:?}");
    assert!(!host.path("restarted").exists());
    let said = host.updog(&["auto", "--reboot"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "slot B (1.1.0) is armed, restarting\n"), "{said:?}");
    assert!(host.path("restarted").exists());
    assert_eq!(host.bytes(), before);
}

/// A selector that cannot start it would not the next time either.
#[test]
fn what_a_restart_did_not_try_is_not_restarted_into_again() {
    let mut host = Host::new();
    host.arm("1.1.0");
    host.boot += 1;
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
    let said = host.updog(&["auto", "--reboot"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (12, "slot B (1.1.0) is armed, but the last restart did not try it\n"),
        "{said:?}"
    );
    assert!(!host.path("restarted").exists());
}

/// When to go back is for the hand that armed it to say.
#[test]
fn a_rollback_by_hand_is_not_restarted_into() {
    let host = Host::new();
    host.set((2, 7, true), (1, 7, true));
    assert_eq!(host.updog(&["rollback"]).code, 0);
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
    let said = host.updog(&["auto", "--reboot"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "slot B is armed by rollback\n"), "{said:?}");
    assert!(!host.path("restarted").exists());
    assert_eq!(flags(&host.slots()), "1/7/1 2/3/1");
}

#[test]
fn no_server_is_transient_here_too() {
    let host = Host::new();
    assert_eq!(host.updog(&["auto"]).code, host.updog(&["apply"]).code);
}
