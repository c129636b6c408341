//! Waves: from a policy to the times in the manifest, and from them to the time of one host.

use std::path::Path;

use chrono::{DateTime, Utc};
use release::manifest::{Effect, Event, Reason, Restart};
use waves::{Policy, Rollout, Seed, Verdict};

use crate::change::change_release;
use crate::draft::{Choice, Draft};
use crate::error::{Error, Result};
use crate::intent::{Intent, WaveIntent};
use crate::plain;
use crate::time;

/// A sample policy by name, or a wave file.
pub fn policy(name: &str) -> Result<Policy> {
    if let Some(policy) = waves::sample(name) {
        return Ok(policy);
    }
    let path = Path::new(name);
    if !path.exists() {
        let samples: Vec<&str> = waves::SAMPLES.iter().map(|(name, _)| *name).collect();
        let reason =
            format!("failed to find wave policy {name:?}: expected a file, or one of {}", samples.join(", "));
        return Err(Error::Usage { reason });
    }
    read_policy(name, path)
}

/// A policy that `repo.toml` names; else [`policy`].
pub fn named_policy(intent: &Intent, name: &str) -> Result<Policy> {
    match intent.waves.get(name) {
        Some(WaveIntent::Inline(policy)) => Ok(policy.clone()),
        Some(WaveIntent::File(path)) => read_policy(name, path),
        None => policy(name),
    }
}

/// A wave file.
pub(crate) fn read_policy(name: &str, path: &Path) -> Result<Policy> {
    let text = String::from_utf8(plain::read(path, MAX_WAVES)?).map_err(|_| Error::ReadFile {
        path: path.to_owned(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidData, "expected UTF-8"),
    })?;
    Policy::parse(&text).map_err(|source| Error::Waves { name: name.to_owned(), source })
}

/// The rollout of a policy that starts at `start`. One that is over before it is signed is a slip of the pen.
pub fn starting(name: &str, policy: &Policy, start: DateTime<Utc>, now: DateTime<Utc>) -> Result<Rollout> {
    let wrong = |source| Error::Waves { name: name.to_owned(), source };
    let rollout = policy.schedule(start).map_err(wrong)?;
    match rollout.closes_at() {
        Some(closes) if closes < now => Err(wrong(waves::Error::Past { closes })),
        _ => Ok(rollout),
    }
}

/// New waves for a release.
#[derive(Debug, Clone)]
pub struct NewWaves<'a> {
    /// The policy, as it was named.
    pub name: &'a str,
    /// When who has a turn.
    pub rollout: &'a Rollout,
    /// What becomes of a pause.
    pub restart: Restart,
    /// The time now.
    pub at: DateTime<Utc>,
    /// Why, for the history.
    pub reason: Reason,
}

/// Gives one update its waves; nothing else of the draft changes. Returns its title and what came of it.
pub fn set(draft: &mut Draft, choice: &Choice, new: NewWaves<'_>) -> Result<(String, Effect)> {
    // Where a wave file lay is nobody's business.
    let name = Path::new(new.name).file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let event = Event::new(new.at, &format!("set {name}"), new.reason);
    change_release(draft, choice, |update| update.set_waves(new.rollout, new.restart, event))
}

/// One line a wave.
pub fn lines(rollout: &Rollout) -> Vec<String> {
    if rollout.is_empty() {
        return vec!["No waves: open to all hosts at once.".to_owned()];
    }
    let waves = rollout.waves().map(|wave| {
        format!(
            "wave {} of {}: seeds {} to {}, from {} to {}",
            wave.number,
            wave.of,
            wave.first,
            wave.last,
            time::text(wave.starts),
            time::text(wave.ends)
        )
    });
    waves.collect()
}

/// When this seed's turn comes, and why then.
pub fn seed_line(rollout: &Rollout, seed: Seed, now: DateTime<Utc>) -> String {
    let (Some(opens), Some(wave)) = (rollout.opens_at(seed), rollout.wave(seed)) else {
        return format!("Seed {} may have it at once: there are no waves.", seed.number());
    };
    let place = u32::from(seed.number()).saturating_sub(wave.first) + 1;
    let size = wave.last.saturating_sub(wave.first) + 1;
    let state = match rollout.verdict(seed, now) {
        Verdict::Open { .. } => "open now",
        Verdict::Wait { .. } => "not yet",
    };
    format!(
        "Seed {} opens at {} ({state}): it is number {place} of {size} in wave {} of {}, which runs from {} to {}.",
        seed.number(),
        time::text(opens),
        wave.number,
        wave.of,
        time::text(wave.starts),
        time::text(wave.ends)
    )
}

/// Far above any rollout that people write.
const MAX_WAVES: u64 = 1 << 20;
