//! `check --explain`: one release for each rule, with the figures that decided.

use chrono::{DateTime, TimeDelta, Utc};
use release::manifest::{Halt, Ours, Update};
use serde_json::{Map, Value, json};
use updater_core::records::{Failed, Failure};
use updater_core::{Candidate, Policy, Reason, Verdict, Window, candidates, explain};

use crate::world::{at, host, manifest, release, update};

fn now() -> DateTime<Utc> {
    at("2026-01-02T00:00:00Z")
}

fn halt() -> Halt {
    Halt { at: at("2026-01-01T00:00:00Z"), reason: "it eats disks".to_owned(), extra: Map::new() }
}

fn failed() -> Failed {
    let mut failed = Failed::default();
    failed.remember(Failure {
        release: release("1.9.0"),
        version: Some("1.9.0".to_owned()),
        at: at("2026-01-01T12:00:00Z"),
        cause: "was rolled back: verity".to_owned(),
        extra: Map::new(),
    });
    failed
}

fn ask(update: Update, policy: &Policy) -> Candidate {
    candidates(&manifest([update]), &host("1.0.0"), policy, &failed(), now()).remove(0)
}

fn reason(candidate: &Candidate) -> Option<Reason> {
    match &candidate.verdict {
        Verdict::Open { .. } => None,
        Verdict::No(refusal) => Some(refusal.reason),
    }
}

fn with(version: &str, change: impl FnOnce(&mut Update)) -> Update {
    let mut update = update(version);
    change(&mut update);
    update
}

fn ours(change: impl FnOnce(&mut Ours)) -> Update {
    with("1.1.0", |update| change(update.updog.as_mut().unwrap()))
}

/// A release, what decides about it, and the figures.
fn table() -> Vec<(Update, Policy, Option<Reason>, Value)> {
    let plain = Policy::default;
    let open = json!({ "seed": 1024, "wave": null, "opens": null });
    let named = |version: &str| Policy { to: Some(version.parse().unwrap()), ..plain() };
    let locked = |lock: &str| Policy { version_lock: lock.parse().unwrap(), ..plain() };
    let held = json!({ "since": "2026-01-01T00:00:00Z", "why": "it eats disks" });
    vec![
        (update("1.1.0"), plain(), None, open.clone()),
        (with("1.1.0", |update| update.updog = None), plain(), None, open),
        (
            with("1.1.0", |update| update.variant = "other".into()),
            plain(),
            Some(Reason::Variant),
            json!({ "expected": "tiny", "found": "other" }),
        ),
        (
            with("1.1.0", |update| update.arch = "riscv64".into()),
            plain(),
            Some(Reason::Arch),
            json!({ "expected": "x86_64", "found": "riscv64" }),
        ),
        (
            update("1.1.0"),
            locked("~1.2"),
            Some(Reason::Locked),
            json!({ "by": "version_lock", "wanted": "~1.2" }),
        ),
        (
            update("1.1.0"),
            locked("current"),
            Some(Reason::Locked),
            json!({ "by": "version_lock", "wanted": "1.0.0" }),
        ),
        (update("1.1.0"), named("1.2.0"), Some(Reason::Locked), json!({ "by": "--to", "wanted": "1.2.0" })),
        (ours(|ours| ours.yanked = Some(halt())), plain(), Some(Reason::Yanked), held.clone()),
        (
            with("1.1.0", |update| update.max_version = "1.0.5".parse().unwrap()),
            plain(),
            Some(Reason::MaxVersion),
            json!({ "max_version": "1.0.5" }),
        ),
        (
            update("0.9.0"),
            plain(),
            Some(Reason::NotNewer),
            json!({ "running": "1.0.0", "max_version": "9.0.0" }),
        ),
        (
            ours(|ours| ours.from = Some(">=1.0.5".parse().unwrap())),
            plain(),
            Some(Reason::Floor),
            json!({ "running": "1.0.0", "from": ">=1.0.5" }),
        ),
        (
            update("1.9.0"),
            plain(),
            Some(Reason::FailedBefore),
            json!({ "at": "2026-01-01T12:00:00Z", "cause": "was rolled back: verity" }),
        ),
        (ours(|ours| ours.paused = Some(halt())), plain(), Some(Reason::Paused), held),
    ]
}

/// The same where the rollout decides.
fn turns() -> Vec<(Update, Policy, Option<Reason>, Value)> {
    let plain = Policy::default;
    let waves = |from: &str, to: &str| [(0, at(from)), (512, at(to)), (2048, at("2026-01-09T00:00:00Z"))];
    let late = waves("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z");
    let early = waves("2025-12-01T00:00:00Z", "2025-12-02T00:00:00Z");
    let wave = |starts: &str| {
        json!({
            "number": 2, "of": 2, "first_seed": 512, "last_seed": 2047,
            "starts": starts, "ends": "2026-01-09T00:00:00Z",
        })
    };
    vec![
        (
            with("1.1.0", |update| update.waves = late.into()),
            plain(),
            Some(Reason::Wave),
            json!({ "seed": 1024, "wave": wave("2026-01-03T00:00:00Z"), "opens": "2026-01-05T00:00:00Z" }),
        ),
        (
            with("1.1.0", |update| update.waves = early.into()),
            Policy { soak: TimeDelta::days(60), ..plain() },
            Some(Reason::Soak),
            json!({
                "seed": 1024, "wave": wave("2025-12-02T00:00:00Z"), "opens": "2025-12-14T16:00:00Z",
                "soak_secs": 60 * 86_400,
            }),
        ),
    ]
}

#[test]
fn every_rule_over_releases_tells_its_figures() {
    for (number, (update, policy, expected, figures)) in table().into_iter().chain(turns()).enumerate() {
        let candidate = ask(update, &policy);
        assert_eq!(reason(&candidate), expected, "case {number}");
        let facts = explain::facts(&candidate, &host("1.0.0"), &policy, &failed());
        assert_eq!(Value::Object(facts), figures, "case {number}: {expected:?}");
    }
}

/// Whatever the rules can say about a release stands in the table above.
#[test]
fn no_rule_over_releases_is_missing() {
    let told: Vec<Option<Reason>> =
        table().into_iter().chain(turns()).map(|(_, _, reason, _)| reason).collect();
    for (update, policy, _) in crate::offer::cases() {
        let reason = reason(&ask(update, &policy));
        assert!(told.contains(&reason), "{reason:?}");
    }
}

#[test]
fn the_place_in_a_rollout_is_one_line() {
    let waves = [(0, at("2026-01-02T00:00:00Z")), (2048, at("2026-01-02T02:00:00Z"))];
    let candidate = ask(with("1.1.0", |update| update.waves = waves.into()), &Policy::default());
    assert_eq!(
        explain::place(&candidate, &host("1.0.0")).as_deref(),
        Some(
            "wave 1 of 1: seeds 0 to 2047, 2026-01-02T00:00:00Z to 2026-01-02T02:00:00Z; seed 1024: 2026-01-02T01:00:00Z"
        )
    );
    assert_eq!(explain::place(&ask(update("1.1.0"), &Policy::default()), &host("1.0.0")), None);
}

#[test]
fn rules_after_the_offer_are_named_with_their_step() {
    let night = Window {
        days: vec![chrono::Weekday::Fri],
        start: "03:00:00".parse().unwrap(),
        end: "04:00:00".parse().unwrap(),
        zone: chrono_tz::Tz::UTC,
    };
    let policy = Policy { windows: vec![night], ..Policy::default() };
    let ahead = |update: Update| {
        let listed = explain::ahead(&ask(update, &policy), &policy, None, now());
        let said = |ahead: explain::Ahead| {
            (ahead.reason, ahead.step, ahead.refusal.map(|refusal| (refusal.reason, refusal.until)))
        };
        listed.into_iter().map(said).collect::<Vec<_>>()
    };
    let waits = Some((Reason::Window, Some(at("2026-01-02T03:00:00Z"))));
    let expected = |no_index| {
        vec![
            (Reason::Space, "plan", None),
            (Reason::NoIndex, "stage", no_index),
            (Reason::NotConfirmed, "stage", None),
            (Reason::Window, "restart", waits),
        ]
    };
    assert_eq!(ahead(update("1.1.0")), expected(None));
    let without = with("1.1.0", |update| update.updog = None);
    assert_eq!(ahead(without), expected(Some((Reason::NoIndex, None))));
}
