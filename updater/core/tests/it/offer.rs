//! Which release a host is offered, and which rule is against the others.

use chrono::{DateTime, TimeDelta, Utc};
use release::manifest::{Halt, Update};
use serde_json::Map;
use updater_core::records::{Failed, Failure};
use updater_core::{NoOffer, Offer, Policy, Reason, Verdict, VersionLock, candidates, offer};
use waves::Seed;

use crate::world::{at, host, manifest, release, update};

fn now() -> DateTime<Utc> {
    at("2026-01-02T00:00:00Z")
}

fn ask(running: &str, updates: &[Update], policy: &Policy) -> Result<Offer, NoOffer> {
    let (host, failed) = (host(running), Failed::default());
    offer(&candidates(&manifest(updates.to_vec()), &host, policy, &failed, now()), &host, policy)
}

fn halt() -> Halt {
    Halt { at: at("2026-01-01T00:00:00Z"), reason: "it eats disks".to_owned(), extra: Map::new() }
}

fn lock(version: &str) -> Policy {
    Policy { version_lock: version.parse::<VersionLock>().unwrap(), ..Policy::default() }
}

fn to(version: &str) -> Policy {
    Policy { to: Some(version.parse().unwrap()), ..Policy::default() }
}

/// One update, one rule against it, and what takes the rule away.
pub(crate) fn cases() -> Vec<(Update, Policy, Option<Reason>)> {
    let plain = Policy::default();
    let with = |change: &dyn Fn(&mut Update)| {
        let mut update = update("1.1.0");
        change(&mut update);
        update
    };
    let ours = |change: &dyn Fn(&mut release::manifest::Ours)| {
        with(&|update| change(update.updog.as_mut().unwrap()))
    };
    let waves = [(0, at("2026-01-01T00:00:00Z")), (2048, at("2026-01-05T00:00:00Z"))];
    vec![
        (update("1.1.0"), plain.clone(), None),
        (with(&|update| update.variant = "other".into()), plain.clone(), Some(Reason::Variant)),
        (with(&|update| update.arch = "riscv64".into()), plain.clone(), Some(Reason::Arch)),
        (update("1.1.0"), lock("1.2.0"), Some(Reason::Locked)),
        (update("1.1.0"), lock("1.1.0"), None),
        (update("1.1.0"), lock("current"), Some(Reason::Locked)),
        (update("1.1.0"), lock("~1.1"), None),
        (update("1.1.0"), lock(">=1, <2"), None),
        (update("1.1.0"), lock("~1.2"), Some(Reason::Locked)),
        (update("1.1.0-rc.1"), lock(">=1, <2"), Some(Reason::Locked)),
        (update("0.9.0"), Policy { allow_downgrade: true, ..lock("~0.9") }, None),
        (update("0.9.0"), Policy { allow_downgrade: true, ..lock("<2") }, Some(Reason::NotNewer)),
        (update("1.1.0"), Policy { to: to("1.1.0").to, ..lock("current") }, None),
        (update("1.1.0"), Policy { to: to("1.1.0").to, ..lock("1.2.0") }, None),
        (update("1.1.0"), to("1.2.0"), Some(Reason::Locked)),
        (ours(&|ours| ours.yanked = Some(halt())), to("1.1.0"), Some(Reason::Yanked)),
        (
            with(&|update| update.max_version = "1.0.5".parse().unwrap()),
            plain.clone(),
            Some(Reason::MaxVersion),
        ),
        (update("1.0.0"), plain.clone(), Some(Reason::NotNewer)),
        (update("1.0.0"), Policy { reinstall: true, ..plain.clone() }, None),
        (update("0.9.0"), plain.clone(), Some(Reason::NotNewer)),
        (update("0.9.0"), Policy { allow_downgrade: true, ..plain.clone() }, Some(Reason::NotNewer)),
        (update("0.9.0"), lock("0.9.0"), Some(Reason::NotNewer)),
        (update("0.9.0"), Policy { allow_downgrade: true, ..lock("0.9.0") }, None),
        (update("0.9.0"), Policy { allow_downgrade: true, ..to("0.9.0") }, None),
        (ours(&|ours| ours.from = Some(">=1.0.5".parse().unwrap())), plain.clone(), Some(Reason::Floor)),
        (ours(&|ours| ours.from = Some(">=1.0.0".parse().unwrap())), plain.clone(), None),
        (ours(&|ours| ours.paused = Some(halt())), plain.clone(), Some(Reason::Paused)),
        (
            ours(&|ours| ours.paused = Some(halt())),
            Policy { ignore_waves: true, ..plain.clone() },
            Some(Reason::Paused),
        ),
        (ours(&|ours| ours.paused = Some(halt())), Policy { ignore_waves: true, ..to("1.1.0") }, None),
        (with(&|update| update.waves = waves.into()), plain.clone(), Some(Reason::Wave)),
        (with(&|update| update.waves = waves.into()), to("1.1.0"), Some(Reason::Wave)),
        (with(&|update| update.waves = waves.into()), Policy { ignore_waves: true, ..plain.clone() }, None),
        (
            with(&|update| update.waves = [(0, at("2026-01-01T00:00:00Z"))].into()),
            Policy { soak: TimeDelta::days(2), ..plain.clone() },
            Some(Reason::Soak),
        ),
        // Without an index it is offered; only staging it is refused.
        (with(&|update| update.updog = None), plain, None),
    ]
}

pub(crate) fn reason(running: &str, update: Update, policy: &Policy) -> Option<Reason> {
    ask(running, &[update], policy).err().map(|none| none.refusal.reason)
}

#[test]
fn each_rule_refuses_and_says_so() {
    for (number, (update, policy, expected)) in cases().into_iter().enumerate() {
        assert_eq!(reason("1.0.0", update, &policy), expected, "case {number}");
    }
}

#[test]
fn a_wave_says_when_it_opens_and_opens_then() {
    let mut update = update("1.1.0");
    update.waves = [(0, at("2026-01-02T00:00:00Z")), (2048, at("2026-01-02T02:00:00Z"))].into();
    let (policy, host) = (Policy::default(), host("1.0.0"));
    let manifest = manifest([update]);
    let ask = |now| offer(&candidates(&manifest, &host, &policy, &Failed::default(), now), &host, &policy);
    let none = ask(now()).unwrap_err();
    // Seed 1024 of 2048: the middle.
    assert_eq!(none.refusal.until, Some(at("2026-01-02T01:00:00Z")));
    assert_eq!(none.to_string(), "1.1.0 opens for seed 1024 at 2026-01-02T01:00:00Z (wave 1 of 1)");
    assert_eq!(none.exit().code(), 11);
    assert!(ask(at("2026-01-02T00:59:59Z")).is_err());
    assert_eq!(ask(at("2026-01-02T01:00:00Z")).unwrap().since(), Some(at("2026-01-02T01:00:00Z")));
}

#[test]
fn soak_waits_from_this_hosts_turn_on() {
    let mut waiting = update("1.1.0");
    waiting.waves = [(0, at("2025-12-31T00:00:00Z"))].into();
    let policy = Policy { soak: TimeDelta::days(3), ..Policy::default() };
    let none = ask("1.0.0", std::slice::from_ref(&waiting), &policy).unwrap_err();
    assert_eq!((none.refusal.reason, none.refusal.until), (Reason::Soak, Some(at("2026-01-03T00:00:00Z"))));
    let short = Policy { soak: TimeDelta::days(2), ..Policy::default() };
    assert!(ask("1.0.0", &[waiting], &short).is_ok());
    // No waves, no time to count from.
    assert!(ask("1.0.0", &[update("1.1.0")], &policy).is_ok());
}

fn after_failure(update: Update, policy: &Policy) -> Result<Offer, NoOffer> {
    let mut failed = Failed::default();
    failed.remember(Failure {
        release: release("1.1.0"),
        version: Some("1.1.0".to_owned()),
        at: now(),
        cause: "was rolled back".to_owned(),
        extra: Map::new(),
    });
    let host = host("1.0.0");
    offer(&candidates(&manifest([update]), &host, policy, &failed, now()), &host, policy)
}

pub(crate) fn failed_before() -> Reason {
    after_failure(update("1.1.0"), &Policy::default()).unwrap_err().refusal.reason
}

#[test]
fn a_failed_release_is_known_by_its_id_and_not_by_its_version() {
    let none = after_failure(update("1.1.0"), &Policy::default()).unwrap_err();
    assert_eq!(none.refusal.reason, Reason::FailedBefore);
    assert_eq!(none.to_string(), "1.1.0 was rolled back at 2026-01-02T00:00:00Z");
    assert!(after_failure(update("1.1.0"), &Policy { retry: true, ..Policy::default() }).is_ok());
    let mut rebuilt = update("1.1.0");
    rebuilt.updog.as_mut().unwrap().release = release("1.1.0, built again");
    assert!(after_failure(rebuilt, &Policy::default()).is_ok());
}

#[test]
fn a_recalled_host_goes_down_only_when_allowed_and_never_up_and_down() {
    let called_back = |version: &str| {
        let mut update = update(version);
        update.max_version = "1.1.0".parse().unwrap();
        update
    };
    let updates = [called_back("1.0.0"), called_back("1.1.0"), called_back("1.2.0")];
    let none = ask("1.2.0", &updates, &Policy::default()).unwrap_err();
    assert_eq!(none.refusal.reason, Reason::NotNewer);
    assert!(none.to_string().contains("called back"), "{none}");
    let allowed = Policy { allow_downgrade: true, ..Policy::default() };
    assert_eq!(ask("1.2.0", &updates, &allowed).unwrap().version().to_string(), "1.1.0");
    assert!(ask("1.1.0", &updates, &allowed).is_err());
}

#[test]
fn the_newest_open_release_is_offered_and_the_closest_refusal_told() {
    let mut waiting = update("1.3.0");
    waiting.waves = [(0, at("2026-02-01T00:00:00Z"))].into();
    let updates = [update("1.1.0"), update("1.2.0"), waiting.clone(), update("1.0.0")];
    let (host_, policy) = (host("1.0.0"), Policy::default());
    let listed = candidates(&manifest(updates.to_vec()), &host_, &policy, &Failed::default(), now());
    let versions: Vec<String> = listed.iter().map(|candidate| candidate.update.version.to_string()).collect();
    assert_eq!(versions, ["1.3.0", "1.2.0", "1.1.0", "1.0.0"]);
    assert_eq!(offer(&listed, &host_, &policy).unwrap().version().to_string(), "1.2.0");
    // On 1.2.0 the wave of 1.3.0 is what counts, not that 1.1.0 is old.
    assert_eq!(ask("1.2.0", &updates, &policy).unwrap_err().refusal.reason, Reason::Wave);
    assert_eq!(ask("1.2.0", &[], &policy).unwrap_err().refusal.reason, Reason::NotNewer);
    let none = ask("1.0.0", &updates, &lock("1.0.0")).unwrap_err();
    assert_eq!(none.refusal.reason, Reason::NotNewer);
    let none = ask("1.0.0", &updates, &lock("2.0.0")).unwrap_err();
    assert_eq!(none.to_string(), "version_lock asks for 2.0.0, which is not published for this host");
}

/// An offer, once installed, is never offered again, whatever the seed: no host runs in circles.
#[test]
fn installing_what_is_offered_comes_to_an_end() {
    let mut updates: Vec<Update> = ["0.9.0", "1.0.0", "1.1.0", "1.2.0"].map(update).into();
    updates[3].max_version = "1.1.0".parse().unwrap();
    for update in &mut updates[1..] {
        update.updog.as_mut().unwrap().from = Some(">=0.9.0".parse().unwrap());
    }
    let policies = [
        Policy::default(),
        Policy { allow_downgrade: true, ..Policy::default() },
        Policy { allow_downgrade: true, ..lock("0.9.0") },
        Policy { allow_downgrade: true, ignore_waves: true, ..lock("1.0.0") },
        Policy { allow_downgrade: true, ..lock("~1.0") },
        Policy { allow_downgrade: true, ..lock(">=0.9, <1.2") },
        Policy { allow_downgrade: true, ..lock("current") },
    ];
    for policy in &policies {
        for start in ["0.9.0", "1.0.0", "1.1.0", "1.2.0", "2.0.0"] {
            for seed in [0, 1, 1024, 2047] {
                let mut host = host(start);
                host.seed = Seed::new(seed).unwrap();
                let mut hops = 0;
                while let Ok(offer) = offer(
                    &candidates(&manifest(updates.clone()), &host, policy, &Failed::default(), now()),
                    &host,
                    policy,
                ) {
                    host.version = offer.version().clone();
                    hops += 1;
                    assert!(hops <= 2, "{start} {policy:?}");
                }
            }
        }
    }
}

#[test]
fn candidates_never_lose_a_release() {
    let updates: Vec<Update> = ["1.0.0", "1.1.0", "1.1.0", "0.1.0"].map(update).into();
    let listed =
        candidates(&manifest(updates), &host("1.0.0"), &Policy::default(), &Failed::default(), now());
    assert_eq!(listed.len(), 4);
    let open = listed.iter().filter(|candidate| matches!(candidate.verdict, Verdict::Open { .. })).count();
    assert_eq!(open, 2);
}
