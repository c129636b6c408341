//! Who signed (spec 5.3.4, 5.4.2, 5.5.3, 5.6.3).

use fixtures::tuf::{Repository, TestKey, sign};
use serde_json::{Value, json};
use trust_core::{Class, Error, Role};

use crate::host::{Host, start, world};

fn publish_role(repository: &mut Repository, role: &str) {
    match role {
        "timestamp" => repository.new_timestamp(),
        "snapshot" => {
            repository.new_snapshot();
            repository.new_timestamp();
        }
        _ => repository.publish(),
    }
}

#[test]
fn another_key_is_refused_for_every_role() {
    for role in ["timestamp", "snapshot", "targets"] {
        let (mut repository, fresh) = world();
        // Another role's key, and one that nobody knows.
        for wrong in [1, 99] {
            let (mut attacked, mut host) = (repository.clone(), fresh.clone());
            let key = attacked.keys.keys().find(|name| **name == role).copied().unwrap();
            attacked.keys.insert(key, vec![wrong]);
            publish_role(&mut attacked, role);
            let error = host.refresh(&attacked, start()).unwrap_err();
            assert!(
                matches!(&error, Error::Signatures { role: r, threshold: 1, valid: 0 } if r.name() == role),
                "{role} by {wrong}: {error}"
            );
            assert_eq!(error.classify(), Class::Untrusted);
            assert!(host.store.keys().all(|kept| kept.name() != role));
        }
        publish_role(&mut repository, role);
        assert!(fresh.clone().refresh(&repository, start()).is_ok());
    }
}

#[test]
fn a_threshold_of_two_needs_two_keys() {
    let (mut repository, _) = world();
    repository.keys.insert("timestamp", vec![20, 21, 22]);
    repository.thresholds.insert("timestamp", 2);
    repository.new_root(&[]);
    repository.publish();
    let body = timestamp_body(&repository);
    let mut bad = sign(&body, &[20, 21]);
    let once_more = |numbers: &[u8]| {
        let mut signed: Value = serde_json::from_slice(&sign(&body, numbers)).unwrap();
        let again = signed["signatures"][0].clone();
        signed["signatures"].as_array_mut().unwrap().push(again);
        signed.to_string().into_bytes()
    };
    let spoil = bad.len() - 20;
    bad[spoil] = if bad[spoil] == b'0' { b'1' } else { b'0' };

    let cases: [(&str, Vec<u8>, bool); 8] = [
        ("two of three", sign(&body, &[20, 22]), true),
        ("all", sign(&body, &[20, 21, 22]), true),
        ("two and a stranger", sign(&body, &[99, 21, 22]), true),
        ("one", sign(&body, &[21]), false),
        ("one and a stranger", sign(&body, &[21, 99]), false),
        ("one good, one bad", bad, false),
        ("one, twice", once_more(&[20]), false),
        // Enough without it, but the specification forbids it all the same.
        ("two, and one of them twice", once_more(&[20, 21]), false),
    ];
    for (case, bytes, good) in cases {
        let mut host = Host::shipped_with(repository.root(1));
        let mut repository = repository.clone();
        repository.metadata.insert("timestamp.json".into(), bytes);
        let found = host.refresh(&repository, start());
        assert_eq!(found.is_ok(), good, "{case}: {found:?}");
        if let Err(error) = found {
            let right =
                matches!(error, Error::Signatures { valid: 0 | 1, .. } | Error::DuplicateSignature { .. });
            assert!(right, "{case}: {error}");
        }
    }
}

#[test]
fn one_key_under_two_ids_counts_once() {
    let (mut repository, mut host) = world();
    repository.thresholds.insert("timestamp", 2);
    let mut body = repository.root_body(2);
    let key = TestKey::new(2);
    body["keys"]["alias"] = key.public();
    body["roles"]["timestamp"] = json!({ "keyids": [key.id(), "alias"], "threshold": 2 });
    repository.metadata.insert("2.root.json".into(), sign(&body, &[1]));
    let timestamp = timestamp_body(&repository);
    let mut signed: Value = serde_json::from_slice(&sign(&timestamp, &[2])).unwrap();
    let mut alias = signed["signatures"][0].clone();
    alias["keyid"] = "alias".into();
    signed["signatures"].as_array_mut().unwrap().push(alias);
    repository.metadata.insert("timestamp.json".into(), signed.to_string().into_bytes());
    let error = host.refresh(&repository, start()).unwrap_err();
    assert!(matches!(error, Error::Signatures { role: Role::Timestamp, threshold: 2, valid: 1 }), "{error}");
}

#[test]
fn a_key_id_is_only_a_name() {
    // Repositories exist whose key ids are not the digest of the key (TAP 12).
    let (mut repository, _) = world();
    let mut body = repository.root_body(1);
    body["keys"]["our key"] = TestKey::new(2).public();
    body["roles"]["timestamp"]["keyids"] = json!(["our key"]);
    repository.metadata.insert("1.root.json".into(), sign(&body, &[1]));
    let text = String::from_utf8(repository.metadata["timestamp.json"].clone()).unwrap();
    let text = text.replace(TestKey::new(2).id(), "our key");
    repository.metadata.insert("timestamp.json".into(), text.into_bytes());
    let mut host = Host::shipped_with(repository.root(1));
    host.refresh(&repository, start()).unwrap();
}

#[test]
fn a_document_of_another_role_is_refused_though_its_signature_is_right() {
    let (mut repository, mut host) = world();
    repository.keys.insert("snapshot", vec![2]);
    repository.new_root(&[]);
    repository.publish();
    let snapshot = repository.metadata["3.snapshot.json"].clone();
    repository.metadata.insert("timestamp.json".into(), snapshot);
    let error = host.refresh(&repository, start()).unwrap_err();
    assert!(matches!(&error, Error::WrongType { expected: "timestamp", .. }), "{error}");
}

fn timestamp_body(repository: &Repository) -> Value {
    let value: Value =
        serde_json::from_slice(&repository.metadata["timestamp.json"]).expect("the simulator writes JSON");
    value["signed"].clone()
}
