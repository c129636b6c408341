//! When each seed's turn comes.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, TimeDelta, TimeZone, Utc};

use crate::{Problem, SEEDS, Seed, Verdict, Wave};

/// The waves of one release: from which seed on (key) a wave starts at which time (value); the key 2048 closes the
/// last wave.
///
/// Within a wave the turns are spread evenly: seed `s` of the wave that starts with seed `k` at `t`, before the one
/// that starts with `l` at `u`, opens at `t + floor((u − t) · (s − k) / (l − k))`, in whole seconds. Without a key
/// 2048 the last wave is as long as the one before it; a single wave opens for all at once. No keys: open for all.
///
/// A map that [`check`](Rollout::check) would refuse still has an answer for every seed, and a cautious one: seeds
/// below the first key open with the first wave; a wave dated before an earlier one opens no sooner than that one;
/// keys above 2048 count for nothing. So a later seed is never served before an earlier one, whatever was signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    keys: BTreeMap<u32, DateTime<Utc>>,
    /// What `keys` mean: first seed of each wave and its start, never decreasing.
    starts: Vec<(u32, DateTime<Utc>)>,
    closes: Option<DateTime<Utc>>,
}

impl Rollout {
    /// The rollout that these keys mean. Every map is accepted; [`check`](Rollout::check) says what is wrong with it.
    pub fn new(keys: BTreeMap<u32, DateTime<Utc>>) -> Rollout {
        let mut starts: Vec<(u32, DateTime<Utc>)> = Vec::new();
        let mut close = None;
        for (&key, &at) in keys.range(..=SEEDS) {
            let at = starts.last().map_or(at, |&(_, before)| at.max(before));
            if key == SEEDS && !starts.is_empty() {
                close = Some(at);
            } else {
                starts.push((key, at));
            }
        }
        let closes = close.or_else(|| implied_close(&starts));
        Rollout { keys, starts, closes }
    }

    /// Open for every seed at any time.
    pub fn empty() -> Rollout {
        Rollout::default()
    }

    /// No waves hold anybody back.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The keys as they were given, closing key included where there is one.
    pub fn keys(&self) -> &BTreeMap<u32, DateTime<Utc>> {
        &self.keys
    }

    /// When this seed's turn comes; `None`: nothing holds it back.
    pub fn opens_at(&self, seed: Seed) -> Option<DateTime<Utc>> {
        let wave = self.wave(seed)?;
        let length = wave.ends.signed_duration_since(wave.starts).num_seconds();
        // A seed below the first key is served with the first seed of the first wave.
        let place = i64::from(u32::from(seed).saturating_sub(wave.first));
        let seeds = i64::from(wave.last) + 1 - i64::from(wave.first);
        // chrono's times span under 2^44 seconds and a place is below 2^11, so the product stays below 2^55.
        let offset = length.saturating_mul(place).checked_div_euclid(seeds).unwrap_or(0);
        Some(later(wave.starts, TimeDelta::seconds(offset)))
    }

    /// May this seed have the release at `now`?
    pub fn verdict(&self, seed: Seed, now: DateTime<Utc>) -> Verdict {
        match (self.opens_at(seed), self.wave(seed)) {
            (Some(opens), Some(wave)) => Verdict::at(now, opens, wave),
            _ => Verdict::Open { since: None },
        }
    }

    /// The wave this seed is in.
    pub fn wave(&self, seed: Seed) -> Option<Wave> {
        let after = self.starts.partition_point(|&(key, _)| key <= u32::from(seed));
        self.wave_number(after.max(1))
    }

    /// All waves, in order.
    pub fn waves(&self) -> impl Iterator<Item = Wave> + '_ {
        (1..=self.starts.len()).filter_map(|number| self.wave_number(number))
    }

    /// When every seed has had its turn; `None`: always.
    pub fn closes_at(&self) -> Option<DateTime<Utc>> {
        self.closes
    }

    /// Everything that is wrong with the keys; empty: nothing. Equal times are right only where a pause has moved
    /// the waves out of reach ([`paused_until`]).
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some((&key, _)) = self.keys.first_key_value()
            && key != 0
        {
            problems.push(Problem::FirstKey { key });
        }
        let mut before: Option<DateTime<Utc>> = None;
        for (&key, &at) in &self.keys {
            if key > SEEDS {
                problems.push(Problem::KeyRange { key });
            }
            if !(1..=9999).contains(&at.year()) {
                problems.push(Problem::Year { key, at });
            }
            if let Some(before) = before
                && at <= before
                && !(at == before && at >= paused_until())
            {
                problems.push(Problem::NotIncreasing { key, at, before });
            }
            before = Some(at);
        }
        problems
    }

    fn wave_number(&self, number: usize) -> Option<Wave> {
        let &(first, starts) = self.starts.get(number.checked_sub(1)?)?;
        let (next, ends) = match self.starts.get(number) {
            Some(&next) => next,
            None => (SEEDS, self.closes?),
        };
        Some(Wave { number, of: self.starts.len(), first, last: next.saturating_sub(1), starts, ends })
    }
}

impl From<BTreeMap<u32, DateTime<Utc>>> for Rollout {
    fn from(keys: BTreeMap<u32, DateTime<Utc>>) -> Rollout {
        Rollout::new(keys)
    }
}

/// Where a pause moves the waves that have not opened: 9999-01-01, out of reach also for clients that know no pauses.
pub fn paused_until() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(9999, 1, 1, 0, 0, 0).single().unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The last wave is as long as the one before; a single wave has no length.
fn implied_close(starts: &[(u32, DateTime<Utc>)]) -> Option<DateTime<Utc>> {
    match *starts {
        [] => None,
        [(_, only)] => Some(only),
        [.., (_, before), (_, last)] => Some(later(last, last.signed_duration_since(before))),
    }
}

/// `at + by`, or the last instant that chrono can say.
fn later(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
