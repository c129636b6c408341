//! `compat` against a second derivation of Bottlerocket's rule, and against what their own crate was seen to do.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use waves::{SEEDS, Seed, Verdict, compat};

type Keys = BTreeMap<u32, DateTime<Utc>>;

/// How many hosts of 2048 are released on the time of a wave, and how many come at which minute after the start. The
/// first three were measured with Bottlerocket's own crate by a clock that went in minutes, so a host counts for the
/// minute in which it is first seen ready; the last one was modelled to the second, since its file does not load there.
#[test]
fn the_measured_spikes_come_out() {
    for case in MEASURED {
        let at = |minutes| (start() + TimeDelta::minutes(minutes)).timestamp();
        let keys: Keys =
            case.waves.iter().map(|&(key, after)| (key, start() + TimeDelta::minutes(after))).collect();
        let mut hosts: BTreeMap<i64, usize> = BTreeMap::new();
        for seed in Seed::all() {
            if let Verdict::Wait { until, .. } = compat::verdict(&keys, seed, DateTime::<Utc>::MIN_UTC) {
                let second = until.timestamp() + i64::from(until.timestamp_subsec_nanos() > 0);
                let seen = second + (-second).rem_euclid(case.tick);
                *hosts.entry(seen).or_default() += 1;
            }
        }
        let on_a_wave: usize = case.waves.iter().filter_map(|&(_, after)| hosts.get(&at(after))).sum();
        assert_eq!(on_a_wave, case.on_a_wave, "{:?}", case.waves);
        for &(after, expected) in case.spikes {
            assert_eq!(hosts.get(&at(after)), Some(&expected), "{:?} at minute {after}", case.waves);
        }
    }
}

struct Measured {
    /// (key, minutes after the start) of each wave.
    waves: &'static [(u32, i64)],
    /// Steps of the clock in seconds.
    tick: i64,
    on_a_wave: usize,
    /// (minutes after the start, hosts).
    spikes: &'static [(i64, usize)],
}

const H: i64 = 60;
const D: i64 = 24 * H;
const MEASURED: [Measured; 4] = [
    Measured {
        waves: &[(0, H), (20, 4 * H), (102, D), (307, 2 * D), (819, 4 * D), (1228, 5 * D), (1843, 6 * D)],
        tick: 60,
        on_a_wave: 1661,
        spikes: &[(24 * H, 21), (48 * H, 103), (96 * H, 308), (120 * H, 409), (144 * H, 819)],
    },
    Measured {
        waves: &[(0, H), (61, 4 * H), (245, 8 * H), (819, 16 * H), (1638, D)],
        tick: 60,
        on_a_wave: 1538,
        spikes: &[(8 * H, 62), (16 * H, 247), (24 * H, 1228)],
    },
    Measured {
        waves: &[(0, H), (20, D), (102, 3 * D), (307, 7 * D), (819, 9 * D), (1228, 12 * D), (1843, 13 * D)],
        tick: 60,
        on_a_wave: 1661,
        spikes: &[(168 * H, 103), (216 * H, 308), (288 * H, 409), (312 * H, 819)],
    },
    Measured {
        waves: &[(0, 30), (102, 60), (512, 120), (1024, 150), (1843, 180)],
        tick: 1,
        on_a_wave: 1639,
        spikes: &[(2 * H, 103), (150, 512), (3 * H, 1023)],
    },
];

#[test]
fn seed_zero_and_seeds_up_to_the_first_key_are_served_at_once() {
    let keys: Keys = [(20, start()), (40, start() + TimeDelta::hours(1))].into();
    for seed in Seed::all() {
        let at_once = compat::verdict(&keys, seed, DateTime::<Utc>::MIN_UTC) == Verdict::Open { since: None };
        assert_eq!(at_once, u32::from(seed) <= 20, "seed {seed}");
    }
    assert_eq!(compat::verdict(&Keys::new(), Seed::new(7).unwrap(), start()), Verdict::Open { since: None });
}

/// Every seed of the policy that all their releases use, at every quarter of an hour of eight days.
#[test]
fn their_default_policy_agrees_for_every_seed_and_quarter_hour() {
    let hours = [(0, 1), (20, 4), (102, 24), (307, 48), (819, 96), (1228, 120), (1843, 144)];
    let mut keys: Keys =
        hours.into_iter().map(|(key, hour)| (key, start() + TimeDelta::hours(hour))).collect();
    for closing in [None, Some(start() + TimeDelta::hours(168))] {
        keys.extend(closing.map(|at| (SEEDS, at)));
        for seed in Seed::all() {
            for quarter in -4..8 * 24 * 4 {
                let now = start() + TimeDelta::minutes(15 * quarter);
                let open = matches!(compat::verdict(&keys, seed, now), Verdict::Open { .. });
                assert_eq!(open, ready(&keys, seed, now), "seed {seed} at {now}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Any map, any order of times, fractions of seconds: all seeds agree, just before and exactly at the time named.
    #[test]
    fn any_waves_agree_for_every_seed(
        keys in prop::collection::btree_map(
            prop_oneof![4 => 0..=SEEDS, 1 => any::<u32>()],
            (-62_135_596_800_i64..=253_402_300_799, prop_oneof![Just(0_u32), 0_u32..1_000_000_000])
                .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap()),
            0..9,
        ),
        now in -62_135_596_800_i64..=253_402_300_799,
    ) {
        let some_time = DateTime::from_timestamp(now, 0).unwrap();
        for seed in Seed::all() {
            let mut times = vec![some_time, DateTime::<Utc>::MIN_UTC];
            if let Verdict::Wait { until, wave } = compat::verdict(&keys, seed, DateTime::<Utc>::MIN_UTC) {
                prop_assert!((wave.first..=wave.last).contains(&u32::from(seed)), "seed {}: {:?}", seed, wave);
                times.extend([until - TimeDelta::nanoseconds(1), until]);
            }
            for now in times {
                let open = matches!(compat::verdict(&keys, seed, now), Verdict::Open { .. });
                prop_assert_eq!(open, ready(&keys, seed, now), "seed {} at {}", seed, now);
            }
        }
    }
}

/// Their rule told again from the facts, in whole nanoseconds and without chrono's arithmetic.
fn ready(keys: &Keys, seed: Seed, now: DateTime<Utc>) -> bool {
    let seed = i128::from(seed.number());
    let below = keys.iter().filter(|&(&key, _)| i128::from(key) < seed).max_by_key(|&(key, _)| *key);
    let above =
        keys.iter().filter(|&(&key, _)| i128::from(key) >= seed && key <= 2048).min_by_key(|&(key, _)| *key);
    let now = nanos(now);
    match (below, above) {
        (None, _) => true,
        (Some((_, &start)), None) => nanos(start) <= now,
        (Some((&start_seed, &start)), Some((&end_seed, &end))) => {
            let (start, end) = (nanos(start), nanos(end));
            if now >= end {
                return true;
            }
            if now < start {
                return false;
            }
            let seeds = i128::from(end_seed) - i128::from(start_seed);
            let length = end - start;
            let (seconds, fraction) = (length / SECOND, length % SECOND);
            let per_seed = seconds / seeds * SECOND + seconds % seeds * SECOND / seeds + fraction / seeds;
            now >= start + per_seed * seed
        }
    }
}

fn nanos(at: DateTime<Utc>) -> i128 {
    i128::from(at.timestamp()) * SECOND + i128::from(at.timestamp_subsec_nanos())
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap_or_default()
}

const SECOND: i128 = 1_000_000_000;
