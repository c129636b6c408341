//! A rollout that is changed under way: over every seed, what has opened stays open (docs/formats/waves.md).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use waves::{Error, Factor, Problem, Rollout, SEEDS, Seed, Verdict, paused_until, sample};

/// What happens to a rollout, some time after the change before it.
#[derive(Clone, Debug)]
enum Change {
    Slow(Factor),
    Hurry(Factor),
    /// Held, and resumed this many seconds later.
    Pause(i64),
}

fn factor() -> impl Strategy<Value = Factor> {
    (1_000_001_u64..=3_000_000).prop_map(|millionths| {
        format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000).parse().unwrap()
    })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        factor().prop_map(Change::Slow),
        factor().prop_map(Change::Hurry),
        (0_i64..1_000_000).prop_map(Change::Pause),
    ]
}

/// Sound waves, from some that last a second to some that last days; with and without a closing key.
fn rollout() -> impl Strategy<Value = Rollout> {
    let steps = prop::collection::vec((1_u32..600, prop_oneof![1_i64..60, 1_i64..200_000]), 1..8);
    (steps, any::<bool>(), 1_i64..200_000).prop_map(|(steps, closed, last)| {
        let (mut key, mut at, mut keys) = (0, start(), BTreeMap::new());
        for (seeds, seconds) in steps {
            if key < SEEDS {
                keys.insert(key, at);
            }
            key += seeds;
            at += TimeDelta::seconds(seconds);
        }
        if closed {
            keys.insert(SEEDS, at + TimeDelta::seconds(last));
        }
        Rollout::new(keys)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Change after change: no host loses a turn that has come, hosts keep their order, and the strict check is content.
    #[test]
    fn whatever_is_done_no_host_loses_its_turn(
        first in rollout(),
        changes in prop::collection::vec((0_i64..100_000, change()), 1..6),
    ) {
        prop_assert_eq!(first.check(), []);
        let (mut rollout, mut now) = (first, start() - TimeDelta::seconds(1));
        for (wait, change) in changes {
            now += TimeDelta::seconds(wait);
            let (before, changed_at) = (rollout.clone(), now);
            rollout = match change {
                Change::Slow(factor) => before.slow(now, factor).unwrap(),
                Change::Hurry(factor) => before.hurry(now, factor).unwrap(),
                Change::Pause(seconds) => {
                    let held = before.hold(now);
                    same_hosts_are_open(&before, &held, now)?;
                    prop_assert_eq!(held.check(), []);
                    for seed in Seed::all() {
                        let opens = held.opens_at(seed).unwrap();
                        prop_assert!(opens <= now || opens == paused_until(), "seed {}", seed);
                    }
                    let resumed = now + TimeDelta::seconds(seconds);
                    let after = before.resume(now, resumed).unwrap();
                    same_hosts_are_open(&held, &after, resumed)?;
                    for seed in Seed::all() {
                        let (was, is) = (before.opens_at(seed).unwrap(), after.opens_at(seed).unwrap());
                        if was > now {
                            within_a_second(is, was + TimeDelta::seconds(seconds), seed)?;
                        }
                    }
                    now = resumed;
                    after
                }
            };
            if !matches!(change, Change::Pause(_)) {
                same_hosts_are_open(&before, &rollout, now)?;
            }
            for seed in Seed::all() {
                let (was, is) = (before.opens_at(seed).unwrap(), rollout.opens_at(seed).unwrap());
                match change {
                    _ if was <= changed_at => prop_assert!(is <= was, "seed {}", seed),
                    Change::Hurry(_) => prop_assert!(is <= was, "seed {}", seed),
                    Change::Slow(_) => prop_assert!(is >= was - TimeDelta::seconds(1), "seed {}", seed),
                    Change::Pause(_) => {}
                }
            }
            prop_assert_eq!(rollout.check(), []);
            let turns: Vec<_> = Seed::all().map(|seed| rollout.opens_at(seed)).collect();
            prop_assert!(turns.is_sorted());
        }
    }
}

/// Held or changed, at that moment the same hosts are open as before.
fn same_hosts_are_open(before: &Rollout, after: &Rollout, now: DateTime<Utc>) -> Result<(), TestCaseError> {
    prop_assert_eq!(before.open_seeds(now), after.open_seeds(now));
    for seed in Seed::all() {
        let open = |rollout: &Rollout| matches!(rollout.verdict(seed, now), Verdict::Open { .. });
        prop_assert_eq!(open(before), open(after), "seed {} at {}", seed, now);
        prop_assert_eq!(open(before), u32::from(seed) < before.open_seeds(now));
    }
    Ok(())
}

fn within_a_second(is: DateTime<Utc>, was: DateTime<Utc>, seed: Seed) -> Result<(), TestCaseError> {
    prop_assert!((is - was).num_seconds().abs() <= 1, "seed {seed}: {is} for {was}");
    Ok(())
}

#[test]
fn the_rest_takes_twice_as_long_or_half() {
    let rollout = sample("normal").unwrap().schedule(start()).unwrap();
    // In the middle of wave 4: from 15 % of the fleet after 2 d to 40 % after 4 d.
    let now = start() + TimeDelta::days(3);
    let opened = rollout.open_seeds(now);
    assert_eq!(opened, u32::midpoint(307, 819) + 1, "half-way, and the one whose turn comes now");
    let close = start() + TimeDelta::days(7);
    assert_eq!(rollout.closes_at(), Some(close));
    let slowed = rollout.slow(now, "2".parse().unwrap()).unwrap();
    assert_eq!(slowed.closes_at(), Some(now + TimeDelta::days(8)));
    let hurried = rollout.hurry(now, "2".parse().unwrap()).unwrap();
    assert_eq!(hurried.closes_at(), Some(now + TimeDelta::days(2)));
    // A rollout that has not begun moves too: its first wave is 6 h away.
    let early = start() - TimeDelta::hours(5);
    assert_eq!(rollout.slow(early, "2".parse().unwrap()).unwrap().keys()[&0], early + TimeDelta::hours(12));
}

#[test]
fn where_nothing_waits_nothing_changes() {
    let rollout = sample("normal").unwrap().schedule(start()).unwrap();
    let over = start() + TimeDelta::days(8);
    assert_eq!(rollout.hold(over), rollout);
    assert_eq!(rollout.slow(over, "2".parse().unwrap()), Ok(rollout.clone()));
    assert_eq!(Rollout::empty().hold(over), Rollout::empty());
    // Held twice is held.
    let now = start() + TimeDelta::days(3);
    assert_eq!(rollout.hold(now).hold(now + TimeDelta::days(1)), rollout.hold(now));
}

/// Bottlerocket's client has other turns; but what a hold leaves closed is closed for it too.
#[test]
fn a_hold_stops_old_clients_too() {
    let rollout = sample("normal").unwrap().schedule(start()).unwrap();
    let now = start() + TimeDelta::days(3);
    let held = rollout.hold(now);
    let century = now + TimeDelta::days(36_500);
    for seed in Seed::all().skip(usize::try_from(rollout.open_seeds(now)).unwrap()) {
        let verdict = waves::compat::verdict(held.keys(), seed, century);
        assert!(matches!(verdict, Verdict::Wait { .. }), "seed {seed}: {verdict:?}");
    }
}

#[test]
fn a_rollout_cannot_be_slowed_down_beyond_the_calendar() {
    let rollout = sample("normal").unwrap().schedule("9990-01-01T00:00:00Z".parse().unwrap()).unwrap();
    let refused = rollout.slow("9990-01-01T00:00:00Z".parse().unwrap(), "1000".parse().unwrap());
    let Err(Error::Schedule(problems)) = refused else { panic!("{refused:?}") };
    assert!(matches!(problems[0], Problem::Year { .. }), "{problems:?}");
}

fn start() -> DateTime<Utc> {
    "2026-03-01T00:00:00Z".parse().unwrap()
}
