//! One program with a time limit, of which nothing is left afterwards: neither its process group nor what has left that.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::orphans::Orphans;
use crate::Result;
use crate::interrupt::Interrupt;

/// How long it may take.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// For itself.
    pub each: Duration,
    /// Together with the others.
    pub until: Instant,
}

impl Limit {
    /// Of one that is alone.
    pub fn of(each: Duration) -> Limit {
        // Its own time is over first, so that this is what is said.
        Limit { each, until: Instant::now() + each * 2 }
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub ended: Ended,
    /// The end of what it wrote to stdout and stderr, at most 4 KiB (of [`ask`]: as many as it was told), whatever bytes they were.
    pub output: Vec<u8>,
}

/// How it ended.
#[derive(Debug)]
pub enum Ended {
    /// By itself.
    Status(ExitStatus),
    /// It was killed after its own time.
    Late(Duration),
    /// It was killed, or not started, when the time for all was over.
    AllLate,
    /// It could not be started.
    NotStarted(io::Error),
}

/// Runs it to its end, or to its limit. Then everything it has started dies with it. Nothing else of this process may start
/// programs meanwhile: they would die too.
pub fn run(command: Command, limit: Limit, interrupt: &Interrupt) -> Result<Ran> {
    keep(command, Stdio::null(), (limit, interrupt), Kept { errors: true, most: KEPT })
}

/// The same, with an empty file as its stdin: a lock on that is held for as long as anything of it runs, even when this process is
/// killed meanwhile.
pub(crate) fn run_holding(command: Command, lock: File, limit: Limit, interrupt: &Interrupt) -> Result<Ran> {
    keep(command, lock.into(), (limit, interrupt), Kept { errors: true, most: KEPT })
}

/// The same of a program that is asked for an answer: of stdout at most so many of its last bytes, and nothing of stderr.
pub fn ask(command: Command, limit: Limit, interrupt: &Interrupt, most: usize) -> Result<Ran> {
    keep(command, Stdio::null(), (limit, interrupt), Kept { errors: false, most })
}

/// What is kept of its words.
#[derive(Clone, Copy)]
struct Kept {
    errors: bool,
    most: usize,
}

fn keep(
    mut command: Command,
    stdin: Stdio,
    (limit, interrupt): (Limit, &Interrupt),
    kept: Kept,
) -> Result<Ran> {
    let none = |ended| Ok(Ran { ended, output: Vec::new() });
    if Instant::now() >= limit.until {
        return none(Ended::AllLate);
    }
    command.stdin(stdin);
    let orphans = Orphans::take_in();
    let (reader, child) = match start(&mut command, kept.errors) {
        Ok(started) => started,
        Err(error) => return none(Ended::NotStarted(error)),
    };
    // The command holds the writing end too.
    drop(command);
    let (sender, tail) = sync_channel(QUEUE);
    thread::spawn(move || read(reader, &sender));
    let mut output = VecDeque::new();
    let ended = wait(child, limit, interrupt, || {
        take(&tail, (&mut output, kept.most), Duration::ZERO);
    });
    orphans.end();
    // Who could not be ended may hold the pipe open for ever.
    take(&tail, (&mut output, kept.most), PATIENCE);
    Ok(Ran { ended: ended?, output: output.into() })
}

fn start(command: &mut Command, errors: bool) -> io::Result<(io::PipeReader, Child)> {
    let (reader, writer) = io::pipe()?;
    let stderr = if errors { writer.try_clone()?.into() } else { Stdio::null() };
    command.stdout(writer).stderr(stderr).process_group(0);
    Ok((reader, command.spawn()?))
}

/// Asks until it has ended, and leaves nobody of its group.
fn wait(mut child: Child, limit: Limit, interrupt: &Interrupt, mut between: impl FnMut()) -> Result<Ended> {
    let started = Instant::now();
    let group = Pid::from_child(&child);
    // Not reaped before its group is killed: until then its number is nobody else's.
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    let late = loop {
        between();
        match waitid(WaitId::Pid(group), options) {
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => break None,
        }
        if Instant::now() >= limit.until {
            break Some(Ended::AllLate);
        }
        if started.elapsed() >= limit.each {
            break Some(Ended::Late(limit.each));
        }
        if interrupt.raised() {
            break Some(Ended::AllLate);
        }
        thread::sleep(POLL);
    };
    let _ = kill_process_group(group, Signal::KILL);
    let status = child.wait();
    interrupt.check()?;
    Ok(match (late, status) {
        (Some(late), _) => late,
        (None, Ok(status)) => Ended::Status(status),
        (None, Err(error)) => Ended::NotStarted(error),
    })
}

/// A flood is read to its end and forgotten but for its last bytes, so that nobody waits for a full pipe.
fn read(mut reader: io::PipeReader, sender: &SyncSender<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = reader.read(&mut buffer) {
        let bytes = buffer.get(..length).unwrap_or_default().to_vec();
        if sender.send(bytes).is_err() {
            return;
        }
    }
}

/// Takes what has come, until the pipe is closed or nothing has come for `patience`.
fn take(tail: &Receiver<Vec<u8>>, (output, most): (&mut VecDeque<u8>, usize), patience: Duration) {
    let deadline = Instant::now() + patience;
    // Bounded too: a flood never pauses.
    for _ in 0..1024 {
        let left = deadline.saturating_duration_since(Instant::now());
        match tail.recv_timeout(left) {
            Ok(bytes) => {
                output.extend(bytes);
                let over = output.len().saturating_sub(most);
                output.drain(..over);
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
        }
    }
}

const KEPT: usize = 4096;
const QUEUE: usize = 16;
const POLL: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_millis(500);
