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
        crate::inhibited::assert_soon(&said);
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
    let said = host.updog(&["auto", "--reboot"]);
    assert!(said.stderr.contains("waiting for a hook of another run"), "{said:?}");
    let said = host.json(&["auto", "--reboot"]);
    assert_eq!((&said["exit"], &said["reason"]), (&0.into(), &"deferred".into()), "{said}");
    let message = said["message"].as_str().unwrap();
    assert!(message.ends_with("a hook of another run has not ended"), "{message}");
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

/// A host that has armed by itself, with a hook that does this while it is asked about the restart.
fn asked_meanwhile(host: &Host, script: &str) {
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
    let plain = fs::read_to_string(host.config()).unwrap();
    let dir = host.path("hooks.d").display().to_string();
    write(host.config(), format!("{plain}\n[hooks]\ndir = {dir:?}\n"));
    host.hook("pre-reboot", "10-slow", script);
}

/// What is typed at this host, as a line of a script.
fn typed(host: &Host, arguments: &[&str]) -> String {
    let command = host.command(arguments);
    let words = command.get_args().map(|word| format!("'{}'", word.to_str().unwrap()));
    let words = words.collect::<Vec<_>>().join(" ");
    format!("'{}' {words} > /dev/null 2>&1 || true", command.get_program().to_str().unwrap())
}

/// What was so when the hooks were asked may be over when they have answered.
#[test]
fn what_comes_while_hooks_are_asked_keeps_the_host_from_its_restart() {
    let host = Host::new();
    host.arm_by_itself("1.1.0");
    asked_meanwhile(&host, &typed(&host, &["cancel"]));
    let answer = host.json(&["auto", "--reboot"]);
    assert_eq!((&answer["exit"], &answer["reason"]), (&0.into(), &"by_hand".into()), "{answer}");
    assert_eq!(answer["message"], "slot B was disarmed while its restart was prepared");
    assert_eq!(answer["hint"], serde_json::Value::Null, "{answer}");
    assert!(!restarted(&host));
    assert_eq!(flags(&host.slots()), "2/7/1 0/0/0");

    let host = Host::new();
    host.arm_by_itself("1.1.0");
    let locked = host.path("locked").display().to_string();
    host.system("run/systemd/seats/.keep", "");
    host.system("run/dbus/system_bus_socket", "");
    let lock = r#"{"type":"a(ssssuu)","data":[[["shutdown","apt","installs","block",0,812]]]}"#;
    let none = r#"{"type":"a(ssssuu)","data":[[]]}"#;
    host.program("busctl", &format!("if [ -e {locked} ]; then echo '{lock}'; else echo '{none}'; fi"));
    asked_meanwhile(&host, &format!("touch {locked}"));
    let said = host.updog(&["auto", "--reboot"]);
    let expected = "slot B (1.1.0) is armed; the restart is held up by apt, process 812 (installs)\n";
    assert_eq!((said.code, said.stdout.as_str()), (0, expected), "{said:?}");
    fs::remove_file(&locked).unwrap();
    assert_eq!(host.json(&["restart"])["reason"], "inhibited");
    assert!(!restarted(&host));
}

/// A restart that was typed is one into what was armed with it.
#[test]
fn what_is_disarmed_while_hooks_are_asked_is_not_restarted_into_by_any_verb() {
    for verb in ["arm", "restart"] {
        let host = Host::new();
        host.stage("1.1.0");
        let mut typing = vec![verb];
        if verb == "arm" {
            typing.push("--reboot");
        } else {
            assert_eq!(host.updog(&["arm"]).code, 0);
        }
        asked_meanwhile(&host, &typed(&host, &["cancel"]));
        let answer = host.json(&typing);
        assert_eq!((&answer["exit"], &answer["reason"]), (&50.into(), &"by_hand".into()), "{answer}");
        let expected =
            "; not restarted: slot A boots next by now: slot B was disarmed while hooks were asked";
        assert!(answer["message"].as_str().unwrap().ends_with(expected), "{answer}");
        assert!(!restarted(&host));
    }
}
