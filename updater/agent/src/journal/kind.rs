//! What an entry is about, by an id that never changes (docs/seen.md).

use updater_core::records::HistoryEvent;
use updater_core::{Exit, Reason};

use crate::cli::Verb;

/// A kind of entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `auto` or `check` has an answer.
    Decided,
    /// A release was written and read back.
    Staged,
    /// It was armed.
    Armed,
    /// It was disarmed again.
    Cancelled,
    /// The other slot was armed by choice.
    RollbackArmed,
    /// A slot was confirmed for the first time.
    Updated,
    /// A trial failed.
    RolledBack,
    /// A rollback by choice did not boot.
    RollbackFailed,
    /// What was meant to be armed never was.
    NotArmed,
    /// A confirmed slot was left by itself.
    FellBack,
    /// The health gate has let the boot pass.
    Healthy,
    /// The health gate found the running slot unhealthy.
    Unhealthy,
    /// A rule was against it.
    Refused,
    /// A hook has asked to wait, or failed.
    Hook,
    /// Something went wrong.
    Failed,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 15] = [
        Kind::Decided,
        Kind::Staged,
        Kind::Armed,
        Kind::Cancelled,
        Kind::RollbackArmed,
        Kind::Updated,
        Kind::RolledBack,
        Kind::RollbackFailed,
        Kind::NotArmed,
        Kind::FellBack,
        Kind::Healthy,
        Kind::Unhealthy,
        Kind::Refused,
        Kind::Hook,
        Kind::Failed,
    ];

    /// `MESSAGE_ID`. A promise: an id never changes its meaning.
    pub const fn id(self) -> &'static str {
        match self {
            Kind::Decided => "029cc94b70a34fd6ba84cf7b6a75e3d8",
            Kind::Staged => "aef0dd60ff0a4a5799b5a7273283dd0a",
            Kind::Armed => "3370c721172249e9a248a900fa68f7ae",
            Kind::Cancelled => "af6490bfa04a43799c651fcb5763f04c",
            Kind::RollbackArmed => "07c54da15c73406e8de5af21773af078",
            Kind::Updated => "4850478e8204464a8abb513631bc3961",
            Kind::RolledBack => "ce51b020b0404240be040d430898ca43",
            Kind::RollbackFailed => "03917d92953f4cb4a3042d45b1bcd1b3",
            Kind::NotArmed => "ce09fb841174414f88af3c7ad9df80b2",
            Kind::FellBack => "39d5b89ae0584605a6f7c3aeb23173b0",
            Kind::Healthy => "908e0ba5763a4666874f74a47561ffca",
            Kind::Unhealthy => "0838ee30373d4fb2964b0e0e711de47e",
            Kind::Refused => "62080765e0434475b586f9688269b06f",
            Kind::Hook => "b94f3b0afa08404f895e551d68688d23",
            Kind::Failed => "124b0762dd1447c483cab75b58048d0a",
        }
    }

    /// `PRIORITY`, as in syslog.
    pub const fn priority(self) -> &'static str {
        match self {
            Kind::Failed => "3",
            Kind::RolledBack
            | Kind::RollbackFailed
            | Kind::NotArmed
            | Kind::FellBack
            | Kind::Unhealthy
            | Kind::Hook => "4",
            Kind::Staged
            | Kind::Armed
            | Kind::Cancelled
            | Kind::RollbackArmed
            | Kind::Updated
            | Kind::Refused => "5",
            Kind::Decided | Kind::Healthy => "6",
        }
    }

    /// The kind of a line of history; `None`: a word of a later version.
    pub(super) fn of_history(event: &HistoryEvent) -> Option<Kind> {
        Some(match event {
            HistoryEvent::Staged => Kind::Staged,
            HistoryEvent::Armed => Kind::Armed,
            HistoryEvent::Cancelled => Kind::Cancelled,
            HistoryEvent::RollbackArmed => Kind::RollbackArmed,
            HistoryEvent::Updated => Kind::Updated,
            HistoryEvent::RolledBack => Kind::RolledBack,
            HistoryEvent::RollbackFailed => Kind::RollbackFailed,
            HistoryEvent::NotArmed => Kind::NotArmed,
            HistoryEvent::FellBack => Kind::FellBack,
            HistoryEvent::Unhealthy => Kind::Unhealthy,
            HistoryEvent::Other(_) => return None,
        })
    }

    /// The kind of an answer; `None`: history has told it.
    pub(super) fn of_answer(verb: &Verb, exit: Exit, reason: Option<Reason>) -> Option<Kind> {
        let decides = matches!(verb, Verb::Auto(_) | Verb::Check(_));
        match (exit, reason) {
            (_, Some(Reason::Hook | Reason::Deferred)) => Some(Kind::Hook),
            (Exit::Bug | Exit::Usage | Exit::Transient | Exit::Untrusted | Exit::Disk, _) => {
                Some(Kind::Failed)
            }
            (Exit::Done | Exit::NothingToDo | Exit::MustWait | Exit::Attention, _) if decides => {
                Some(Kind::Decided)
            }
            (Exit::NothingToDo | Exit::MustWait | Exit::Blocked, _) => Some(Kind::Refused),
            (Exit::Done, _) if matches!(verb, Verb::Health(_)) => Some(Kind::Healthy),
            (Exit::Done | Exit::Attention, _) => None,
        }
    }
}
