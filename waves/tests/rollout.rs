//! The promises of a rollout (docs/formats/waves.md), over every seed.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use waves::{Policy, Problem, Rollout, SAMPLES, SEEDS, Seed, Verdict, paused_until};

type Keys = BTreeMap<u32, DateTime<Utc>>;

#[test]
fn sample_policies_keep_every_promise_in_every_year() {
    for (name, text) in SAMPLES {
        let policy = Policy::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        for start in ["0001-01-01T00:00:00Z", "2026-02-28T23:59:59Z", "9999-12-01T00:00:00Z"] {
            let rollout = policy.schedule(start.parse().unwrap()).unwrap();
            assert_eq!(rollout.check(), [], "{name} from {start}");
            promises(rollout.keys());
            assert!(most_at_once(&rollout) <= 2, "{name} from {start}");
        }
    }
}

#[test]
fn the_formula_by_hand() {
    // 20 seeds in 3 h: 540 s each. 82 in 20 h: 878.05 s each, rounded down.
    let rollout = Rollout::new(keys(&[(0, 1), (20, 4), (102, 24), (2048, 48)]));
    let cases = [
        (0, 3_600),
        (1, 3_600 + 540),
        (19, 3_600 + 19 * 540),
        (20, 14_400),
        (21, 14_400 + 878),
        (101, 14_400 + 71_121),
        (102, 86_400),
        (2047, 172_800 - 45),
    ];
    for (seed, expected) in cases {
        let opens = rollout.opens_at(Seed::new(seed).unwrap()).unwrap();
        assert_eq!((opens - day()).num_seconds(), expected, "seed {seed}");
    }
    assert_eq!(rollout.closes_at(), Some(day() + TimeDelta::hours(48)));
}

#[test]
fn without_a_closing_key_the_last_wave_is_as_long_as_the_one_before() {
    let open = Rollout::new(keys(&[(0, 1), (20, 4)]));
    let closed = Rollout::new(keys(&[(0, 1), (20, 4), (2048, 7)]));
    for seed in Seed::all() {
        assert_eq!(open.opens_at(seed), closed.opens_at(seed));
    }
    // One wave alone has no length to go by: its start is for all.
    let single = Rollout::new(keys(&[(0, 1)]));
    assert!(Seed::all().all(|seed| single.opens_at(seed) == Some(day() + TimeDelta::hours(1))));
}

#[test]
fn no_waves_hold_nobody_back() {
    for rollout in [Rollout::empty(), Rollout::new(keys(&[(2049, 1)]))] {
        assert!(rollout.is_empty());
        for seed in Seed::all() {
            assert_eq!(rollout.verdict(seed, DateTime::<Utc>::MIN_UTC), Verdict::Open { since: None });
        }
    }
}

#[test]
fn a_paused_rollout_opens_for_nobody_new() {
    let mut paused = Policy::parse(SAMPLES[2].1).unwrap().schedule(day()).unwrap().keys().clone();
    let now = day() + TimeDelta::hours(30);
    let before = Rollout::new(paused.clone());
    for at in paused.values_mut().filter(|at| **at > now) {
        *at = paused_until();
    }
    let rollout = Rollout::new(paused);
    assert_eq!(rollout.check(), [], "a pause is no mistake");
    promises(rollout.keys());
    let century = now + TimeDelta::days(36_500);
    for seed in Seed::all() {
        let wave = before.wave(seed).unwrap();
        match rollout.verdict(seed, now) {
            Verdict::Open { .. } => assert!(wave.ends <= now || u32::from(seed) == wave.first, "seed {seed}"),
            Verdict::Wait { until, .. } => assert!(until > now, "seed {seed}"),
        }
        if wave.starts > now {
            assert_eq!(rollout.opens_at(seed), Some(paused_until()), "seed {seed}");
            assert!(matches!(rollout.verdict(seed, century), Verdict::Wait { .. }));
        }
    }
}

#[test]
fn the_check_lists_every_problem() {
    let far = DateTime::<Utc>::MAX_UTC;
    let mut bad = keys(&[(5, 4), (20, 3), (30, 3), (2048, 5), (4096, 6)]);
    bad.insert(9000, far);
    let at = |hour| day() + TimeDelta::hours(hour);
    assert_eq!(
        Rollout::new(bad).check(),
        [
            Problem::FirstKey { key: 5 },
            Problem::NotIncreasing { key: 20, at: at(3), before: at(4) },
            Problem::NotIncreasing { key: 30, at: at(3), before: at(3) },
            Problem::KeyRange { key: 4096 },
            Problem::KeyRange { key: 9000 },
            Problem::Year { key: 9000, at: far },
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_sound_rollout_keeps_every_promise(
        cuts in prop::collection::btree_set(1..SEEDS, 0..12),
        lengths in prop::collection::vec(3_600_i64..=40_000_000, 13),
        start in -62_135_596_800_i64..=200_000_000_000,
        nanos in 0_u32..1_000_000_000,
    ) {
        let mut at = DateTime::from_timestamp(start, nanos).unwrap();
        let mut map = Keys::new();
        for (key, length) in [0].into_iter().chain(cuts).chain([SEEDS]).zip(lengths) {
            map.insert(key, at);
            at += TimeDelta::seconds(length);
        }
        let rollout = Rollout::new(map);
        prop_assert_eq!(rollout.check(), []);
        promises(rollout.keys());
        prop_assert!(most_at_once(&rollout) <= 2);
    }

    /// Whatever a manifest says: the same promises, no panic, no overflow.
    #[test]
    fn any_map_at_all_keeps_the_order(
        map in prop::collection::btree_map(
            prop_oneof![0..=SEEDS, any::<u32>()],
            (-8_334_601_228_800_i64..=8_210_266_876_799, 0_u32..1_000_000_000)
                .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap()),
            0..8,
        ),
    ) {
        promises(&map);
        for problem in Rollout::new(map).check() {
            prop_assert!(!problem.to_string().is_empty());
        }
    }
}

/// Never earlier for a higher seed; inside its wave; none before the first start; all open at the close; and the
/// verdict turns exactly at the time it names.
fn promises(map: &Keys) {
    let rollout = Rollout::new(map.clone());
    let (Some(closes), Some(first)) = (rollout.closes_at(), rollout.waves().next()) else {
        assert!(rollout.is_empty());
        return;
    };
    let mut before = first.starts;
    for seed in Seed::all() {
        let (Some(opens), Some(wave)) = (rollout.opens_at(seed), rollout.wave(seed)) else {
            panic!("seed {seed} has no turn");
        };
        assert!(opens >= before, "seed {seed} opens before seed {}", u32::from(seed) - 1);
        assert!(
            wave.starts <= opens && (opens < wave.ends || wave.starts == wave.ends),
            "seed {seed}: {wave:?}"
        );
        assert!(u32::from(seed) <= wave.last && wave.number <= wave.of, "seed {seed}: {wave:?}");
        assert!(opens <= closes);
        assert_eq!((opens - wave.starts).subsec_nanos(), 0, "whole seconds");
        assert_eq!(rollout.verdict(seed, opens), Verdict::Open { since: Some(opens) });
        if let Some(earlier) = opens.checked_sub_signed(TimeDelta::nanoseconds(1)) {
            assert_eq!(rollout.verdict(seed, earlier), Verdict::Wait { until: opens, wave });
        }
        before = opens;
    }
}

/// The most seeds whose turn comes in one instant.
fn most_at_once(rollout: &Rollout) -> usize {
    let mut count: BTreeMap<Option<DateTime<Utc>>, usize> = BTreeMap::new();
    for seed in Seed::all() {
        *count.entry(rollout.opens_at(seed)).or_default() += 1;
    }
    count.into_values().max().unwrap_or(0)
}

fn day() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap_or_default()
}

/// Keys with times as hours after [`day`].
fn keys(list: &[(u32, i64)]) -> Keys {
    list.iter().map(|&(key, hours)| (key, day() + TimeDelta::hours(hours))).collect()
}
