//! Changes of one update that is published already: each says what came of it, and each is remembered with its reason.
//!
//! What only a publisher reads (the times of a held rollout, the reasons of the past) stands under keys that hosts do
//! not know and keep: however damaged, it hides no release from a host.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use semver::VersionReq;
use serde_json::{Map, Value};
use waves::{Factor, Rollout, paused_until};

use super::{Event, Halt, Ours, Reason, Update};

/// What a change came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The update is another one now.
    Changed,
    /// It was so before; nothing was changed. The words say how it is.
    Unchanged(&'static str),
}

/// Why a change was refused; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// There is nowhere to write it down.
    #[error("it has no updog object: it is not one of ours")]
    NotOurs,
    /// Its waves stand still.
    #[error("its rollout is paused since {since}")]
    Paused {
        /// Since when.
        since: DateTime<Utc>,
    },
    /// Its rollout has ended.
    #[error("its rollout was halted at {since}, which is not resumed")]
    Halted {
        /// Since when.
        since: DateTime<Utc>,
    },
    /// The clock is before the pause.
    #[error("it was paused at {since}: expected a later time than {now}")]
    BeforePause {
        /// When the pause began.
        since: DateTime<Utc>,
        /// When it should end.
        now: DateTime<Utc>,
    },
    /// Another tool has moved the waves away and did not keep their times.
    #[error("the times that its waves had before the pause were not kept")]
    NoTimes,
    /// The times would make no rollout.
    #[error("its waves cannot be moved so")]
    Waves(#[source] waves::Error),
}

/// What new waves do to a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// A rollout that stands still is left alone.
    Refuse,
    /// The pause or halt ends.
    EndPause,
}

impl Update {
    /// Nobody installs it until it is [resumed](Update::resume). The waves that have not opened move out of reach; their
    /// times are kept in `paused`.
    pub fn pause(&mut self, at: DateTime<Utc>, reason: Reason) -> Result<Effect, ChangeError> {
        let rollout = self.rollout();
        let ours = self.updog.as_mut().ok_or(ChangeError::NotOurs)?;
        if let Some(halt) = &ours.paused {
            return Ok(Effect::Unchanged(if halt.is_final() { "halted" } else { "paused" }));
        }
        let held = rollout.hold(at);
        let mut extra = Map::new();
        if held != rollout {
            extra.insert(WAVES.to_owned(), times(rollout.keys()));
        }
        ours.paused = Some(Halt { at, reason: reason.to_string(), extra });
        ours.remember(Event::new(at, "pause", reason));
        self.waves.clone_from(held.keys());
        Ok(Effect::Changed)
    }

    /// Nobody installs it any more. The times of its waves are not kept: only new waves begin again.
    pub fn halt(&mut self, at: DateTime<Utc>, reason: Reason) -> Result<Effect, ChangeError> {
        let held = self.rollout().hold(at);
        let ours = self.updog.as_mut().ok_or(ChangeError::NotOurs)?;
        if ours.paused.as_ref().is_some_and(Halt::is_final) {
            return Ok(Effect::Unchanged("halted"));
        }
        let extra = [(FINAL.to_owned(), Value::Bool(true))].into_iter().collect();
        ours.paused = Some(Halt { at, reason: reason.to_string(), extra });
        ours.remember(Event::new(at, "halt", reason));
        self.waves.clone_from(held.keys());
        Ok(Effect::Changed)
    }

    /// The rollout goes on; what had not opened comes later by the time that it was paused.
    pub fn resume(&mut self, at: DateTime<Utc>, reason: Reason) -> Result<Effect, ChangeError> {
        let ours = self.updog.as_mut().ok_or(ChangeError::NotOurs)?;
        let Some(halt) = &ours.paused else { return Ok(Effect::Unchanged("not paused")) };
        let since = halt.at;
        if halt.is_final() {
            return Err(ChangeError::Halted { since });
        }
        if at < since {
            return Err(ChangeError::BeforePause { since, now: at });
        }
        match halt.waves() {
            Some(before) => {
                let rollout = before.resume(since, at).map_err(ChangeError::Waves)?;
                self.waves.clone_from(rollout.keys());
            }
            None if self.waves.values().any(|at| *at >= paused_until()) => return Err(ChangeError::NoTimes),
            None => {}
        }
        ours.paused = None;
        ours.remember(Event::new(at, "resume", reason));
        Ok(Effect::Changed)
    }

    /// The waves that have not opened take `factor` times as long from now on.
    pub fn slow(&mut self, at: DateTime<Utc>, factor: Factor, reason: Reason) -> Result<Effect, ChangeError> {
        let slowed = self.moving()?.slow(at, factor).map_err(ChangeError::Waves)?;
        self.go_on(&slowed, Event::new(at, &format!("slow {factor}"), reason))
    }

    /// The waves that have not opened take `factor` times less long from now on.
    pub fn hurry(
        &mut self,
        at: DateTime<Utc>,
        factor: Factor,
        reason: Reason,
    ) -> Result<Effect, ChangeError> {
        let hurried = self.moving()?.hurry(at, factor).map_err(ChangeError::Waves)?;
        self.go_on(&hurried, Event::new(at, &format!("hurry {factor}"), reason))
    }

    /// Gives it other waves, whatever it had.
    pub fn set_waves(
        &mut self,
        rollout: &Rollout,
        restart: Restart,
        event: Event,
    ) -> Result<Effect, ChangeError> {
        let paused = self.updog.as_ref().and_then(|ours| ours.paused.as_ref());
        match (paused, restart) {
            (Some(halt), Restart::Refuse) if halt.is_final() => {
                return Err(ChangeError::Halted { since: halt.at });
            }
            (Some(halt), Restart::Refuse) => return Err(ChangeError::Paused { since: halt.at }),
            (None, _) if self.waves == *rollout.keys() => return Ok(Effect::Unchanged("rolled out so")),
            (Some(_), Restart::EndPause) | (None, _) => {}
        }
        if let Some(ours) = &mut self.updog {
            ours.paused = None;
            ours.remember(event);
        }
        self.waves.clone_from(rollout.keys());
        Ok(Effect::Changed)
    }

    /// Takes it back: it stays listed, and no host is offered it.
    pub fn yank(&mut self, at: DateTime<Utc>, reason: Reason) -> Result<Effect, ChangeError> {
        let ours = self.updog.as_mut().ok_or(ChangeError::NotOurs)?;
        if ours.yanked.is_some() {
            return Ok(Effect::Unchanged("yanked"));
        }
        ours.yanked = Some(Halt { at, reason: reason.to_string(), extra: Map::new() });
        ours.remember(Event::new(at, "yank", reason));
        Ok(Effect::Changed)
    }

    /// Offers it again.
    pub fn unyank(&mut self, at: DateTime<Utc>, reason: Reason) -> Result<Effect, ChangeError> {
        let ours = self.updog.as_mut().ok_or(ChangeError::NotOurs)?;
        if ours.yanked.take().is_none() {
            return Ok(Effect::Unchanged("not yanked"));
        }
        ours.remember(Event::new(at, "unyank", reason));
        Ok(Effect::Changed)
    }

    /// Says which running versions may go to it; `None`: all.
    pub fn set_from(
        &mut self,
        at: DateTime<Utc>,
        from: Option<VersionReq>,
        reason: Reason,
    ) -> Result<Effect, ChangeError> {
        let ours = self.updog.as_mut().ok_or(ChangeError::NotOurs)?;
        if ours.from == from {
            return Ok(Effect::Unchanged("installed from there"));
        }
        let what = from.as_ref().map_or("from any".to_owned(), |from| format!("from {from}"));
        ours.from = from;
        ours.remember(Event::new(at, &what, reason));
        Ok(Effect::Changed)
    }

    /// Its waves, when they are under way.
    fn moving(&self) -> Result<Rollout, ChangeError> {
        let ours = self.updog.as_ref().ok_or(ChangeError::NotOurs)?;
        match &ours.paused {
            Some(halt) if halt.is_final() => Err(ChangeError::Halted { since: halt.at }),
            Some(halt) => Err(ChangeError::Paused { since: halt.at }),
            None => Ok(self.rollout()),
        }
    }

    fn go_on(&mut self, rollout: &Rollout, event: Event) -> Result<Effect, ChangeError> {
        if self.waves == *rollout.keys() {
            return Ok(Effect::Unchanged("open to all hosts"));
        }
        self.updog.as_mut().ok_or(ChangeError::NotOurs)?.remember(event);
        self.waves.clone_from(rollout.keys());
        Ok(Effect::Changed)
    }
}

impl Halt {
    /// Whether nothing but new waves ends it.
    pub fn is_final(&self) -> bool {
        self.extra.get(FINAL).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The waves as they were before a pause moved them; `None`: it moved none, or another tool did not keep them.
    pub fn waves(&self) -> Option<Rollout> {
        let keys = self.extra.get(WAVES)?.as_object()?;
        let keys: Option<BTreeMap<u32, DateTime<Utc>>> =
            keys.iter().map(|(key, at)| Some((key.parse().ok()?, at.as_str()?.parse().ok()?))).collect();
        keys.map(Rollout::new)
    }
}

impl Ours {
    /// What was changed and why, the oldest first; at most [`MAX_EVENTS`].
    pub fn history(&self) -> Vec<Event> {
        let events = self.extra.get(HISTORY).and_then(Value::as_array);
        events.into_iter().flatten().filter_map(|event| serde_json::from_value(event.clone()).ok()).collect()
    }

    /// Adds to the history; the oldest give way.
    fn remember(&mut self, event: Event) {
        let Ok(event) = serde_json::to_value(event) else { return };
        let history = self.extra.entry(HISTORY).or_insert_with(|| Value::Array(Vec::new()));
        match history {
            Value::Array(events) => {
                events.push(event);
                let surplus = events.len().saturating_sub(MAX_EVENTS);
                events.drain(..surplus);
            }
            other => *other = Value::Array(vec![event]),
        }
    }
}

fn times(keys: &BTreeMap<u32, DateTime<Utc>>) -> Value {
    let text = |at: &DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    Value::Object(keys.iter().map(|(key, at)| (key.to_string(), Value::String(text(at)))).collect())
}

/// How many changes of one update are remembered: a rollout of weeks has a handful, and hosts fetch the file.
pub const MAX_EVENTS: usize = 32;
const HISTORY: &str = "history";
const WAVES: &str = "waves";
const FINAL: &str = "final";
