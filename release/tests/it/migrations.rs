//! Ways between versions, circles and dead ends, against plain searches that try everything.

use std::collections::BTreeSet;

use proptest::prelude::*;
use release::Version;
use release::manifest::{Hop, Manifest, Problem};

#[test]
fn a_way_is_found_where_the_largest_step_leads_nowhere() {
    // Bottlerocket goes to 1.2.0, finds nothing there and gives up.
    let manifest = with(&[(0, 1), (0, 2), (1, 3)]);
    assert_eq!(greedy(&manifest, 0, 3), None);
    assert_eq!(find(&manifest, 0, 3), Some(vec!["1.0.0-1.1.0".to_owned(), "1.1.0-1.3.0".to_owned()]));
}

#[test]
fn a_hop_runs_its_migrations_in_order_and_in_reverse_on_the_way_down() {
    let mut manifest = Manifest::default();
    let mut hop = |text: &str, names: &[&str]| {
        manifest.migrations.insert(text.parse().unwrap(), names.iter().map(ToString::to_string).collect());
    };
    hop("(1.0.0, 1.1.0)", &["a", "b"]);
    hop("(1.1.0, 1.2.0)", &[]);
    hop("(1.2.0, 1.3.0)", &["c"]);
    assert_eq!(manifest.find_migrations(&version(0), &version(3)).unwrap(), ["a", "b", "c"]);
    assert_eq!(manifest.find_migrations(&version(3), &version(0)).unwrap(), ["c", "b", "a"]);
    assert_eq!(manifest.find_migrations(&version(1), &version(2)).unwrap(), [""; 0]);
    assert_eq!(manifest.find_migrations(&version(2), &version(2)).unwrap(), [""; 0]);
    let none = manifest.find_migrations(&version(0), &version(4)).unwrap_err();
    assert_eq!(none.to_string(), "no migrations lead from 1.0.0 to 1.4.0");
    let none = manifest.find_migrations(&version(4), &version(0)).unwrap_err();
    assert_eq!(none.to_string(), "no migrations lead from 1.4.0 to 1.0.0");
}

/// As long as a signed manifest could make it: no recursion, no explosion.
#[test]
fn long_ways_and_dense_dead_ends_end_soon() {
    let long: Vec<(u64, u64)> = (0..50_000).map(|at| (at, at + 1)).collect();
    let manifest = with(&long);
    assert_eq!(find(&manifest, 0, 50_000).map(|path| path.len()), Some(50_000));
    assert_eq!(manifest.check().len(), 50_000, "all lead to no update");
    // Every version below 200 leads to every later one, none to the target.
    let dense: Vec<(u64, u64)> =
        (0..200).flat_map(|from| (from + 1..200).map(move |to| (from, to))).collect();
    assert_eq!(find(&with(&dense), 0, 300), None);
    // One circle through everything.
    let circle: Vec<(u64, u64)> = long.into_iter().chain([(50_000, 0)]).collect();
    let circles =
        with(&circle).check().into_iter().filter(|problem| matches!(problem, Problem::Cycle { .. }));
    assert_eq!(circles.count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_way_is_found_exactly_when_there_is_one(
        hops in prop::collection::btree_set((0..8_u64, 0..8_u64), 0..20),
        from in 0..8_u64,
        to in 0..8_u64,
    ) {
        let hops: Vec<_> = hops.into_iter().collect();
        let manifest = with(&hops);
        let (low, high) = (from.min(to), from.max(to));
        let up: BTreeSet<_> = hops.iter().copied().filter(|(from, to)| from < to && *to <= high).collect();
        let found = find(&manifest, from, to);
        prop_assert_eq!(found.is_some(), reaches(&up, low, high));
        if let Some(mut path) = found {
            if from > to {
                path.reverse();
            }
            let mut at = low;
            for name in path {
                let step = up.iter().find(|&&(from, to)| name == format!("{}-{}", version(from), version(to)));
                let &(from, to) = step.expect("a hop upward");
                prop_assert_eq!(from, at);
                at = to;
            }
            prop_assert_eq!(at, high);
        }
        // Where Bottlerocket finds a way, it is this one.
        if from <= to && let Some(theirs) = greedy(&manifest, from, to) {
            prop_assert_eq!(find(&manifest, from, to), Some(theirs));
        }
    }

    #[test]
    fn circles_and_dead_ends_are_all_found(
        hops in prop::collection::btree_set((0..7_u64, 0..7_u64), 0..14),
        listed in prop::collection::btree_set(0..7_u64, 0..3),
    ) {
        let all: BTreeSet<(u64, u64)> = hops.clone();
        let mut manifest = with(&hops.iter().copied().collect::<Vec<_>>());
        let template = crate::manifest::ours().updates[0].clone();
        manifest.updates = listed.iter().map(|&at| {
            let mut update = template.clone();
            update.version = version(at);
            update.max_version = version(99);
            update
        }).collect();
        let problems = manifest.check();
        let mut circles: Vec<Vec<Version>> = Vec::new();
        let mut dangling: Vec<Hop> = Vec::new();
        for problem in problems {
            match problem {
                Problem::Cycle { versions } => circles.push(versions),
                Problem::Dangling { hop } => dangling.push(hop),
                Problem::NotForward { hop } => prop_assert!(hop.from >= hop.to),
                other => prop_assert!(false, "{}", other),
            }
        }
        for (a, b) in (0..7).flat_map(|a| (0..7).map(move |b| (a, b))).filter(|(a, b)| a != b) {
            let together = reaches(&all, a, b) && reaches(&all, b, a);
            let said = circles.iter().any(|group| group.contains(&version(a)) && group.contains(&version(b)));
            prop_assert_eq!(together, said, "{} and {}", a, b);
        }
        let up: BTreeSet<_> = hops.iter().map(|&(from, to)| (from.min(to), from.max(to))).collect();
        for (from, to) in hops {
            let dead = !listed.iter().any(|&update| reaches(&up, from.max(to), update));
            let hop = Hop { from: version(from), to: version(to) };
            prop_assert_eq!(dead, dangling.contains(&hop), "{}", hop);
        }
    }
}

/// Bottlerocket's rule: always the largest step, no second try.
fn greedy(manifest: &Manifest, from: u64, to: u64) -> Option<Vec<String>> {
    let (mut at, to) = (version(from), version(to));
    let mut path = Vec::new();
    while at != to {
        let steps =
            manifest.migrations.iter().filter(|(hop, _)| hop.from == at && hop.to <= to && hop.to > at);
        let (hop, names) = steps.max_by_key(|(hop, _)| hop.to.clone())?;
        path.extend(names.iter().cloned());
        at = hop.to.clone();
    }
    Some(path)
}

fn reaches(hops: &BTreeSet<(u64, u64)>, from: u64, to: u64) -> bool {
    let mut seen = BTreeSet::from([from]);
    while let Some(&(_, next)) = hops.iter().find(|(from, to)| seen.contains(from) && !seen.contains(to)) {
        seen.insert(next);
    }
    seen.contains(&to)
}

fn find(manifest: &Manifest, from: u64, to: u64) -> Option<Vec<String>> {
    let names = manifest.find_migrations(&version(from), &version(to)).ok()?;
    Some(names.into_iter().map(str::to_owned).collect())
}

/// One migration for each hop, named after it.
fn with(hops: &[(u64, u64)]) -> Manifest {
    let entry = |&(from, to): &(u64, u64)| {
        let hop = Hop { from: version(from), to: version(to) };
        let name = format!("{}-{}", hop.from, hop.to);
        (hop, vec![name])
    };
    Manifest { migrations: hops.iter().map(entry).collect(), ..Manifest::default() }
}

fn version(minor: u64) -> Version {
    Version::new(1, minor, 0)
}
