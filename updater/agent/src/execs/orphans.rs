//! What a program has started, and what has left its process group since (`setsid`, a daemon that forks twice): whoever loses
//! its parent becomes a child of this process, so that it is found and ended too.

use std::collections::HashSet;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid};

/// From before a program starts until nothing of it is left. One at a time: whatever becomes a child of this process meanwhile
/// counts as started by that program.
pub(super) struct Orphans {
    /// Children from before, as a process has them that was started in the place of a shell.
    before: HashSet<Pid>,
    _alone: MutexGuard<'static, ()>,
}

impl Orphans {
    /// Takes them in from now on.
    pub(super) fn take_in() -> Orphans {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        // A kernel that cannot leaves them to init; then the process group is all that is ended.
        let _ = set_child_subreaper(Some(getpid()));
        Orphans { before: children().collect(), _alone: alone }
    }

    /// Ends them, and whoever becomes an orphan by that.
    ///
    /// A number that was read from `/proc` is still the same process when it is killed: a child keeps its number until it is
    /// waited for, and that is done here alone.
    pub(super) fn end(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left: Vec<Pid> = children().filter(|pid| !self.before.contains(pid)).collect();
            // One that hangs in the kernel dies when it comes back from there.
            if left.is_empty() || Instant::now() >= deadline {
                return;
            }
            for pid in &left {
                let _ = kill_process(*pid, Signal::KILL);
            }
            thread::sleep(PAUSE);
            for pid in left {
                let _ = waitpid(Some(pid), WaitOptions::NOHANG);
            }
        }
    }
}

/// The children of this process, dead ones that nobody has waited for too.
fn children() -> impl Iterator<Item = Pid> {
    let own = getpid();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    pids.filter(move |pid| parent(*pid) == Some(own))
}

/// `NUMBER (NAME) STATE PARENT …`, of which the name may hold anything.
fn parent(pid: Pid) -> Option<Pid> {
    let stat = fs::read(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let (_, rest) = stat.rsplit_once(')')?;
    Pid::from_raw(rest.split_ascii_whitespace().nth(1)?.parse().ok()?)
}

static ALONE: Mutex<()> = Mutex::new(());
const PAUSE: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(5);
