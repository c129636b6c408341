//! Checks that hang or cannot be run: an end in time, and a verdict.

use std::process::Stdio;
use std::time::Duration;

use crate::host::Host;

/// A killed process may be a zombie for a moment, until init has seen it.
fn assert_gone(pid: &str) {
    for _ in 0..200 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        if matches!(state, None | Some('Z' | 'X')) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("process {pid} is alive");
}

#[test]
fn what_is_no_program_is_a_failure_and_not_an_error() {
    let host = Host::new();
    host.check("10-bad", "");
    std::fs::write(host.path("health.d/10-bad"), b"\x7fELF garbage").unwrap();
    std::os::unix::fs::symlink("/nonexistent", host.path("health.d/05-gone")).unwrap();
    let said = host.updog(&["health"]);
    assert_eq!(said.code, 12, "{said:?}");
    assert!(said.stdout.contains("health:05-gone: cannot be run: No such file"), "{said:?}");
    std::fs::remove_file(host.path("health.d/05-gone")).unwrap();
    let said = host.updog(&["health"]);
    assert!(said.stdout.contains("health:10-bad: cannot be run: "), "{said:?}");
    // A folder that is none: somebody wanted something to be asked.
    std::fs::remove_dir_all(host.path("health.d")).unwrap();
    std::fs::write(host.path("health.d"), "").unwrap();
    let said = host.updog(&["health"]);
    assert_eq!(said.code, 12, "{said:?}");
    assert!(said.stdout.contains("health:health.d: cannot be run: Not a directory"), "{said:?}");
}

#[test]
fn both_limits_hold_for_the_gate() {
    let host = Host::new();
    host.check("10-hangs", "sleep 600");
    host.health("settle = 0\ntimeout = 1\n");
    let said = host.updog(&["health"]);
    assert!(said.stdout.contains("health:10-hangs: took longer than 1 s"), "{said:?}");
    host.health("settle = 0\ntimeout = 540\ntimeout_all = 1\n");
    let said = host.updog(&["health"]);
    assert_eq!(said.code, 12, "{said:?}");
    assert!(said.stdout.contains("health:10-hangs: the time for all of them together is over"), "{said:?}");
}

/// A shutdown while checks run is no failure of the slot.
#[test]
fn an_interrupted_gate_records_nothing_and_kills_its_check() {
    let mut host = Host::new();
    host.arm("1.1.0");
    host.restart();
    let pid = host.path("pid");
    host.check("10-hangs", &format!("echo $$ > {}; exec sleep 600", pid.display()));
    let mut updog =
        host.command(&["health", "--reboot"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while std::fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')).then_some(()).is_none() {
        assert!(updog.try_wait().unwrap().is_none(), "ended too early");
        std::thread::sleep(Duration::from_millis(20));
    }
    let number = rustix::process::Pid::from_child(&updog);
    rustix::process::kill_process(number, rustix::process::Signal::TERM).unwrap();
    assert_eq!(updog.wait().unwrap().code(), Some(20));
    assert_gone(std::fs::read_to_string(&pid).unwrap().trim());
    assert!(!host.state().join("trial.json").exists());
}
