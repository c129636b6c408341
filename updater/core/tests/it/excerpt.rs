//! What a host keeps of a manifest answers as the whole manifest does.

use proptest::prelude::*;
use proptest::sample::select;
use release::Digest;
use release::manifest::{Halt, Manifest, Update};
use serde_json::Map;
use updater_core::records::{Excerpt, Failed, Failure, Record};
use updater_core::{Host, Policy, candidates, excerpt, offer};

use crate::world::{at, host, manifest, release, update};

const VERSIONS: [&str; 6] = ["0.9.0", "1.0.0-rc.1", "1.0.0", "1.0.0+b", "1.1.0", "2.0.0"];

fn an_update() -> impl Strategy<Value = Update> {
    let often = |often: u32| prop::bool::weighted(1.0 / f64::from(often));
    let max = prop_oneof![3 => Just("9.0.0"), 1 => select(VERSIONS.to_vec())];
    let from = prop_oneof![4 => Just(None), 1 => Just(Some(">=1.0.0")), 1 => Just(Some(">=1.1.0"))];
    let wave = prop_oneof![2 => Just(None), 1 => (0u32..2048, 1..5i64).prop_map(Some)];
    let flags = (often(5), often(5), often(6), often(6), often(6));
    (select(VERSIONS.to_vec()), max, from, wave, flags).prop_map(
        |(version, max, from, wave, (yanked, paused, other, arch, bare))| {
            let mut update = update(version);
            update.max_version = max.parse().unwrap();
            let halt =
                || Halt { at: at("2026-01-01T00:00:00Z"), reason: "it eats disks".into(), extra: Map::new() };
            let ours = update.updog.as_mut().unwrap();
            ours.yanked = yanked.then(halt);
            ours.paused = paused.then(halt);
            ours.from = from.map(|from| from.parse().unwrap());
            if let Some((first, day)) = wave {
                let starts = at("2026-01-01T00:00:00Z");
                let ends = starts + chrono::TimeDelta::days(day);
                update.waves = [(first, starts), (2048, ends)].into();
            }
            if other {
                update.variant = "other".into();
            }
            if arch {
                update.arch = "other".into();
            }
            if bare {
                update.updog = None;
            }
            update
        },
    )
}

fn a_policy() -> impl Strategy<Value = Policy> {
    (any::<[bool; 4]>(), 0..3i64).prop_map(|([ignore_waves, retry, reinstall, allow_downgrade], soak)| {
        Policy {
            ignore_waves,
            retry,
            reinstall,
            allow_downgrade,
            soak: chrono::TimeDelta::days(soak),
            ..Policy::default()
        }
    })
}

fn failed(version: Option<&str>) -> Failed {
    let mut failed = Failed::default();
    failed.releases.extend(version.map(|version| Failure {
        release: release(version),
        version: Some(version.to_owned()),
        at: at("2026-01-01T00:00:00Z"),
        cause: "kernel_or_init".to_owned(),
        extra: Map::new(),
    }));
    failed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn it_answers_as_the_whole(
        updates in prop::collection::vec(an_update(), 0..8),
        running in select(VERSIONS.to_vec()),
        policy in a_policy(),
        failure in prop::option::of(select(VERSIONS.to_vec())),
        day in 0..6i64,
    ) {
        let (all, host, failed) = (manifest(updates), host(running), failed(failure));
        prop_assert!(!policy.names_a_version());
        if let Some(part) = excerpt(&all, &host) {
            let now = at("2026-01-01T12:00:00Z") + chrono::TimeDelta::days(day);
            let ask = |manifest| offer(&candidates(manifest, &host, &policy, &failed, now), &host, &policy);
            prop_assert_eq!(ask(&part), ask(&all));
            let same = |update: &&Update| (&update.variant, &update.arch) == (&host.variant, &host.arch);
            let published = |manifest: &Manifest| manifest.updates.iter().filter(same)
                .find(|update| update.version == host.version).cloned();
            prop_assert_eq!(published(&part), published(&all), "the base of deltas");
        }
    }
}

#[test]
fn a_host_that_runs_the_newest_keeps_one_of_many() {
    let many = manifest(VERSIONS.map(update));
    let versions = |part: Option<Manifest>| {
        part.map(|part| part.updates.iter().map(|update| update.version.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(versions(excerpt(&many, &host("2.0.0"))), Some(vec!["2.0.0".to_owned()]));
    assert_eq!(versions(excerpt(&many, &host("1.1.0"))).unwrap().len(), 2);
    assert_eq!(versions(excerpt(&many, &host("3.0.0"))), None, "what runs is not listed");
    let with = |change: fn(&mut Update), place: usize| {
        let mut updates = VERSIONS.map(update);
        change(&mut updates[place]);
        versions(excerpt(&manifest(updates), &host("2.0.0")))
    };
    assert_eq!(with(|update| update.max_version = "1.1.0".parse().unwrap(), 5), None, "it is above its own");
    assert_eq!(
        with(|update| update.max_version = "1.1.0".parse().unwrap(), 0),
        None,
        "a lower one calls it back"
    );
    let yank = |update: &mut Update| {
        let halt = Halt { at: at("2026-01-01T00:00:00Z"), reason: String::new(), extra: Map::new() };
        update.updog.as_mut().unwrap().yanked = Some(halt);
    };
    assert_eq!(with(yank, 5), None, "it is yanked");
    assert_eq!(with(yank, 4).unwrap().len(), 1);
}

#[test]
fn a_record_is_for_one_manifest_and_one_host() {
    let (many, running) = (manifest(VERSIONS.map(update)), host("1.1.0"));
    let of = Digest::of(b"many");
    let kept = Excerpt::of(of, &many, &running).unwrap();
    let bytes = kept.encode().unwrap();
    assert_eq!(Excerpt::parse(&bytes).unwrap(), kept);
    assert_eq!(kept.manifest(of, &running), excerpt(&many, &running));
    assert_eq!(
        kept.manifest(of, &Host { seed: waves::Seed::new(1).unwrap(), ..running.clone() }),
        excerpt(&many, &running)
    );
    for other in [
        host("1.0.0"),
        Host { variant: "other".into(), ..running.clone() },
        Host { arch: "other".into(), ..running.clone() },
    ] {
        assert_eq!(kept.manifest(of, &other), None, "{other:?}");
    }
    assert_eq!(kept.manifest(Digest::of(b"others"), &running), None);
    // A changed byte makes it nothing, or leaves what it says.
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        let said = Excerpt::parse(&bytes).ok().and_then(|kept| kept.manifest(of, &running));
        assert!(said.is_none() || said == excerpt(&many, &running), "byte {at}");
    }
}

#[test]
fn a_host_that_is_far_behind_keeps_none() {
    let many = |releases: u64| manifest((0..releases).map(|number| update(&format!("1.{number}.0"))));
    let kept = |releases, running| Excerpt::of(Digest::of(b"many"), &many(releases), &host(running));
    assert!(kept(500, "1.0.0").is_none());
    assert!(kept(500, "1.480.0").is_some());
    assert!(kept(20, "1.0.0").is_some());
}
