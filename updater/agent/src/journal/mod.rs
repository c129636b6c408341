//! What happened, for systemd's journal: structured, with a stable id for each kind (docs/seen.md).
//!
//! Only where the journal reads our stderr anyway, or that of the daemon whose run this is. Entries are sent when a run ends, never waited for, and losing one changes
//! nothing: the host's own record is `history.jsonl`.

mod entry;
mod kind;

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use updater_core::records::HistoryLine;

pub use kind::Kind;

use crate::answer::Answer;
use crate::cli::Verb;
use crate::{Context, Result};

use entry::Entry;

/// Tells what a run has written into the history, and how it ended.
pub(crate) fn tell(ctx: &Context<'_>, verb: &Verb, answer: &Result<Answer>) {
    let lines = ctx.state.told();
    let Some(journal) = Journal::open(ctx) else { return };
    for line in &lines {
        if let Some(kind) = Kind::of_history(&line.event) {
            journal.send(&of_line(verb, kind, line));
        }
    }
    if !verb.is_seen() {
        return;
    }
    let from_error;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            from_error = Answer::from_error(error);
            &from_error
        }
    };
    if let Some(kind) = Kind::of_answer(verb, answer.exit, answer.reason) {
        journal.send(&of_answer(verb, kind, answer));
    }
}

fn start(verb: &Verb, kind: Kind, message: &str) -> Entry {
    Entry::default()
        .field("MESSAGE", message)
        .field("MESSAGE_ID", kind.id())
        .field("PRIORITY", kind.priority())
        .field("SYSLOG_IDENTIFIER", "updog")
        .field("UPDOG_VERB", verb.name())
}

fn of_line(verb: &Verb, kind: Kind, line: &HistoryLine) -> Entry {
    let slot = line.slot.map(|slot| slot.to_string());
    let why = line.cause.as_ref().map_or_else(String::new, |cause| format!(": {cause}"));
    let what = line.version.as_deref().unwrap_or("a release");
    let place = slot.as_ref().map_or_else(String::new, |slot| format!(" in slot {slot}"));
    start(verb, kind, &format!("{}{why}: {what}{place}", line.event.as_str()))
        .known("UPDOG_SLOT", slot.as_deref())
        .known("UPDOG_VERSION", line.version.as_deref())
        .known("UPDOG_REASON", line.cause.as_deref())
        .known("UPDOG_DETAIL", line.detail.as_deref())
}

fn of_answer(verb: &Verb, kind: Kind, answer: &Answer) -> Entry {
    let word = |key: &str| answer.data.get(key).and_then(|value| value.as_str());
    start(verb, kind, &answer.message)
        .field("UPDOG_EXIT", &answer.exit.code().to_string())
        .known("UPDOG_REASON", answer.reason.map(updater_core::Reason::as_str))
        .known("UPDOG_SLOT", word("slot"))
        .known("UPDOG_VERSION", word("version"))
}

/// The journal's socket.
#[derive(Debug)]
struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Journal {
    /// `None`: nobody reads our stderr for the journal, or there is none.
    fn open(ctx: &Context<'_>) -> Option<Journal> {
        if !is_read() {
            return None;
        }
        let path = ctx.machine.file("run/systemd/journal/socket")?;
        let socket = UnixDatagram::unbound().ok()?;
        // A journal that is stopped or flooded holds nobody up.
        socket.set_nonblocking(true).ok()?;
        Some(Journal { socket, path })
    }

    fn send(&self, entry: &Entry) {
        let _ = self.socket.send_to(entry.bytes(), &self.path);
    }
}

/// Whether the journal reads our stderr, or that of the daemon that started us and reads ours.
pub(crate) fn is_read() -> bool {
    std::env::var_os(HANDED_ON).is_some() || is_stderr(std::env::var("JOURNAL_STREAM").ok().as_deref())
}

/// In the environment of a run that the daemon starts: the journal reads the daemon's stderr.
pub(crate) const HANDED_ON: &str = "UPDOG_JOURNAL";

/// Whether `JOURNAL_STREAM` (device and inode of a stream that the journal reads; systemd.exec(5)) names our stderr: a program
/// that was started with another one has inherited the words of somebody else.
fn is_stderr(stream: Option<&str>) -> bool {
    let Some((device, inode)) = stream.and_then(|stream| stream.split_once(':')) else { return false };
    let Ok(stat) = rustix::fs::fstat(io::stderr()) else { return false };
    device.parse() == Ok(stat.st_dev) && inode.parse() == Ok(stat.st_ino)
}
