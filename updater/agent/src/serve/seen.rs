//! What is told of the daemon: what it does now, what it did last, and each event as it happens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::broadcast;
use updater_core::Exit;
use utoipa::ToSchema;

use super::work::{Ended, Work};

/// Told by the keeper, read by everybody else.
#[derive(Debug)]
pub(super) struct Seen {
    /// Of this daemon: its numbers are no other's.
    run: String,
    now: Mutex<Now>,
    events: broadcast::Sender<Arc<Told>>,
}

/// One event of the stream.
#[derive(Debug)]
pub(super) struct Told {
    /// Counts up from 1 with the daemon.
    pub(super) id: u64,
    /// `started`, `next`, `step`, `progress`, `note`, `ended`, `history`.
    pub(super) name: String,
    /// One JSON object.
    pub(super) data: Value,
}

/// What the daemon does and did.
#[derive(Clone, Debug, Default)]
pub(super) struct Now {
    /// What is being done.
    pub(super) doing: Option<Doing>,
    /// What was done last of what Bottlerocket's clients ask for.
    pub(super) command: Option<(Work, Ended)>,
    /// What the last look at the repository said.
    pub(super) looked: Option<Looked>,
    /// When the next turn comes.
    pub(super) next_turn: Option<DateTime<Utc>>,
    told: u64,
    /// The number of the last event that is kept no more.
    gone: u64,
    last: VecDeque<Arc<Told>>,
}

/// A piece of work that is being done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Doing {
    /// `auto`, `refresh`, `prepare`, `activate`, `deactivate` or `reboot`.
    work: String,
    /// Since when, RFC 3339.
    since: String,
    /// Which step of an update.
    step: Option<String>,
    /// Bytes of this step that are done.
    done: Option<u64>,
    /// Bytes of this step in all.
    total: Option<u64>,
    /// Bytes received from the network in this run.
    fetched: Option<u64>,
    /// Bytes a second.
    rate: Option<u64>,
    /// Seconds left at this rate.
    left_secs: Option<u64>,
}

/// Where a listener was, as it was told: which daemon, and which event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    run: String,
    id: u64,
}

/// What a listener that comes back gets first.
#[derive(Debug, Default)]
pub(super) struct Missed {
    /// What is kept of it.
    pub(super) kept: Vec<Arc<Told>>,
    /// Whether there was more.
    pub(super) more: bool,
}

/// A look at the repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Looked {
    /// When.
    pub(super) at: DateTime<Utc>,
    /// Versions that are open for this host, newest first.
    pub(super) available: Vec<String>,
    /// The one that an update would take.
    pub(super) chosen: Option<Chosen>,
}

impl Looked {
    /// Whether a check that ends with this code has looked: an update is open, none is, or not yet.
    pub(super) fn ends_with(code: i64) -> bool {
        [Exit::Done, Exit::NothingToDo, Exit::MustWait].iter().any(|exit| i64::from(exit.code()) == code)
    }
}

/// A release by its names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Chosen {
    /// As in the manifest.
    pub(crate) arch: String,
    /// As in the manifest.
    pub(crate) version: String,
    /// As in the manifest.
    pub(crate) variant: String,
}

impl Default for Seen {
    fn default() -> Seen {
        let mut run = [0; 4];
        // Without chance, all daemons of this boot are one; what was missed then may come twice.
        let _ = getrandom::fill(&mut run);
        Seen { run: hex::encode(run), now: Mutex::default(), events: broadcast::channel(BEHIND).0 }
    }
}

impl Seen {
    /// How it is now.
    pub(super) fn now(&self) -> Now {
        self.lock().clone()
    }

    /// The events from here on, and before them what has come since the listener was here. One that was with another daemon gets all
    /// that is kept: among it, what this host's history says of the time between.
    pub(super) fn listen(&self, after: Option<&Mark>) -> (Missed, broadcast::Receiver<Arc<Told>>) {
        // Under the lock nothing is told, so nothing is missed and nothing comes twice.
        let now = self.lock();
        let missed = after.map_or_else(Missed::default, |mark| {
            let id = if mark.run == self.run { mark.id } else { 0 };
            let kept = now.last.iter().filter(|told| told.id > id).map(Arc::clone).collect();
            Missed { kept, more: now.gone > id || mark.run != self.run }
        });
        (missed, self.events.subscribe())
    }

    /// The number of an event, as a listener brings it back.
    pub(super) fn mark(&self, told: &Told) -> String {
        format!("{}-{}", self.run, told.id)
    }

    pub(super) fn started(&self, work: &Work, at: DateTime<Utc>) {
        let mut now = self.lock();
        now.doing = Some(Doing {
            work: work.name().to_owned(),
            since: stamp(at),
            step: None,
            done: None,
            total: None,
            fetched: None,
            rate: None,
            left_secs: None,
        });
        self.tell(&mut now, "started", json!({ "work": work.name() }));
    }

    /// An event line of the run.
    pub(super) fn line(&self, line: Value) {
        let mut now = self.lock();
        let name = line.get("event").and_then(Value::as_str).unwrap_or("note").to_owned();
        if let Some(doing) = &mut now.doing {
            doing.take(&line);
        }
        self.tell(&mut now, &name, line);
    }

    pub(super) fn ended(&self, work: Work, ended: Ended) {
        let mut now = self.lock();
        now.doing = None;
        if let Some(looked) = &ended.looked {
            now.looked = Some(looked.clone());
        }
        let data = json!({
            "work": work.name(), "exit": ended.exit, "reason": ended.reason, "message": ended.message,
        });
        if work.command().is_some() {
            now.command = Some((work, ended));
        }
        self.tell(&mut now, "ended", data);
    }

    pub(super) fn next_turn(&self, at: DateTime<Utc>) {
        self.lock().next_turn = Some(at);
    }

    /// A new line of the host's history.
    pub(super) fn history(&self, line: Value) {
        let mut now = self.lock();
        self.tell(&mut now, "history", line);
    }

    fn tell(&self, now: &mut Now, name: &str, data: Value) {
        now.told += 1;
        let told = Arc::new(Told { id: now.told, name: name.to_owned(), data });
        // Progress is old when it is told; what was decided and done is what a listener comes back for.
        if name != "progress" {
            now.last.push_back(Arc::clone(&told));
            if now.last.len() > KEPT {
                now.gone = now.last.pop_front().map_or(now.gone, |told| told.id);
            }
        }
        // Nobody listens: nothing is lost.
        let _ = self.events.send(told);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mark {
    /// What [`Seen::mark`] has made; anything else is of no daemon.
    pub(super) fn parse(text: &str) -> Mark {
        let (run, id) = text.split_once('-').unwrap_or((text, ""));
        Mark { run: run.to_owned(), id: id.parse().unwrap_or(0) }
    }
}

impl Doing {
    fn take(&mut self, line: &Value) {
        let number = |key: &str| line.get(key).and_then(Value::as_u64);
        if let Some(step) = line.get("step").and_then(Value::as_str) {
            if self.step.as_deref() != Some(step) {
                (self.done, self.total, self.rate, self.left_secs) = (None, None, None, None);
            }
            self.step = Some(step.to_owned());
        }
        if line.get("event").and_then(Value::as_str) == Some("progress") {
            self.done = number("done");
            self.total = number("total");
            self.fetched = number("fetched");
            self.rate = number("rate");
            self.left_secs = number("left_secs");
        }
    }
}

/// RFC 3339 with nanoseconds, as Bottlerocket's.
pub(super) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true)
}

/// Events that a listener may be behind; beyond that it is told how many it has missed.
const BEHIND: usize = 256;
/// Events kept for listeners that come back.
const KEPT: usize = 256;
