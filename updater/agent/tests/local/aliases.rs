//! Bottlerocket's names: exit codes 0 and 1, nothing on stdout where its client prints nothing.

use crate::host::{Host, flags, write};

#[test]
fn update_apply_and_update_revert_are_arm_and_cancel() {
    let host = Host::new();
    host.stage("1.1.0");
    let said = host.updog(&["update-apply", "--log-level", "info"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{said:?}");
    assert_eq!(flags(&host.slots()), "1/7/1 2/3/0");
    let said = host.updog(&["update-revert", "-j"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{said:?}");
    assert_eq!(flags(&host.slots()), "2/7/1 0/0/0");
    let said = host.updog(&["update-revert"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, ""), "nothing armed is done already: {said:?}");
}

#[test]
fn every_flag_goes_with_every_name_and_every_failure_is_1() {
    let host = Host::new();
    let names = ["check-update", "whats", "update", "update-image"];
    let flags = ["-i", "1.2.3", "-n", "--now", "--ignore-waves", "-j", "-a", "--variant", "other"];
    for name in names {
        for count in [0, 2, 3] {
            let said = host.updog(&[&[name], &flags[..count]].concat());
            assert_eq!(said.code, 1, "{name}: {said:?}");
            assert!(said.stdout.is_empty() && said.stderr.contains("error: "), "{name}: {said:?}");
        }
    }
    for wrong in
        [&["check-update", "--frobnicate"][..], &["update", "-i", "1.0"], &["update-image", "-t", "now"]]
    {
        assert_eq!(host.updog(wrong).code, 1, "{wrong:?}");
    }
    assert_eq!(host.updog(&["prepare"]).code, 0);
    write(host.config(), "sead = 7");
    assert_eq!(host.updog(&["prepare"]).code, 1);
}
