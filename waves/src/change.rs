//! A rollout that is under way and is changed: held, resumed, slowed down, hurried.
//!
//! What has opened stays open: every change first fixes the seeds whose turn has come, with a wave boundary right
//! behind the last of them, and moves only what follows. So for each seed, before and after, "open at `now`" is the
//! same answer, whatever the change.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use crate::{Error, Factor, Rollout, SEEDS, Seed, paused_until};

impl Rollout {
    /// Nobody new has a turn from `now` on: what has not opened moves to [`paused_until`], out of reach also for
    /// clients that know no pauses.
    #[must_use]
    pub fn hold(&self, now: DateTime<Utc>) -> Rollout {
        let Some(mut split) = self.split(now) else { return self.clone() };
        split.rest.values_mut().for_each(|at| *at = paused_until());
        split.join()
    }

    /// The rollout as it goes on at `now` when it was [held](Rollout::hold) at `since`: `self` is what it was before,
    /// and what had not opened then comes later by the time that it was held.
    pub fn resume(&self, since: DateTime<Utc>, now: DateTime<Utc>) -> Result<Rollout, Error> {
        let held = now.signed_duration_since(since).max(TimeDelta::zero());
        // A part of a second counts whole, so that nothing opens before `now`.
        let held = TimeDelta::seconds(whole_seconds(held));
        self.move_rest(since, |at| later(at, held))
    }

    /// What has not opened yet takes `factor` times as long from `now` on.
    pub fn slow(&self, now: DateTime<Utc>, factor: Factor) -> Result<Rollout, Error> {
        self.scale(now, |seconds| factor.stretch(seconds))
    }

    /// What has not opened yet takes `factor` times less long from `now` on. Nobody's turn comes later than before.
    pub fn hurry(&self, now: DateTime<Utc>, factor: Factor) -> Result<Rollout, Error> {
        self.scale(now, |seconds| factor.squeeze(seconds))
    }

    fn scale(&self, now: DateTime<Utc>, scaled: impl Fn(i64) -> i64) -> Result<Rollout, Error> {
        let base = now.trunc_subsecs(0);
        self.move_rest(now, |at| {
            let seconds = scaled(whole_seconds(at.signed_duration_since(base))).max(1);
            TimeDelta::try_seconds(seconds).map_or(DateTime::<Utc>::MAX_UTC, |delay| later(base, delay))
        })
    }

    fn move_rest(
        &self,
        now: DateTime<Utc>,
        moved: impl Fn(DateTime<Utc>) -> DateTime<Utc>,
    ) -> Result<Rollout, Error> {
        let Some(mut split) = self.split(now) else { return Ok(self.clone()) };
        let mut before: Option<DateTime<Utc>> = None;
        for at in split.rest.values_mut() {
            // Times that fall together when they are squeezed stay in order, one second each.
            let earliest =
                before.map_or(DateTime::<Utc>::MIN_UTC, |before| later(before, TimeDelta::seconds(1)));
            *at = moved(*at).max(earliest);
            before = Some(*at);
        }
        let changed = split.join();
        let problems = changed.check();
        if problems.is_empty() { Ok(changed) } else { Err(Error::Schedule(problems)) }
    }

    /// `None`: every seed has had its turn, or no waves hold anybody.
    fn split(&self, now: DateTime<Utc>) -> Option<Split> {
        let opened = self.open_seeds(now);
        if opened == SEEDS {
            return None;
        }
        let mut keys: BTreeMap<u32, DateTime<Utc>> =
            self.waves().map(|wave| (wave.first, wave.starts)).collect();
        // A single wave without a close opens for all at once and needs none.
        if let Some(close) = self.closes_at()
            && (keys.len() > 1 || self.keys().contains_key(&SEEDS))
        {
            keys.insert(SEEDS, close);
        }
        if opened == 0 {
            return Some(Split { fixed: BTreeMap::new(), rest: keys });
        }
        // Two boundaries: a wave that ends with the last seed that is open, and one that begins with the first that
        // is not. With one alone, the even spread up to it would move turns that have come.
        for number in [opened - 1, opened] {
            let opens = Seed::new(number).ok().and_then(|seed| self.opens_at(seed));
            if let Some(opens) = opens {
                keys.entry(number).or_insert(opens);
            }
        }
        let rest = keys.split_off(&opened);
        let mut fixed = keys;
        // In a wave of many seeds a second the new boundary may fall on the start of its wave. All of these seeds are
        // open, so the earlier keys give way to earlier times.
        let mut after: Option<DateTime<Utc>> = None;
        for at in fixed.values_mut().rev() {
            let latest = after.map_or(DateTime::<Utc>::MAX_UTC, |after| later(after, TimeDelta::seconds(-1)));
            *at = (*at).min(latest);
            after = Some(*at);
        }
        Some(Split { fixed, rest })
    }
}

/// The keys of a rollout under way: of seeds that are open, and of those that are not.
struct Split {
    fixed: BTreeMap<u32, DateTime<Utc>>,
    rest: BTreeMap<u32, DateTime<Utc>>,
}

impl Split {
    fn join(mut self) -> Rollout {
        self.fixed.append(&mut self.rest);
        Rollout::new(self.fixed)
    }
}

/// Rounded up.
fn whole_seconds(delta: TimeDelta) -> i64 {
    delta.num_seconds().saturating_add(i64::from(delta.subsec_nanos() > 0))
}

fn later(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(by).unwrap_or(if by < TimeDelta::zero() {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}
