//! Running a program, with every line it says.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Command, Stdio};
use std::thread;

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
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("TINY | failed to start {program}: {error}");
            return NOT_STARTED;
        }
    };
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let spoken = [
        out.map(|pipe| thread::spawn(move || repeat(pipe))),
        err.map(|pipe| thread::spawn(move || repeat(pipe))),
    ];
    let ended = child.wait();
    for thread in spoken.into_iter().flatten() {
        let _ = thread.join();
    }
    match ended {
        Ok(status) => {
            use std::os::unix::process::ExitStatusExt as _;
            status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(NOT_STARTED)
        }
        Err(_) => NOT_STARTED,
    }
}

/// A line at a time, so that two speakers do not mix within one.
fn repeat(pipe: impl Read) {
    let mut lines = BufReader::new(pipe);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        println!("TINY | {}", String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}

const NOT_STARTED: i32 = 127;
