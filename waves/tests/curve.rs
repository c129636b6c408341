//! The adoption curve says what the verdicts say.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use waves::{Rollout, SEEDS, Seed, Verdict, sample};

fn start() -> DateTime<Utc> {
    "2026-11-01T00:00:00Z".parse().unwrap()
}

/// Any map that can be signed, sensible or not.
fn keys() -> impl Strategy<Value = BTreeMap<u32, DateTime<Utc>>> {
    let time = (0_i64..2_000_000).prop_map(|seconds| start() + TimeDelta::seconds(seconds));
    prop::collection::btree_map(0_u32..2100, time, 0..8)
}

proptest! {
    #[test]
    fn the_open_seeds_are_those_whose_verdict_is_open(keys in keys(), seconds in -10_i64..2_000_010) {
        let rollout = Rollout::new(keys);
        let now = start() + TimeDelta::seconds(seconds);
        let open = Seed::all().filter(|seed| matches!(rollout.verdict(*seed, now), Verdict::Open { .. })).count();
        prop_assert_eq!(rollout.open_seeds(now) as usize, open);
    }

    #[test]
    fn a_curve_never_falls_and_its_times_rise(keys in keys(), steps in 0_u32..50) {
        let rollout = Rollout::new(keys);
        let until = start() + TimeDelta::days(23);
        let curve = rollout.curve(start(), until, steps);
        prop_assert!(curve.windows(2).all(|pair| pair[0].at < pair[1].at && pair[0].seeds <= pair[1].seeds));
        prop_assert_eq!((curve[0].at, curve.last().unwrap().at), (start(), until));
    }
}

#[test]
fn a_curve_bends_where_waves_begin() {
    let rollout = sample("normal").unwrap().schedule(start()).unwrap();
    let curve = rollout.curve(start(), start() + TimeDelta::days(8), 10);
    for wave in rollout.waves() {
        assert!(curve.iter().any(|point| point.at == wave.starts), "wave {}", wave.number);
    }
    assert_eq!((curve[0].seeds, curve.last().unwrap().seeds), (0, SEEDS));
    assert!((curve.last().unwrap().share() - 1.0).abs() < f64::EPSILON);
}

#[test]
fn without_waves_all_are_open_always() {
    let until = start() + TimeDelta::days(1);
    assert!(Rollout::empty().curve(start(), until, 4).iter().all(|point| point.seeds == SEEDS));
    assert_eq!(Rollout::empty().curve(until, start(), 4).len(), 1);
}
