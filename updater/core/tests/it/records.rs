//! Records of later versions are read as far as known and lose nothing when they are written again.

use partition_core::Slot;
use proptest::prelude::*;
use serde_json::{Value, json};
use updater_core::records::{Failed, Failure, HistoryEvent, HistoryLine, Outcome, Record, Staged};

use crate::world::{at, release};

#[test]
fn a_later_outcome_is_read_as_far_as_known_and_kept() {
    let later = json!({
        "format": 2,
        "intent": {
            "by": "arm", "target": "B", "tries": 3, "boot_id": "boot-1", "at": "2026-01-02T03:04:05Z",
            "held": { "version": "1.1.0", "release": release("1.1.0"), "codename": "rex" },
            "mood": "hopeful"
        },
        "last": { "shape": "of a later version" },
        "confirmed": "A",
        "holds": { "A": { "version": "1.0.0" }, "C": { "version": "9" } },
        "phase_of_moon": [1, 2, 3]
    });
    let outcome = Outcome::parse(later.to_string().as_bytes()).unwrap();
    let intent = outcome.intent.as_ref().unwrap();
    assert_eq!(
        (outcome.format(), intent.target, intent.tries, outcome.confirmed),
        (2, Slot::B, 3, Some(Slot::A))
    );
    assert_eq!(outcome.last, None);
    let again: Value = serde_json::from_slice(&outcome.encode().unwrap()).unwrap();
    for pointer in ["/format", "/phase_of_moon", "/intent/mood", "/holds/C"] {
        assert_eq!(again.pointer(pointer), later.pointer(pointer), "{pointer}");
    }
}

#[test]
fn a_field_of_an_unknown_shape_is_as_good_as_absent() {
    for (field, value) in
        [("intent", json!(7)), ("confirmed", json!({})), ("holds", json!("none")), ("last", json!([]))]
    {
        let text = json!({ "format": 3, field: value }).to_string();
        let outcome = Outcome::parse(text.as_bytes()).unwrap();
        assert_eq!(outcome, Outcome { format: 3, ..Outcome::default() }, "{field}");
    }
    let failed = json!({ "format": 2, "releases": [17, { "release": release("1.1.0"), "at": "2026-01-02T03:04:05Z" }] });
    let failed = Failed::parse(failed.to_string().as_bytes()).unwrap();
    assert!(failed.find(&release("1.1.0")).is_some());
    let again: Value = serde_json::from_slice(&failed.encode().unwrap()).unwrap();
    assert_eq!(again["releases"][0], 17, "an entry that cannot be read is kept");
}

#[test]
fn garbage_is_an_error_and_never_a_panic() {
    for text in ["", "null", "[]", "{}", "{\"format\":\"one\"}", "\u{0}", "{\"format\":1", "1e999"] {
        assert!(Outcome::parse(text.as_bytes()).is_err(), "{text:?}");
        assert!(Failed::parse(text.as_bytes()).is_err(), "{text:?}");
        assert!(Staged::parse(text.as_bytes()).is_err(), "{text:?}");
    }
}

#[test]
fn failed_releases_are_bounded_and_told_once() {
    let mut failed = Failed::default();
    let failure = |name: &str| Failure {
        release: release(name),
        version: Some(name.to_owned()),
        at: at("2026-01-02T03:04:05Z"),
        cause: "was rolled back".to_owned(),
        extra: serde_json::Map::new(),
    };
    for number in 0..Failed::LIMIT + 10 {
        failed.remember(failure(&number.to_string()));
        failed.remember(failure("often"));
    }
    assert_eq!(failed.releases.len(), Failed::LIMIT);
    assert!(failed.find(&release("0")).is_none());
    assert!(failed.find(&release("often")).is_some());
    assert!(failed.forget(&release("often")));
    assert!(!failed.forget(&release("often")));
}

/// What versions before the causes wrote.
#[test]
fn records_without_a_cause_are_read_and_written_as_they_were() {
    let old = json!({
        "format": 1, "intent": null,
        "last": { "outcome": "rolled_back", "slot": "B", "at": "2026-01-02T03:04:05Z", "held": { "version": "1.1.0" } },
        "confirmed": "A", "holds": {}
    });
    let outcome = Outcome::parse(old.to_string().as_bytes()).unwrap();
    let last = outcome.last.as_ref().unwrap();
    assert_eq!((&last.outcome, &last.cause, &last.detail), (&HistoryEvent::RolledBack, &None, &None));
    let again: Value = serde_json::from_slice(&outcome.encode().unwrap()).unwrap();
    assert_eq!(again, old);
    // A cause of a shape that only a later version knows is as good as none.
    let later = old.to_string().replace("\"slot\":\"B\"", "\"slot\":\"B\",\"cause\":{\"word\":\"x\"}");
    assert_eq!(Outcome::parse(later.as_bytes()).unwrap(), outcome);
}

#[test]
fn a_line_of_history_may_hold_a_word_of_a_later_version() {
    let text = r#"{"format":1,"at":"2026-01-02T03:04:05Z","event":"teleported","slot":"B"}"#;
    let line: HistoryLine = serde_json::from_str(text).unwrap();
    assert_eq!(line.event, HistoryEvent::Other("teleported".to_owned()));
    let known: HistoryLine = serde_json::from_str(&text.replace("teleported", "rolled_back")).unwrap();
    assert_eq!(known.event, HistoryEvent::RolledBack);
    assert_eq!(serde_json::to_string(&known).unwrap(), text.replace("teleported", "rolled_back"));
}

/// JSON of any shape, three levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[AB]|arm|rollback|1\\.0\\.0|2026-01-02T03:04:05Z|.{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let key = "intent|last|holds|confirmed|target|by|tries|at|held|A|B|version|x";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6).prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    /// Whatever a later version writes: with a format it is read, and what is unknown survives being written again.
    #[test]
    fn whatever_has_a_format_is_read_and_kept(format in 1_u64..9, fields in any_json(), unknown in any_json()) {
        let mut object = fields.as_object().cloned().unwrap_or_default();
        object.insert("format".to_owned(), json!(format));
        object.insert("of_a_later_version".to_owned(), unknown.clone());
        let outcome = Outcome::parse(Value::from(object).to_string().as_bytes()).unwrap();
        let again: Value = serde_json::from_slice(&outcome.encode().unwrap()).unwrap();
        prop_assert_eq!(&again["of_a_later_version"], &unknown);
        prop_assert_eq!(&again["format"], &json!(format));
        let twice = Outcome::parse(&outcome.encode().unwrap()).unwrap();
        prop_assert_eq!(twice, outcome);
    }
}
