//! `hooks.d`: who is asked before a slot is written, after it was read back, and before the restart.

use std::fs;
use std::time::{Duration, Instant};

use crate::etcd::until;
use crate::host::{Host, flags, write};
use crate::online::Served;

/// A host with a release open, a restart that leaves a trace, and hooks of its own.
fn served(limits: &str) -> Served {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let host = &served.host;
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
    let plain = fs::read_to_string(host.config()).unwrap();
    let dir = host.path("hooks.d").display().to_string();
    write(host.config(), format!("{plain}\n[hooks]\ndir = {dir:?}\n{limits}"));
    served
}

fn restarted(host: &Host) -> bool {
    host.path("restarted").exists()
}

#[test]
fn they_are_asked_in_order_and_told_what_happens() {
    let served = served("");
    let host = &served.host;
    let log = host.path("log").display().to_string();
    for phase in ["pre-stage", "post-stage", "pre-reboot"] {
        for name in ["20-b", "10-a"] {
            let line = format!("echo {name} $UPDOG_PHASE $UPDOG_SLOT $UPDOG_FROM $UPDOG_TO >> {log}");
            host.hook(phase, name, &line);
        }
    }
    let said = host.updog(&["auto", "--reboot"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(restarted(host));
    let asked = fs::read_to_string(&log).unwrap();
    let expected = ["pre-stage", "post-stage", "pre-reboot"]
        .iter()
        .flat_map(|phase| ["10-a", "20-b"].map(|name| format!("{name} {phase} B 1.0.0 1.1.0\n")));
    assert_eq!(asked, expected.collect::<String>());
}

/// 75 is "not now": nothing failed, and the next turn asks again.
#[test]
fn one_that_asks_to_wait_is_waited_for() {
    for (phase, slots) in
        [("pre-stage", "1/7/1 0/0/0"), ("post-stage", "1/7/1 0/0/0"), ("pre-reboot", "1/7/1 2/3/0")]
    {
        let served = served("");
        let host = &served.host;
        host.hook(phase, "10-busy", "echo a backup runs; exit 75");
        let said = host.json(&["auto", "--reboot"]);
        assert_eq!((&said["exit"], &said["reason"]), (&0.into(), &"deferred".into()), "{said}");
        let message = said["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("hook {phase}/10-busy")), "{message}");
        assert!(message.ends_with("asks to wait: a backup runs"), "{message}");
        crate::inhibited::assert_soon(&said);
        assert_eq!(flags(&host.slots()), slots, "{phase}");
        assert!(!restarted(host));
        assert_eq!(host.updog(&["apply", "--reboot"]).code, 11);
        fs::remove_file(host.path("hooks.d").join(phase).join("10-busy")).unwrap();
        assert_eq!(host.updog(&["auto", "--reboot"]).code, 0);
        assert!(restarted(host), "{phase}");
    }
}

#[test]
fn any_other_failure_blocks_with_the_name_of_the_hook() {
    let served = served("timeout = \"5s\"\n");
    let host = &served.host;
    let cases = [
        ("echo no room; exit 3", "ended with exit status: 3: no room"),
        ("kill -9 $$", "ended with signal: 9"),
        // Whatever it has started ends with it.
        ("sleep 600 & sleep 600", "took longer than 5 s"),
        ("yes flood | head -c 2000000; exit 1", "ended with exit status: 1: flood / flood"),
    ];
    for (script, expected) in cases {
        host.hook("pre-stage", "10-sick", script);
        let start = Instant::now();
        let said = host.json(&["auto", "--reboot"]);
        assert!(start.elapsed() < Duration::from_mins(1));
        assert_eq!((&said["exit"], &said["reason"]), (&50.into(), &"hook".into()), "{said}");
        let message = said["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("hook pre-stage/10-sick {expected}")), "{message}");
        assert_eq!(flags(&host.slots()), "1/7/1 0/0/0");
    }
    fs::remove_file(host.path("hooks.d/pre-stage/10-sick")).unwrap();
    std::os::unix::fs::symlink("nowhere", host.path("hooks.d/pre-stage/20-gone")).unwrap();
    let said = host.updog(&["stage"]);
    assert_eq!(said.code, 50, "{said:?}");
    assert!(said.stderr.contains("error: hook pre-stage/20-gone cannot be run: "), "{said:?}");
    assert!(said.stderr.contains("hint: mend it or take it out of hooks.d"), "{said:?}");
}

/// Killed with SIGKILL, `auto` cannot end its hook; the next turn does not start a second one beside it.
#[test]
fn a_hook_that_outlives_its_turn_is_waited_for() {
    let served = served("timeout_all = \"2s\"\n");
    let host = &served.host;
    let (asked, go, ended) = (host.path("asked"), host.path("go"), host.path("ended"));
    let wait = format!(
        "echo x >> {}; while [ ! -e {} ]; do sleep 0.1; done; touch {}",
        asked.display(),
        go.display(),
        ended.display()
    );
    host.hook("pre-stage", "10-slow", &wait);
    let mut killed = host.command(&["auto", "--reboot"]).spawn().unwrap();
    until("the hook is asked", || asked.exists());
    killed.kill().unwrap();
    killed.wait().unwrap();
    let said = host.json(&["auto", "--reboot"]);
    assert_eq!((&said["exit"], &said["reason"]), (&0.into(), &"deferred".into()), "{said}");
    let message = said["message"].as_str().unwrap();
    assert!(message.ends_with("a hook of an earlier run, which was killed, has not ended"), "{message}");
    assert_eq!(fs::read_to_string(&asked).unwrap(), "x\n");
    write(&go, "");
    until("it has ended", || ended.exists());
    assert_eq!(host.updog(&["auto", "--reboot"]).code, 0);
    assert_eq!(fs::read_to_string(&asked).unwrap(), "x\nx\n");
    assert!(restarted(host));
}

/// Who works on an image file asks nobody of this machine.
#[test]
fn a_disk_image_has_no_hooks() {
    let served = served("");
    let host = &served.host;
    host.hook("pre-stage", "10-sick", "exit 1");
    fs::remove_dir_all(host.sysroot()).unwrap();
    let said = host.updog(&["apply"]);
    assert_eq!(said.code, 0, "{said:?}");
}

/// A trial that is unhealthy is left, whatever anybody says.
#[test]
fn no_hook_keeps_a_failed_trial() {
    let mut host = Host::new();
    host.settle_at_once();
    host.arm("1.1.0");
    host.restart();
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
    host.check("10-sick", "exit 1");
    host.hook("pre-reboot", "10-never", "exit 1");
    let plain = fs::read_to_string(host.config()).unwrap();
    let dir = host.path("hooks.d").display().to_string();
    write(host.config(), format!("{plain}\n[hooks]\ndir = {dir:?}\n"));
    assert_eq!(host.updog(&["health", "--reboot"]).code, 12);
    assert!(restarted(&host));
}
