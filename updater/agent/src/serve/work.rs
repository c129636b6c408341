//! One piece of work: a run of this program, what it tells while it runs, and how it ended.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::clock::Clock;
use super::seen::{Chosen, Looked};
use crate::cli::Global;
use crate::{Error, Result, journal};

/// What can be done. Bottlerocket's names for what its clients ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// A turn, as the timer takes it.
    Auto,
    /// Look at the repository.
    Refresh,
    /// Stage this version, if it is what is open.
    Prepare(String),
    /// Arm what is staged.
    Activate,
    /// Cancel.
    Deactivate,
    /// Restart the host.
    Reboot,
}

impl Work {
    /// As in events.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Work::Auto => "auto",
            Work::Refresh => "refresh",
            Work::Prepare(_) => "prepare",
            Work::Activate => "activate",
            Work::Deactivate => "deactivate",
            Work::Reboot => "reboot",
        }
    }

    /// Its name among Bottlerocket's commands; `None`: it is none of them, and theirs stays the most recent one.
    pub(super) const fn command(&self) -> Option<&'static str> {
        match self {
            Work::Auto | Work::Reboot => None,
            Work::Refresh | Work::Prepare(_) | Work::Activate | Work::Deactivate => Some(self.name()),
        }
    }

    fn arguments(&self) -> Vec<&str> {
        match self {
            Work::Auto => vec!["auto", "--reboot"],
            Work::Refresh => vec!["check", "--all"],
            Work::Prepare(version) => vec!["stage", "--expect", version],
            Work::Activate => vec!["arm"],
            Work::Deactivate => vec!["cancel"],
            Work::Reboot => vec!["restart"],
        }
    }
}

/// This program, with the global options that the daemon was started with.
#[derive(Clone, Debug)]
pub(super) struct Program {
    global: Vec<OsString>,
    /// Of a run we read stderr, and the journal reads ours.
    journal: bool,
}

/// A run.
#[derive(Debug)]
pub(super) struct Run {
    child: Child,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ended {
    /// When.
    pub(super) at: DateTime<Utc>,
    /// Exit code; `None`: a signal ended it.
    pub(super) exit: Option<i32>,
    /// The signal.
    pub(super) signal: Option<i32>,
    /// The rule that decided.
    pub(super) reason: Option<String>,
    /// For people, as far as one reads.
    pub(super) message: String,
    /// Until when the answer holds.
    pub(super) until: Option<DateTime<Utc>>,
    /// What a look at the repository has shown; `None`: it was none, or failed.
    pub(super) looked: Option<Looked>,
}

/// What of an answer is kept: a repository of a thousand releases answers with a megabyte.
#[derive(Debug, Default, Deserialize)]
struct Heard {
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Option<HeardData>,
}

#[derive(Debug, Default, Deserialize)]
struct HeardData {
    #[serde(default)]
    until: Option<DateTime<Utc>>,
    #[serde(default)]
    candidates: Vec<HeardRelease>,
    #[serde(default)]
    offer: Option<Chosen>,
}

#[derive(Debug, Deserialize)]
struct HeardRelease {
    version: String,
}

impl Program {
    pub(super) fn new(global: &Global) -> Program {
        Program { global: global.arguments(), journal: journal::is_read() }
    }

    /// Starts a piece of work.
    pub(super) fn start(&self, work: &Work) -> Result<Run> {
        self.run(&work.arguments())
    }

    /// Starts a verb.
    pub(super) fn run(&self, verb: &[&str]) -> Result<Run> {
        // The file that runs, also after another one took its place: a run is of the version that its daemon is of.
        let child = Command::new("/proc/self/exe")
            .args(&self.global)
            .arg("--json")
            .args(verb)
            .envs(self.journal.then_some((journal::HANDED_ON, "1")))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Who asked for a plan and hung up wants none. Of a daemon that is killed the run goes on, unless systemd ends it with
            // its unit: it ends as any run does.
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::daemon("start a run of updog"))?;
        Ok(Run { child })
    }
}

impl Run {
    /// What stops it; it can be asked while the run is followed.
    pub(super) fn brake(&self) -> Brake {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Brake(pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()))
    }

    /// Waits for its end. Each line that it tells goes to `tell`.
    pub(super) async fn end(
        self,
        work: &Work,
        clock: Clock,
        tell: &mut (dyn FnMut(Value) + Send),
    ) -> Result<Ended> {
        let (status, bytes) = self.answer(tell).await?;
        Ok(Ended::of(work, status, &bytes, clock.now()))
    }

    /// The same; what it has answered as it is.
    pub(super) async fn answer(
        mut self,
        tell: &mut (dyn FnMut(Value) + Send),
    ) -> Result<(ExitStatus, Vec<u8>)> {
        let lost = Error::daemon("follow a run of updog");
        let streams = self.child.stdout.take().zip(self.child.stderr.take());
        let (stdout, stderr) = streams.ok_or_else(|| lost(io::Error::other("it tells nothing")))?;
        let lines = async {
            let mut reader = BufReader::new(stderr);
            while let Some(line) = line(&mut reader).await {
                if let Ok(event) = serde_json::from_slice::<Value>(&line)
                    && event.is_object()
                {
                    tell(event);
                }
            }
        };
        let mut bytes = Vec::new();
        let mut stdout = stdout.take(ANSWER_MAX);
        let status = {
            let told = async { tokio::join!(lines, stdout.read_to_end(&mut bytes)) };
            tokio::pin!(told);
            tokio::select! {
                status = self.child.wait() => {
                    // Something that it has started may hold the other end for ever.
                    let _ = timeout(LAST_WORDS, told).await;
                    status
                }
                _ = &mut told => self.child.wait().await,
            }
        };
        Ok((status.map_err(lost)?, bytes))
    }
}

/// Stops a run. By a descriptor of the process: its number may be another's by then.
#[derive(Debug)]
pub(super) struct Brake(Option<OwnedFd>);

impl Brake {
    /// Asks it to stop between two pieces, as Ctrl-C does.
    pub(super) fn pull(&self) {
        if let Some(process) = &self.0 {
            let _ = pidfd_send_signal(process, Signal::TERM);
        }
    }
}

/// The next line, without what goes beyond the limit; `None`: the stream has ended.
async fn line(reader: &mut (impl AsyncBufReadExt + AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    let read = reader.take(LINE_MAX).read_until(b'\n', &mut line).await.ok()?;
    (read > 0).then_some(line)
}

impl Ended {
    fn of(work: &Work, status: ExitStatus, answer: &[u8], at: DateTime<Utc>) -> Ended {
        let heard: Option<Heard> = serde_json::from_slice(answer).ok();
        let silent = heard.is_none();
        let Heard { reason, message, data } = heard.unwrap_or_default();
        let message =
            if silent { format!("updog ended without an answer ({status})") } else { short(message) };
        let HeardData { until, candidates, offer } = data.unwrap_or_default();
        let has_looked =
            *work == Work::Refresh && status.code().is_some_and(|code| Looked::ends_with(code.into()));
        let looked = has_looked.then(|| Looked {
            at,
            available: candidates.into_iter().map(|one| one.version).collect(),
            chosen: offer,
        });
        Ended { at, exit: status.code(), signal: status.signal(), reason, message, until, looked }
    }

    /// A run that could not be started.
    pub(super) fn failed(error: &Error, at: DateTime<Utc>) -> Ended {
        let message = crate::answer::chain(error);
        Ended { at, exit: Some(i32::from(error.exit().code())), message, ..Ended::default() }
    }

    /// Whether it did what was asked.
    pub(super) fn is_ok(&self) -> bool {
        self.exit == Some(0)
    }
}

/// The end of what was said, which states the fact, in at most [`MESSAGE_MAX`] bytes.
fn short(mut message: String) -> String {
    if let Some(over) = message.len().checked_sub(MESSAGE_MAX).filter(|over| *over > 0) {
        let start = (over..message.len()).find(|at| message.is_char_boundary(*at)).unwrap_or(message.len());
        message = format!("…{}", message.get(start..).unwrap_or_default());
    }
    message
}

/// Bytes of an answer: a thousand releases, explained.
const ANSWER_MAX: u64 = 16 << 20;
/// Bytes of a message that are kept and told.
const MESSAGE_MAX: usize = 8 << 10;
/// Bytes of an event line.
const LINE_MAX: u64 = 64 << 10;
/// How long a run that is gone may still be heard.
const LAST_WORDS: Duration = Duration::from_secs(5);
