//! Programs of others that hang, flood, ignore signals or leave children: an end in time, and nobody left behind.
//!
//! A binary of its own, one test at a time: what this process starts beside a run would be ended with it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use updog::execs::{Ended, Limit, run};
use updog::interrupt::Interrupt;

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

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
    let _alone = alone();
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
    let _alone = alone();
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

#[test]
fn a_flood_is_read_and_its_end_kept() {
    let _alone = alone();
    let script = "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end";
    let ran = run(shell(script), limit(60_000, 60_000), &Interrupt::default()).unwrap();
    assert!(matches!(ran.ended, Ended::Status(status) if status.success()), "{:?}", ran.ended);
    assert!(ran.output.len() <= 4096 && ran.output.ends_with(b"the end\n"));
    let ran = run(shell("exec yes"), limit(500, 60_000), &Interrupt::default()).unwrap();
    assert!(matches!(ran.ended, Ended::Late(_)), "{:?}", ran.ended);
}

#[test]
fn the_time_for_all_ends_what_runs_and_starts_nothing_more() {
    let _alone = alone();
    let ran = run(shell("sleep 600"), limit(60_000, 300), &Interrupt::default()).unwrap();
    assert!(matches!(ran.ended, Ended::AllLate), "{ran:?}");
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("note");
    let ran =
        run(shell(&format!("touch {}", note.display())), limit(60_000, 0), &Interrupt::default()).unwrap();
    assert!(matches!(ran.ended, Ended::AllLate), "{ran:?}");
    assert!(!note.exists());
}

/// Whoever leaves the process group, and whoever is left by its parent, is ended too.
#[test]
fn nobody_gets_away_by_leaving_the_group() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let note = |what: &str| format!("{what} & echo $! >> {}", pids.display());
    for end in ["exit 0", "exit 3", "sleep 600"] {
        let script = [
            note("setsid sleep 333"),
            // A daemon that forks twice: its parent is gone before the run ends.
            format!(
                "(setsid sh -c 'echo $$ >> {0}; sleep 334 & echo $! >> {0}; wait') & sleep 0.2",
                pids.display()
            ),
            note("env -i setsid setsid sleep 335"),
            end.to_owned(),
        ];
        let ran = run(shell(&script.join("\n")), limit(2000, 60_000), &Interrupt::default()).unwrap();
        assert!(!matches!(ran.ended, Ended::NotStarted(_)), "{ran:?}");
        assert!(gone_all(&pids) >= 4, "{end}");
        std::fs::remove_file(&pids).unwrap();
    }
}

/// The processes that are named in a file; all must be gone.
fn gone_all(pids: &Path) -> usize {
    let text = std::fs::read_to_string(pids).unwrap();
    text.lines().for_each(assert_gone);
    text.lines().count()
}

/// What this process has started before is nobody else's.
#[test]
fn children_from_before_live_on() {
    let _alone = alone();
    let mut before = Command::new("sleep").arg("600").spawn().unwrap();
    let ran = run(shell("setsid sleep 333 &"), limit(60_000, 60_000), &Interrupt::default()).unwrap();
    assert!(matches!(ran.ended, Ended::Status(status) if status.success()), "{ran:?}");
    assert!(before.try_wait().unwrap().is_none());
    before.kill().unwrap();
    before.wait().unwrap();
}

#[test]
fn what_is_no_program_is_not_started() {
    let _alone = alone();
    for name in ["/nonexistent", "/", "/etc/passwd"] {
        let ran = run(Command::new(name), limit(1000, 1000), &Interrupt::default()).unwrap();
        assert!(matches!(ran.ended, Ended::NotStarted(_)), "{name}: {ran:?}");
    }
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
