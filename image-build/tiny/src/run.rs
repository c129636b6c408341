//! Running a program, with every line it says; and burying those that nobody else waits for.

use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{WaitOptions, wait};

use crate::say::say;

/// Runs it to its end; the code it ended with, 128 and more for a signal, 127 when it did not start.
pub(crate) fn run(words: &[String]) -> i32 {
    let Some((program, arguments)) = words.split_first() else { return NOT_STARTED };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("PATH", "/usr/bin:/usr/sbin:/bin:/sbin")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // To its end: the status of this child is not for bury().
    let _running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            say(&format!("TINY | failed to start {program}: {error}"));
            return NOT_STARTED;
        }
    };
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let spoken: Vec<JoinHandle<()>> = [
        out.map(|pipe| thread::spawn(move || repeat(pipe))),
        err.map(|pipe| thread::spawn(move || repeat(pipe))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let ended = child.wait();
    // A program that it has left behind may hold the pipes for as long as it likes.
    let end = Instant::now();
    while end.elapsed() < FOR_LAST_WORDS && !spoken.iter().all(JoinHandle::is_finished) {
        thread::sleep(Duration::from_millis(10));
    }
    match ended {
        Ok(status) => {
            status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(NOT_STARTED)
        }
        Err(_) => NOT_STARTED,
    }
}

/// Buries, for ever, the children of others that have become PID 1's: one that nobody waits for stays in the table of
/// processes.
pub(crate) fn bury_in_time() {
    thread::spawn(|| {
        loop {
            bury();
            thread::sleep(BETWEEN_FUNERALS);
        }
    });
}

/// Not while [`run()`] is under way: waiting for any child would take the status of its own.
fn bury() {
    let _running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
}

/// A line at a time, so that two speakers do not mix within one.
fn repeat(pipe: impl Read) {
    let mut lines = BufReader::new(pipe);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        say(&format!("TINY | {}", String::from_utf8_lossy(&line).trim_end()));
        line.clear();
    }
}

static RUNNING: Mutex<()> = Mutex::new(());

const NOT_STARTED: i32 = 127;
const FOR_LAST_WORDS: Duration = Duration::from_secs(2);
const BETWEEN_FUNERALS: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn shell(script: &str) -> i32 {
        run(&["/bin/sh", "-c", script].map(str::to_owned))
    }

    #[test]
    fn the_end_of_a_program_is_told() {
        assert_eq!(shell("echo out; echo err >&2; exit 3"), 3);
        assert_eq!(shell("kill -9 $$"), 137);
        assert_eq!(run(&["/nowhere".to_owned()]), NOT_STARTED);
        assert_eq!(run(&[]), NOT_STARTED);
    }

    /// The bug: the grandchild held the pipes, and `TINY exit=` never came.
    #[test]
    fn a_program_left_behind_is_not_waited_for() {
        let start = Instant::now();
        assert_eq!(shell("sleep 30 & exit 4"), 4);
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    #[expect(clippy::zombie_processes, reason = "it is bury() that has to wait for it")]
    fn orphans_are_buried_and_a_run_keeps_its_status() {
        bury_in_time();
        let orphan = Command::new("/bin/true").spawn().unwrap();
        let entry = format!("/proc/{}", orphan.id());
        for _ in 0..20 {
            assert_eq!(shell("exit 5"), 5);
        }
        let start = Instant::now();
        while Path::new(&entry).exists() && start.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(50));
        }
        assert!(!Path::new(&entry).exists());
    }
}
