//! An answer to every why: `check --explain` in text and JSON, what `status` says beside its five lines, and the record of the
//! last look.

use std::fs;

use serde_json::{Value, json};

use crate::host::{Host, NOW, write};
use crate::online::{Served, halt, unserved, waves};

#[test]
fn explain_lists_every_release_with_its_rule() {
    let mut served = Served::new();
    served.publish("1.3.0", waves);
    served.publish("1.2.0", |update| update.updog.as_mut().unwrap().paused = Some(halt()));
    served.publish("1.1.0", |_| ());
    served.publish("0.9.0", |_| ());
    let plain = fs::read_to_string(served.host.config()).unwrap();
    let windows = "[[windows]]\ndays = [\"fri\"]\nstart = \"04:00\"\nend = \"06:00\"\n";
    write(served.host.config(), format!("{plain}\n{windows}"));
    let said = served.host.updog(&["check", "--explain"]);
    let arch = std::env::consts::ARCH;
    let expected = format!(
        "tiny {arch} 1.3.0: wave (1.3.0 opens for seed 1024 at 2026-01-02T04:00:00Z (wave 1 of 1))
  wave 1 of 1: seeds 0 to 2047, 2026-01-02T03:00:00Z to 2026-01-02T05:00:00Z; seed 1024: 2026-01-02T04:00:00Z
tiny {arch} 1.2.0: paused (the rollout of 1.2.0 is paused since {NOW} (it eats disks))
tiny {arch} 1.1.0: open
  space at plan: asked then
  no_index at stage: asked then
  not_confirmed at stage: asked then
  window at restart: this host restarts from 2026-01-02T04:00:00Z on
tiny {arch} 0.9.0: not_newer (this host runs 1.0.0, which is newer than 0.9.0)
tiny 1.1.0 is open
"
    );
    assert_eq!((said.code, said.stdout), (0, expected), "{}", said.stderr);

    let answer = served.host.json(&["check", "--explain"]);
    let listed = answer["data"]["candidates"].as_array().unwrap();
    let of = |number: usize, key: &str| listed[number].pointer(key).cloned().unwrap_or_default();
    assert_eq!(of(0, "/until"), "2026-01-02T04:00:00Z");
    assert_eq!((of(0, "/facts/seed"), of(0, "/facts/wave/last_seed")), (json!(1024), json!(2047)));
    assert_eq!(of(1, "/facts"), json!({ "since": NOW, "why": "it eats disks" }));
    assert_eq!(of(2, "/ahead/3/until"), "2026-01-02T04:00:00Z");
    // Without being asked, it is as short as ever.
    let short = served.host.json(&["check"]);
    assert_eq!(short["data"]["candidates"].as_array().unwrap().len(), 1);
    assert_eq!(short["data"]["candidates"][0]["facts"], Value::Null);
}

fn checked(host: &Host) -> Value {
    serde_json::from_slice(&fs::read(host.state().join("checked.json")).unwrap()).unwrap()
}

#[test]
fn the_last_look_is_remembered_and_told() {
    let mut served = Served::new();
    served.publish("1.1.0", waves);
    assert_eq!(served.host.json(&["status"])["data"]["last_check"], Value::Null);
    assert_eq!(served.host.updog(&["check"]).code, 11);
    let expected = json!({
        "format": 1, "at": NOW, "exit": 11, "reason": "wave", "version": null, "failures": 0, "next": null,
        "message": "1.1.0 opens for seed 1024 at 2026-01-02T04:00:00Z (wave 1 of 1)",
    });
    assert_eq!(checked(&served.host), expected);
    assert_eq!(served.host.json(&["status"])["data"]["last_check"], expected);
    // A later updog's keys are kept.
    let mut later = expected.clone();
    later["format"] = json!(2);
    later["mood"] = json!("hopeful");
    write(served.host.state().join("checked.json"), later.to_string());
    served.publish("1.2.0", |_| ());
    assert_eq!(served.host.updog(&["auto"]).code, 0);
    let now = checked(&served.host);
    assert_eq!((&now["format"], &now["mood"]), (&json!(2), &json!("hopeful")));
    assert_eq!((&now["exit"], &now["version"]), (&json!(0), &json!("1.2.0")));
}

/// Nothing local needs it.
#[test]
fn any_bytes_in_its_place_are_lived_with() {
    for bytes in [&b""[..], b"\xff\xfe", b"[]", b"{\"format\":9}", b"{\"format\":1,\"at\":7}"] {
        let host = Host::new();
        write(host.state().join("checked.json"), bytes);
        let status = host.json(&["status"]);
        assert_eq!((&status["exit"], &status["data"]["last_check"]), (&json!(0), &Value::Null));
        assert_eq!(host.updog(&["confirm"]).code, 0);
    }
    let host = Host::new();
    fs::create_dir(host.state().join("checked.json")).unwrap();
    assert_eq!(host.updog(&["status"]).code, 0);
    let half =
        "{\"format\":1,\"at\":\"2026-01-01T00:00:00Z\",\"failures\":\"many\",\"next\":[],\"message\":7}";
    let host = Host::new();
    write(host.state().join("checked.json"), half);
    assert_eq!(host.json(&["status"])["data"]["last_check"]["failures"], 0);
}

#[test]
fn status_tells_mode_and_next_step_without_asking_anybody() {
    let mut host = Host::new();
    let next = |host: &Host| {
        let status = host.json(&["status"]);
        let next = &status["data"]["next_step"];
        (status["data"]["mode"].clone(), next["step"].clone(), next["reason"].clone())
    };
    let apply = json!("apply");
    assert_eq!(next(&host), (apply.clone(), json!("check"), Value::Null));
    let plain = fs::read_to_string(host.config()).unwrap();
    write(host.config(), format!("mode = \"off\"\n{plain}"));
    assert_eq!(next(&host), (json!("off"), json!("rest"), json!("mode")));
    write(host.config(), plain);
    host.arm("1.1.0");
    host.restart();
    assert_eq!(next(&host), (apply.clone(), json!("wait"), json!("not_confirmed")));
    assert_eq!(host.updog(&["confirm"]).code, 0);
    assert_eq!(next(&host), (apply, json!("check"), Value::Null));
}

/// A version comes from os-release, a reason from a record: either may be anything.
#[test]
fn five_lines_whatever_the_records_say() {
    let host = Host::new();
    let nasty = "1.1.0\\n\\u001b[2J\\u202e".to_owned() + &"x".repeat(500);
    let outcome = format!(
        "{{\"format\":1,\"holds\":{{\"A\":{{\"version\":\"{nasty}\"}}}},\"last\":{{\"outcome\":\"{nasty}\",\"slot\":\"B\",\
         \"at\":\"2026-01-01T00:00:00Z\",\"held\":{{\"version\":\"{nasty}\"}},\"cause\":\"{nasty}\"}}}}"
    );
    write(host.state().join("outcome.json"), outcome);
    fs::remove_file(host.path("os-release")).unwrap();
    let said = host.updog(&["status"]);
    assert_eq!((said.code, said.stdout.lines().count()), (0, 5), "{said:?}");
    for line in said.stdout.lines() {
        assert!(line.chars().count() < 200 && !line.chars().any(char::is_control), "{line:?}");
    }
}

/// Nobody can be asked: the answer is kept too, with how often in a row.
#[test]
fn looks_in_vain_are_counted() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let plain = fs::read_to_string(served.host.config()).unwrap();
    let nobody: Vec<String> = plain.lines().map(unserved).collect();
    write(served.host.config(), nobody.join("\n"));
    for failures in 1..4 {
        assert_eq!(served.host.updog(&["check"]).code, 20);
        let now = checked(&served.host);
        assert_eq!((&now["exit"], &now["failures"]), (&json!(20), &json!(failures)), "{now}");
    }
    write(served.host.config(), plain);
    assert_eq!(served.host.updog(&["check"]).code, 0);
    let now = checked(&served.host);
    assert_eq!((&now["failures"], &now["next"]), (&json!(0), &Value::Null), "{now}");
}
