//! Adoption over time, as the verdict gives it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Rollout, SEEDS, Seed, Verdict};

/// How much of the fleet may have a release at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The time.
    pub at: DateTime<Utc>,
    /// How many of the 2048 seeds have had their turn.
    pub seeds: u32,
}

impl Point {
    /// The share of the fleet, 0 to 1.
    pub fn share(self) -> f64 {
        f64::from(self.seeds) / f64::from(SEEDS)
    }
}

impl Rollout {
    /// How many seeds the [`verdict`](Rollout::verdict) lets have the release at `now`.
    ///
    /// A later seed is never served before an earlier one, whatever was signed, so the open ones are the lowest ones
    /// and halving finds the border.
    pub fn open_seeds(&self, now: DateTime<Utc>) -> u32 {
        let (mut open, mut shut) = (0, SEEDS);
        while open < shut {
            let middle = open.midpoint(shut);
            let served =
                Seed::new(middle).is_ok_and(|seed| matches!(self.verdict(seed, now), Verdict::Open { .. }));
            if served { open = middle + 1 } else { shut = middle }
        }
        open
    }

    /// The adoption curve between two times, in this many equal steps, and at every bend: the start of each wave and the
    /// close. In order of time; where all seeds of a wave open at once there are two points, before and after.
    pub fn curve(&self, from: DateTime<Utc>, until: DateTime<Utc>, steps: u32) -> Vec<Point> {
        let second = TimeDelta::seconds(1);
        let length = until.signed_duration_since(from).max(TimeDelta::zero()).num_seconds();
        let even = (0..=steps.max(1)).map(|step| {
            let part = length.saturating_mul(i64::from(step)) / i64::from(steps.max(1));
            from + TimeDelta::seconds(part)
        });
        let bends = self.waves().flat_map(|wave| [wave.starts, wave.ends]);
        let bends = bends.flat_map(|bend| [bend.checked_sub_signed(second).unwrap_or(bend), bend]);
        let mut times: Vec<DateTime<Utc>> =
            even.chain(bends.filter(|bend| (from..=until).contains(bend))).collect();
        times.sort_unstable();
        times.dedup();
        times.into_iter().map(|at| Point { at, seeds: self.open_seeds(at) }).collect()
    }
}
