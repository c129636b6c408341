//! The figures behind a verdict, for `check --explain`: the sentence says it in words, a program wants the numbers.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{Candidate, Verdict};
use crate::policy::Wanted;
use crate::records::{Failed, Held};
use crate::{Host, Policy, Reason, Refusal, seconds, step, window};

/// What the rule that decided has compared, by key; empty where the sentence has it all.
pub fn facts(candidate: &Candidate, host: &Host, policy: &Policy, failed: &Failed) -> Map<String, Value> {
    let update = &candidate.update;
    let ours = update.updog.as_ref();
    let value = match &candidate.verdict {
        Verdict::Open { since } => turn(candidate, host, *since),
        Verdict::No(refusal) => match refusal.reason {
            Reason::Variant => json!({ "expected": host.variant, "found": update.variant }),
            Reason::Arch => json!({ "expected": host.arch, "found": update.arch }),
            Reason::Locked => wanted(policy, host),
            Reason::Yanked => halt(ours.and_then(|ours| ours.yanked.as_ref())),
            Reason::Paused => halt(ours.and_then(|ours| ours.paused.as_ref())),
            Reason::MaxVersion => json!({ "max_version": update.max_version }),
            Reason::NotNewer => json!({ "running": host.version, "max_version": update.max_version }),
            Reason::Floor => {
                let from = ours.and_then(|ours| ours.from.as_ref()).map(ToString::to_string);
                json!({ "running": host.version, "from": from })
            }
            Reason::FailedBefore => {
                let failure = ours.and_then(|ours| failed.find(&ours.release));
                json!({ "at": failure.map(|failure| seconds(failure.at)), "cause": failure.map(|f| &f.cause) })
            }
            Reason::Wave => turn(candidate, host, refusal.until),
            Reason::Soak => {
                let mut value = turn(candidate, host, update.rollout().opens_at(host.seed));
                set(&mut value, "soak_secs", json!(policy.soak.num_seconds()));
                value
            }
            // Rules that are no business of a list of releases.
            Reason::Window
            | Reason::Space
            | Reason::NoIndex
            | Reason::NotConfirmed
            | Reason::RunLock
            | Reason::Mode
            | Reason::ByHand
            | Reason::NeverTried
            | Reason::Deferred
            | Reason::Hook
            | Reason::Backoff
            | Reason::Inhibited
            | Reason::Coordinated
            | Reason::Untrusted
            | Reason::Clock => Value::Null,
        },
    };
    match value {
        Value::Object(facts) => facts,
        _ => Map::new(),
    }
}

/// This host's place in the rollout, as a line for people; `None`: no wave holds anybody back.
pub fn place(candidate: &Candidate, host: &Host) -> Option<String> {
    let rollout = candidate.update.rollout();
    let (wave, opens) = (rollout.wave(host.seed)?, rollout.opens_at(host.seed)?);
    Some(format!(
        "wave {} of {}: seeds {} to {}, {} to {}; seed {}: {}",
        wave.number,
        wave.of,
        wave.first,
        wave.last,
        seconds(wave.starts),
        seconds(wave.ends),
        host.seed,
        seconds(opens)
    ))
}

/// A rule that is asked after the offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// Which.
    pub reason: Reason,
    /// The step at which it is asked.
    pub step: &'static str,
    /// What it says now; `None`: it agrees, or it cannot be known before that step.
    pub refusal: Option<Refusal>,
}

/// The rules between an open release and the restart, in their order.
pub fn ahead(
    candidate: &Candidate,
    policy: &Policy,
    cancelled: Option<&Held>,
    now: DateTime<Utc>,
) -> Vec<Ahead> {
    let no_index = candidate.release().is_none().then(|| super::no_index(&candidate.update.version));
    let by_hand = candidate.release().and_then(|release| step::left_by_hand(cancelled, release));
    let by_hand =
        by_hand.map(|refusal| Ahead { reason: refusal.reason, step: "stage", refusal: Some(refusal) });
    let rules = [
        // Lengths of images stand in the indexes, which plan fetches.
        Ahead { reason: Reason::Space, step: "plan", refusal: None },
        Ahead { reason: Reason::NoIndex, step: "stage", refusal: no_index },
        Ahead { reason: Reason::NotConfirmed, step: "stage", refusal: None },
        Ahead {
            reason: Reason::Window,
            step: "restart",
            refusal: window::may_restart(&policy.windows, now).err(),
        },
    ];
    by_hand.into_iter().chain(rules).collect()
}

fn turn(candidate: &Candidate, host: &Host, opens: Option<DateTime<Utc>>) -> Value {
    let wave = candidate.update.rollout().wave(host.seed).map(|wave| {
        json!({
            "number": wave.number,
            "of": wave.of,
            "first_seed": wave.first,
            "last_seed": wave.last,
            "starts": seconds(wave.starts),
            "ends": seconds(wave.ends),
        })
    });
    json!({ "seed": host.seed.number(), "wave": wave, "opens": opens.map(seconds) })
}

fn wanted(policy: &Policy, host: &Host) -> Value {
    let (by, wanted) = match policy.wanted() {
        Wanted::Any => return Value::Null,
        Wanted::Version(version, by) => (by, version.to_string()),
        Wanted::Range(range) => ("version_lock", range.to_string()),
        Wanted::Running => ("version_lock", host.version.to_string()),
    };
    json!({ "by": by, "wanted": wanted })
}

fn halt(halt: Option<&release::manifest::Halt>) -> Value {
    json!({ "since": halt.map(|halt| seconds(halt.at)), "why": halt.map(|halt| &halt.reason) })
}

fn set(value: &mut Value, key: &str, more: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert(key.to_owned(), more);
    }
}
