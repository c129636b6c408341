//! Changes of a published update, what is remembered of them, and what hosts see otherwise.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use chrono::{DateTime, TimeDelta, Utc};
use release::manifest::{ChangeError, Effect, Event, Kind, MAX_EVENTS, Manifest, Reason, Restart, Update};
use release::{Version, VersionReq};
use serde_json::Value;
use waves::{Rollout, Seed, paused_until, sample};

use crate::manifest::ours;

#[test]
fn a_pause_keeps_the_times_and_resume_moves_what_had_not_opened() {
    let mut update = rolling();
    let before = update.rollout();
    let paused_at = day(3);
    assert_eq!(update.pause(paused_at, why("two hosts do not come back")), Ok(Effect::Changed));
    let halt = update.updog.as_ref().unwrap().paused.clone().unwrap();
    assert_eq!(
        (halt.at, halt.reason.as_str(), halt.is_final()),
        (paused_at, "two hosts do not come back", false)
    );
    assert_eq!(halt.waves(), Some(before.clone()));
    assert_eq!(update.rollout().closes_at(), Some(paused_until()));
    assert_eq!(update.pause(day(4), why("again")), Ok(Effect::Unchanged("paused")));
    for refused in [
        update.slow(day(4), "2".parse().unwrap(), Reason::default()),
        update.hurry(day(4), "2".parse().unwrap(), Reason::default()),
        update.set_waves(&before, Restart::Refuse, Event::new(day(4), "set normal", Reason::default())),
    ] {
        assert_eq!(refused, Err(ChangeError::Paused { since: paused_at }));
    }
    let early = update.resume(day(2), why("the clock is wrong"));
    assert_eq!(early, Err(ChangeError::BeforePause { since: paused_at, now: day(2) }));
    // Written and read in between, as in life.
    let mut update = again(update);
    assert_eq!(update.resume(day(5), why("bad cable")), Ok(Effect::Changed));
    assert_eq!(update.updog.as_ref().unwrap().paused, None);
    let after = update.rollout();
    assert_eq!(after.closes_at(), before.closes_at().map(|close| close + TimeDelta::days(2)));
    for seed in Seed::all() {
        let (was, is) = (before.opens_at(seed).unwrap(), after.opens_at(seed).unwrap());
        let expected = if was <= paused_at { was } else { was + TimeDelta::days(2) };
        assert!((is - expected).num_seconds().abs() <= 1, "seed {seed}: {is}, expected {expected}");
    }
    let done: Vec<(String, String)> = update
        .updog
        .as_ref()
        .unwrap()
        .history()
        .into_iter()
        .map(|event| (event.what, event.reason))
        .collect();
    let expected = [("pause", "two hosts do not come back"), ("resume", "bad cable")];
    assert_eq!(done, expected.map(|(what, reason)| (what.to_owned(), reason.to_owned())));
}

#[test]
fn a_halt_is_ended_by_new_waves_alone() {
    let mut update = rolling();
    update.halt(day(3), why("it eats disks")).unwrap();
    assert_eq!(update.resume(day(4), why("x")), Err(ChangeError::Halted { since: day(3) }));
    assert_eq!(update.pause(day(4), why("x")), Ok(Effect::Unchanged("halted")));
    let new = sample("slow").unwrap().schedule(day(6)).unwrap();
    let event = || Event::new(day(6), "set slow", why("fixed by firmware"));
    assert_eq!(update.set_waves(&new, Restart::Refuse, event()), Err(ChangeError::Halted { since: day(3) }));
    assert_eq!(update.set_waves(&new, Restart::EndPause, event()), Ok(Effect::Changed));
    assert_eq!((update.rollout(), update.updog.as_ref().unwrap().paused.clone()), (new, None));
    // A pause becomes a halt, and its times are gone.
    let mut paused = rolling();
    paused.pause(day(1), why("x")).unwrap();
    paused.halt(day(2), why("y")).unwrap();
    let halt = paused.updog.unwrap().paused.unwrap();
    assert_eq!((halt.is_final(), halt.waves(), halt.at), (true, None, day(2)));
}

#[test]
fn a_pause_by_another_tool_is_ended_only_where_its_times_are_known() {
    let mut update = rolling();
    update.pause(day(3), why("x")).unwrap();
    update.updog.as_mut().unwrap().paused.as_mut().unwrap().extra.clear();
    let before = update.clone();
    assert_eq!(update.resume(day(4), why("x")), Err(ChangeError::NoTimes));
    assert_eq!(update, before);
    // Damaged times are no times, and hide the release from nobody.
    let extra = &mut update.updog.as_mut().unwrap().paused.as_mut().unwrap().extra;
    extra.insert("waves".to_owned(), serde_json::json!({"0": "yesterday"}));
    let mut update = again(update);
    assert_eq!(update.resume(day(4), why("x")), Err(ChangeError::NoTimes));
    // One that moved no waves is ended as it is.
    let mut open = rolling();
    open.pause(day(30), why("all are open")).unwrap();
    let waves = open.waves.clone();
    assert_eq!(open.resume(day(40), why("x")), Ok(Effect::Changed));
    assert_eq!(open.waves, waves);
}

#[test]
fn where_nothing_is_left_to_change_nothing_is_remembered() {
    let mut update = rolling();
    let before = update.clone();
    let over = day(30);
    for effect in [
        update.slow(over, "2".parse().unwrap(), why("x")),
        update.hurry(over, "2".parse().unwrap(), why("x")),
        update.resume(over, why("x")),
        update.unyank(over, why("x")),
        update.set_from(over, None, why("x")),
    ] {
        assert!(matches!(effect, Ok(Effect::Unchanged(_))), "{effect:?}");
    }
    assert_eq!(update, before);
    let mut foreign = before;
    foreign.updog = None;
    assert_eq!(foreign.pause(over, why("x")), Err(ChangeError::NotOurs));
    assert_eq!(foreign.yank(over, why("x")), Err(ChangeError::NotOurs));
}

#[test]
fn the_history_is_bounded_and_survives_nonsense() {
    let mut update = rolling();
    for number in 0..2 * MAX_EVENTS {
        let at = day(0) + TimeDelta::minutes(i64::try_from(number).unwrap());
        update.slow(at, "1.01".parse().unwrap(), why(&format!("reason {number}"))).unwrap();
    }
    let history = update.updog.as_ref().unwrap().history();
    assert_eq!((history.len(), history[0].reason.as_str()), (MAX_EVENTS, "reason 32"));
    assert_eq!(history[0].what, "slow 1.01");
    update.updog.as_mut().unwrap().extra.insert("history".to_owned(), Value::Bool(true));
    let mut update = again(update);
    assert_eq!(update.updog.as_ref().unwrap().history(), []);
    update.yank(day(1), why("x")).unwrap();
    assert_eq!(update.updog.unwrap().history().len(), 1);
}

#[test]
fn reasons_are_one_line() {
    assert_eq!("  a cause ".parse::<Reason>().unwrap().to_string(), "a cause");
    for text in ["", "   ", "two\nlines", "\u{1b}[31mred", "\u{202e}egral", "a\u{2028}b", &"x".repeat(201)] {
        assert!(text.parse::<Reason>().is_err(), "{text:?}");
    }
}

#[test]
fn every_difference_is_named_once() {
    let before = ours();
    assert_eq!(before.differences(&before), []);
    let mut after = before.clone();
    let gone = after.updates.remove(0);
    let update = &mut after.updates[0];
    update.resume(day(3), why("x")).unwrap_err();
    update.halt(day(3), why("it eats disks")).unwrap();
    update.yank(day(3), why("it eats disks")).unwrap();
    update.set_from(day(3), Some(VersionReq::parse(">=1.2.0").unwrap()), why("x")).unwrap();
    update.waves = sample("normal").unwrap().schedule(day(0)).unwrap().keys().clone();
    update.max_version = Version::new(1, 9, 0);
    let ours = update.updog.as_mut().unwrap();
    ours.deltas.clear();
    ours.notes = "another".to_owned();
    let mut new = update.clone();
    new.version = Version::new(2, 0, 0);
    after.updates.push(new);
    after.migrations.remove(&"(1.1.0, 1.2.0)".parse().unwrap());
    after.migrations.insert("(1.10.0, 2.0.0)".parse().unwrap(), vec!["m".to_owned()]);
    let kinds: Vec<Kind> = after.differences(&before).iter().map(|difference| difference.kind).collect();
    assert_eq!(
        kinds,
        [
            Kind::Waves,
            Kind::From,
            Kind::Paused,
            Kind::Yanked,
            Kind::Deltas,
            Kind::Notes,
            Kind::Added,
            Kind::Removed,
            Kind::MaxVersion,
            Kind::Migration,
            Kind::Migration,
        ]
    );
    let lines: Vec<String> = after.differences(&before).iter().map(ToString::to_string).collect();
    assert!(lines.contains(&"halted: container x86_64 1.10.0, it eats disks".to_owned()), "{lines:?}");
    assert!(lines.contains(&format!("removed: container x86_64 {}", gone.version)), "{lines:?}");
    assert!(
        lines.contains(&"max_version of container x86_64: 1.9.0 (before: 1.10.0)".to_owned()),
        "{lines:?}"
    );
    // All that is new is added, all that is gone removed.
    let all = before.differences(&Manifest::default());
    assert_eq!(all.iter().filter(|difference| difference.kind == Kind::Added).count(), 2);
    let json = serde_json::to_value(&all[0]).unwrap();
    assert_eq!((json["kind"].as_str(), json["was"].is_null()), (Some("added"), true));
}

#[test]
fn hosts_are_called_down_from_a_yanked_release_above_the_maximum() {
    let mut manifest = ours();
    manifest.updates.iter_mut().for_each(|update| update.max_version = Version::new(1, 9, 0));
    assert_eq!(manifest.check().len(), 1);
    manifest.updates[1].yank(day(0), why("it eats disks")).unwrap();
    assert_eq!(manifest.check(), []);
}

/// An update of ours in the middle of `normal`, which began on day 0.
fn rolling() -> Update {
    let mut update = ours().updates.remove(0);
    let rollout: Rollout = sample("normal").unwrap().schedule(day(0)).unwrap();
    update.waves.clone_from(rollout.keys());
    update
}

/// Written and read.
fn again(update: Update) -> Update {
    let manifest = Manifest { updates: vec![update], ..Manifest::default() };
    Manifest::parse(&manifest.encode().unwrap()).unwrap().updates.remove(0)
}

fn why(text: &str) -> Reason {
    text.parse().unwrap()
}

fn day(number: i64) -> DateTime<Utc> {
    "2026-03-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::days(number)
}
