//! When a host by itself asks again: later and later after looks in vain, and not all hosts at once.

use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::host::{Host, NOW, flags, write};
use crate::online::{Served, unserved};

fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

fn checked(host: &Host) -> Value {
    serde_json::from_slice(&fs::read(host.state().join("checked.json")).unwrap()).unwrap()
}

/// As a turn in vain has left it.
fn in_vain(host: &Host, failures: u32, next: DateTime<Utc>) {
    let record = json!({ "format": 1, "at": NOW, "exit": 20, "failures": failures, "next": next });
    write(host.state().join("checked.json"), record.to_string());
}

#[test]
fn before_its_time_auto_asks_nobody_and_check_does() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let until = now() + TimeDelta::minutes(30);
    in_vain(&served.host, 3, until);
    let answer = served.host.json(&["auto"]);
    assert_eq!((&answer["exit"], &answer["reason"]), (&json!(0), &json!("backoff")), "{answer}");
    assert_eq!(answer["data"]["until"], "2026-01-02T03:34:05Z");
    let said =
        "the repository was asked in vain 3 times in a row; it is asked again from 2026-01-02T03:34:05Z on";
    assert_eq!(answer["message"], said);
    assert_eq!(served.server.log().len(), 0);
    assert_eq!(checked(&served.host)["failures"], 3, "waiting is no failure");
    // What is typed is done, and takes the wait away.
    assert_eq!(served.host.updog(&["check"]).code, 0);
    assert_eq!(served.host.updog(&["auto"]).code, 0);
    assert_eq!(flags(&served.host.slots()), "1/7/1 2/3/0");
}

#[test]
fn its_time_has_come() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    in_vain(&served.host, 3, now());
    assert_eq!(served.host.updog(&["auto"]).code, 0);
    assert_eq!(flags(&served.host.slots()), "1/7/1 2/3/0");
    assert_eq!(
        (&checked(&served.host)["failures"], &checked(&served.host)["next"]),
        (&json!(0), &Value::Null)
    );
}

/// A clock that was ahead has written it.
#[test]
fn a_time_beyond_every_wait_is_not_waited_for() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    in_vain(&served.host, 3, now() + TimeDelta::days(400));
    assert_eq!(served.host.updog(&["auto"]).code, 0);
    assert_eq!(flags(&served.host.slots()), "1/7/1 2/3/0");
}

#[test]
fn turns_in_vain_wait_within_their_limits() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let plain = fs::read_to_string(served.host.config()).unwrap();
    let nobody: Vec<String> = plain.lines().map(unserved).collect();
    write(served.host.config(), format!("backoff = \"10m\"\nbackoff_max = \"15m\"\n{}", nobody.join("\n")));
    let mut longest = TimeDelta::zero();
    for failures in 1..9 {
        let said = served.host.updog(&["auto"]);
        assert_eq!(said.code, 20, "{said:?}");
        let record = checked(&served.host);
        assert_eq!(record["failures"], failures);
        let next: DateTime<Utc> = record["next"].as_str().unwrap().parse().unwrap();
        let most = TimeDelta::minutes(if failures == 1 { 10 } else { 15 });
        assert!(next >= now() && next - now() <= most, "{next}");
        assert_eq!(next.timestamp_subsec_nanos(), 0, "{next}");
        longest = longest.max(next - now());
        // As if its time had come.
        in_vain(&served.host, failures, now());
    }
    // Eight waits of at most 15 minutes, all of them under one: once in ten to the ninth.
    assert!(longest > TimeDelta::minutes(1), "{longest}");
}

/// The metadata is there and the frames are not: this counts as well.
#[test]
fn what_was_seen_and_could_not_be_had_counts() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let frames = served.host.path("served/targets");
    let mut gone = 0;
    for entry in fs::read_dir(&frames).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().ends_with(".img.zst") {
            fs::remove_file(path).unwrap();
            gone += 1;
        }
    }
    assert_eq!(gone, 3);
    let said = served.host.updog(&["auto"]);
    let failures = checked(&served.host)["failures"].as_u64().unwrap();
    assert_eq!(failures > 0, said.code == 20, "{said:?}");
    assert_ne!(said.code, 0, "{said:?}");
}

#[test]
fn jitter_begins_within_its_time_and_only_when_asked() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let plain = fs::read_to_string(served.host.config()).unwrap();
    // Far longer than this test may take: a typed `auto` does not wait.
    write(served.host.config(), format!("jitter = \"3650d\"\n{plain}"));
    assert_eq!(served.host.updog(&["auto"]).code, 0);
    write(served.host.config(), format!("jitter = 0\n{plain}"));
    let said = served.host.updog(&["auto", "--jitter"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "slot B (1.1.0) is armed\n"), "{said:?}");
    assert!(said.stderr.contains("beginning in 0 s."), "{said:?}");
}
