//! Bottlerocket's answer, bit for bit.
//!
//! Its clients read the same keys otherwise than [`Rollout`](crate::Rollout) does (docs/formats/waves.md):
//! a seed equal to a key is still in the wave before; whoever has no key below its seed is served at once, even before
//! the first wave starts; and within a wave the time per seed is multiplied by the seed itself, not by its place in
//! the wave, so that in every wave but the first most hosts come at its very end.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::{SEEDS, Seed, Verdict, Wave};

/// What a Bottlerocket client with this seed does at `now`.
pub fn verdict(keys: &BTreeMap<u32, DateTime<Utc>>, seed: Seed, now: DateTime<Utc>) -> Verdict {
    match opens_at(keys, seed) {
        Some((opens, wave)) => Verdict::at(now, opens, wave),
        None => Verdict::Open { since: None },
    }
}

/// When this seed's turn comes and in which wave; `None`: at once.
fn opens_at(keys: &BTreeMap<u32, DateTime<Utc>>, seed: Seed) -> Option<(DateTime<Utc>, Wave)> {
    let seed = u32::from(seed);
    let lower = keys.range(..seed).next_back();
    let upper = keys.range(seed..=SEEDS).next();
    // No key below the seed: their "initial wave", ready at any time.
    let (&start_seed, &start) = lower?;
    let number = keys.range(..seed).count();
    let of = keys.range(..SEEDS).count();
    // Their last wave has no end: all of it is ready with its start.
    let Some((&end_seed, &end)) = upper else {
        let wave = Wave {
            number,
            of,
            first: start_seed.saturating_add(1),
            last: SEEDS - 1,
            starts: start,
            ends: start,
        };
        return Some((start, wave));
    };
    let last = end_seed.min(SEEDS - 1);
    let wave = Wave { number, of, first: start_seed.saturating_add(1), last, starts: start, ends: end };
    Some((general(start, end, end_seed - start_seed, seed).unwrap_or(end), wave))
}

/// Ready at `end`, or from `start + (end − start) / seeds · seed` on when that is sooner. `None`: it is not, or chrono
/// cannot say it.
fn general(start: DateTime<Utc>, end: DateTime<Utc>, seeds: u32, seed: u32) -> Option<DateTime<Utc>> {
    if end <= start {
        return None;
    }
    // chrono divides seconds and nanoseconds apart, each rounded down; theirs is the same call.
    let per_seed = end.signed_duration_since(start).checked_div(i32::try_from(seeds).ok()?)?;
    let target = start.checked_add_signed(per_seed.checked_mul(i32::try_from(seed).ok()?)?)?;
    (target < end).then_some(target)
}
