//! Checks that hang, flood, ignore signals or leave children: an end in time, and nobody left behind.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use updog::execs::{Ended, Limit, run};
use updog::interrupt::Interrupt;

use crate::host::Host;

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    command
}

fn limit(each: u64, all: u64) -> Limit {
    Limit { each: Duration::from_millis(each), until: Instant::now() + Duration::from_millis(all) }
}

#[test]
fn a_check_that_hangs_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let script = format!("trap '' TERM INT; sleep 600 & echo $! > {0}; echo $$ >> {0}; wait", pids.display());
    let started = Instant::now();
    let ran = run(shell(&script), limit(500, 60_000), &Interrupt::default()).unwrap();
    assert!(matches!(ran.ended, Ended::Late(_)), "{ran:?}");
    assert!(started.elapsed() < Duration::from_secs(10));
    for pid in std::fs::read_to_string(pids).unwrap().lines() {
        assert_gone(pid);
    }
}

#[test]
fn a_check_that_ends_leaves_no_children() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; echo done", pid.display());
    let started = Instant::now();
    let ran = run(shell(&script), limit(60_000, 60_000), &Interrupt::default()).unwrap();
    assert!(matches!(ran.ended, Ended::Status(status) if status.success()), "{ran:?}");
    assert_eq!(ran.output, b"done\n");
    assert!(started.elapsed() < Duration::from_secs(10), "the pipe it holds open is not waited for");
    assert_gone(std::fs::read_to_string(pid).unwrap().trim());
}

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
fn a_flood_is_read_and_its_end_kept() {
    let script = "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end";
    let ran = run(shell(script), limit(60_000, 60_000), &Interrupt::default()).unwrap();
    assert!(matches!(ran.ended, Ended::Status(status) if status.success()), "{:?}", ran.ended);
    assert!(ran.output.len() <= 4096 && ran.output.ends_with(b"the end\n"));
    let ran = run(shell("exec yes"), limit(500, 60_000), &Interrupt::default()).unwrap();
    assert!(matches!(ran.ended, Ended::Late(_)), "{:?}", ran.ended);
}

#[test]
fn the_time_for_all_ends_what_runs_and_starts_nothing_more() {
    let ran = run(shell("sleep 600"), limit(60_000, 300), &Interrupt::default()).unwrap();
    assert!(matches!(ran.ended, Ended::AllLate), "{ran:?}");
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("note");
    let ran =
        run(shell(&format!("touch {}", note.display())), limit(60_000, 0), &Interrupt::default()).unwrap();
    assert!(matches!(ran.ended, Ended::AllLate), "{ran:?}");
    assert!(!note.exists());
}

#[test]
fn what_is_no_program_is_a_failure_and_not_an_error() {
    for name in ["/nonexistent", "/", "/etc/passwd"] {
        let ran = run(Command::new(name), limit(1000, 1000), &Interrupt::default()).unwrap();
        assert!(matches!(ran.ended, Ended::NotStarted(_)), "{name}: {ran:?}");
    }
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
    host.health("settle = 0\ntimeout = 600\ntimeout_all = 1\n");
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
