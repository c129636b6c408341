//! Everything that can end a run early, with its code, its word and what to do about it.

use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use partition_core::Slot;
use partition_disk::discover::DiscoverError;
use partition_disk::{Holder, RunLockError};
use updater_core::{Exit, Reason, seconds};

use crate::{config, engine, etcd, state};

/// A run ended early. Printed once, as a chain, by `main`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The command line does not make sense.
    #[error("{0}")]
    Usage(String),
    /// The configuration cannot be used.
    #[error("failed to read the configuration")]
    Config(#[from] config::Error),
    /// The state folder cannot be used.
    #[error("failed to use the state folder")]
    State(#[from] state::Error),
    /// A rule forbids it, with its word and its time.
    #[error(transparent)]
    Refused(#[from] updater_core::Refusal),
    /// A rule over the slot flags forbids it.
    #[error("refused to {verb}")]
    Slots {
        /// The verb.
        verb: &'static str,
        /// The rule.
        source: partition_core::Refusal,
    },
    /// There is nothing that the verb could do.
    #[error("{0}")]
    Nothing(String),
    /// The disk, its table or a partition failed.
    #[error("failed to {doing}")]
    Disk {
        /// What was tried, from its verb on.
        doing: String,
        /// Why.
        source: partition_disk::Error,
    },
    /// Which slot runs is not known.
    #[error("failed to find the running slot")]
    Running(#[from] DiscoverError),
    /// Which slot runs was not said, and a disk image cannot tell.
    #[error("the running slot of a disk image is not known")]
    Booted,
    /// Another updog has the run lock.
    #[error("another updog is at work{}", named(holder.as_ref()))]
    Locked {
        /// What it wrote into the lock, where that makes sense.
        holder: Option<Holder>,
    },
    /// The run lock cannot be had.
    #[error(transparent)]
    LockFile(RunLockError),
    /// `os-release` cannot be read.
    #[error("failed to read {}", path.display())]
    OsRelease {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A field of the host is in no file.
    #[error("the host's {what} is not known: neither os-release nor the configuration names it")]
    Unnamed {
        /// Which.
        what: &'static str,
    },
    /// The version in `os-release` is none.
    #[error("VERSION_ID={text:?} in {} is no version", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says.
        text: String,
        /// Why.
        source: semver::Error,
    },
    /// SIGINT or SIGTERM came.
    #[error("interrupted; run again to go on")]
    Interrupted,
    /// The staged release is not there or not whole.
    #[error("what was staged is not known: {detail}")]
    NotStaged {
        /// What is missing.
        detail: String,
    },
    /// Something else boots next than what the hooks were asked about.
    #[error("{done}; not restarted: {found}")]
    Overtaken {
        /// What the verb has done before.
        done: String,
        /// What was found.
        found: String,
    },
    /// The machine would not restart.
    #[error("{done}; failed to restart the machine: {detail}")]
    Reboot {
        /// What the verb has done before, which stands.
        done: String,
        /// What was tried and what came of it.
        detail: String,
    },
    /// A hook asks to wait.
    #[error("hook {name} asks to wait{}", words(.said))]
    Deferred {
        /// Phase and name.
        name: String,
        /// Its last words.
        said: String,
        /// When to ask it again.
        until: DateTime<Utc>,
    },
    /// A hook has failed.
    #[error("hook {name} {detail}")]
    Hook {
        /// Phase and name.
        name: String,
        /// How it ended and its last words.
        detail: String,
    },
    /// The daemon cannot go on.
    #[error("failed to {doing}")]
    Daemon {
        /// What was tried, from its verb on.
        doing: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The daemon's socket cannot be had.
    #[error("failed to listen on {}", path.display())]
    Socket {
        /// The socket, or its lock.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another daemon listens there.
    #[error("another \"updog serve\" listens on {}", path.display())]
    Served {
        /// The socket.
        path: PathBuf,
    },
    /// No daemon answers.
    #[error("failed to follow the daemon on {}", path.display())]
    Unserved {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The answer could not be written; what it is about stands.
    #[error("failed to write standard output")]
    Unsaid(#[source] io::Error),
    /// The store of this host's group could not be asked, or has refused.
    #[error("{}{failed}; the group is asked again from {} on", before(done), seconds(*until))]
    Group {
        /// What the turn has done before, which stands.
        done: String,
        /// What was asked and what came of it.
        failed: etcd::Error,
        /// When to ask again.
        until: DateTime<Utc>,
    },
    /// What was done is not to be seen.
    #[error("failed to {step}: it was done, and nothing has changed")]
    Stuck {
        /// What.
        step: &'static str,
    },
    /// Check, plan, stage or verify failed.
    #[error(transparent)]
    Engine(#[from] engine::Error),
}

/// Shorthand used all over this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The code that the process ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Error::Usage(_)
            | Error::Config(_)
            | Error::Booted
            | Error::OsRelease { .. }
            | Error::Unnamed { .. }
            | Error::Version { .. }
            | Error::Socket { .. } => Exit::Usage,
            Error::State(_)
            | Error::LockFile(_)
            | Error::Disk { .. }
            | Error::Stuck { .. }
            | Error::Unsaid(_) => Exit::Disk,
            Error::Refused(refusal) => refusal.exit(),
            Error::Slots { source, .. } if source.is_nothing_to_do() => Exit::NothingToDo,
            Error::Nothing(_) | Error::NotStaged { .. } => Exit::NothingToDo,
            Error::Slots { .. }
            | Error::Running(_)
            | Error::Locked { .. }
            | Error::Served { .. }
            | Error::Overtaken { .. }
            | Error::Hook { .. } => Exit::Blocked,
            Error::Deferred { .. } => Exit::MustWait,
            Error::Interrupted | Error::Reboot { .. } | Error::Daemon { .. } | Error::Unserved { .. } => {
                Exit::Transient
            }
            Error::Group { failed, .. } => failed.exit(),
            Error::Engine(error) => error.exit(),
        }
    }

    /// The word of the rule that decided, where there is one.
    pub fn reason(&self) -> Option<Reason> {
        use partition_core::Refusal;
        match self {
            Error::Refused(refusal) => Some(refusal.reason),
            Error::Locked { .. } | Error::Served { .. } => Some(Reason::RunLock),
            Error::Deferred { .. } => Some(Reason::Deferred),
            Error::Hook { .. } => Some(Reason::Hook),
            Error::Overtaken { .. } => Some(Reason::ByHand),
            Error::Group { .. } => Some(Reason::Coordinated),
            Error::Slots {
                source: Refusal::RunningNotConfirmed(_) | Refusal::NotConfirmedThisBoot(_),
                ..
            } => Some(Reason::NotConfirmed),
            Error::Engine(error) => error.reason(),
            _ => None,
        }
    }

    /// When the answer changes by itself.
    pub fn until(&self) -> Option<DateTime<Utc>> {
        match self {
            Error::Refused(refusal) => refusal.until,
            Error::Deferred { until, .. } | Error::Group { until, .. } => Some(*until),
            Error::Engine(error) => error.until(),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        use partition_core::Refusal;
        let hint = match self {
            Error::Usage(_) => "run \"updog help\" for the verbs and their options".to_owned(),
            Error::Booted => "say which slot it runs from with --booted A or --booted B".to_owned(),
            Error::Running(_) => "point updog at a disk image with --disk F --booted A".to_owned(),
            Error::Locked { .. } => "wait for it, or end it; it can be run again at any time".to_owned(),
            Error::Slots {
                source: Refusal::RunningNotConfirmed(_) | Refusal::NotConfirmedThisBoot(_),
                ..
            } => "run \"updog confirm\" once the host is known to be healthy".to_owned(),
            Error::Slots { verb: "confirm", source: Refusal::WouldBoot { .. } } => {
                "run \"updog cancel\" to keep this slot, or restart to try the other one".to_owned()
            }
            Error::Reboot { .. } => "restart it by other means; nothing has to be done again".to_owned(),
            Error::Overtaken { .. } => "\"updog history\" says what was done meanwhile".to_owned(),
            Error::Hook { .. } => {
                "mend it or take it out of hooks.d; nothing was armed or restarted after it".to_owned()
            }
            Error::Stuck { .. } => {
                "look whether the disk and the state folder keep what is written to them".to_owned()
            }
            Error::Socket { .. } => "serve.socket in the configuration names another place".to_owned(),
            Error::Served { .. } => {
                "one is enough; end it first, or give this one another serve.socket".to_owned()
            }
            Error::Unserved { .. } => {
                "\"updog serve\" is the daemon; serve.group and serve.read say who may talk to it".to_owned()
            }
            Error::NotStaged { .. } => "run \"updog stage\" first".to_owned(),
            Error::Config(error) => return error.hint(),
            Error::Group { failed, .. } => return failed.hint().map(str::to_owned),
            Error::Refused(refusal) => return refusal_hint(refusal),
            Error::Engine(error) => return error.hint(),
            _ => return None,
        };
        Some(hint)
    }

    /// The same after something was done, which stands: a hook or a group that stops a restart says so behind it.
    #[must_use]
    pub(crate) fn after(self, done: &str) -> Error {
        match self {
            Error::Deferred { name, said, until } => {
                Error::Deferred { name: format!("{name} (after: {done})"), said, until }
            }
            Error::Hook { name, detail } => Error::Hook { name: format!("{name} (after: {done})"), detail },
            Error::Group { failed, until, .. } => Error::Group { done: done.to_owned(), failed, until },
            other => other,
        }
    }

    /// For a failure of the disk: what was tried.
    pub fn disk(doing: impl Into<String>) -> impl FnOnce(partition_disk::Error) -> Error {
        let doing = doing.into();
        move |source| Error::Disk { doing, source }
    }

    /// For a failure of the daemon's own: what was tried.
    pub(crate) fn daemon(doing: &'static str) -> impl Fn(io::Error) -> Error + Copy {
        move |source| Error::Daemon { doing, source }
    }

    /// The slots of a disk that has only one.
    pub fn no_other(running: Slot) -> Error {
        Error::Slots { verb: "go on", source: partition_core::Refusal::NoSlot(running.other()) }
    }
}

fn refusal_hint(refusal: &updater_core::Refusal) -> Option<String> {
    let hint = match refusal.reason {
        Reason::Wave => "--ignore-waves does not wait for this host's turn",
        Reason::FailedBefore => "--retry tries it once more",
        Reason::NotNewer => "--reinstall installs the running version again, --allow-downgrade a lower one",
        Reason::Mode => {
            "\"updog apply\" goes on by hand; mode in the configuration says how far \"auto\" goes"
        }
        Reason::NeverTried => "\"updog status\" says why; \"updog cancel\" disarms it",
        Reason::NotConfirmed => "run \"updog confirm\" once the host is known to be healthy",
        Reason::ByHand => "restart the host when it suits, or \"updog cancel\" disarms it",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn before(done: &str) -> String {
    if done.is_empty() { String::new() } else { format!("{done}; ") }
}

fn words(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

fn named(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |holder| format!(": \"updog {}\", process {}", holder.verb, holder.pid))
}
