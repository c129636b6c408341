//! key list, show and rotate: who may sign, who has, who must.

use serde_json::Value;

use crate::desk::Desk;

fn json(desk: &mut Desk, line: &str) -> Value {
    serde_json::from_str(&desk.done(&format!("{line} --json"))).unwrap()
}

fn made(desk: &mut Desk, line: &str) -> String {
    json(desk, line)["data"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_rotation_by_one_verb_says_who_must_sign() {
    let mut desk = Desk::new();
    desk.done("$U --repo r init");
    let root = made(&mut desk, "$U --repo r key new root --role root");
    let old = made(&mut desk, "$U --repo r key new old --role targets,snapshot,timestamp");
    let new = made(&mut desk, "$U key new new");
    for line in ["release add release --level 1", "sign --key root --key old", "publish public"] {
        desk.done(&format!("$U --repo r {line}"));
    }
    let said = json(&mut desk, &format!("$U --repo r key rotate {} new.pub", &old[..8]));
    let data = &said["data"];
    assert_eq!(data["roles"], serde_json::json!(["targets", "snapshot", "timestamp"]));
    assert_eq!((data["old"].as_str(), data["new"].as_str()), (Some(old.as_str()), Some(new.as_str())));
    assert_eq!((data["changed"].as_bool(), data["old_and_new_sign"].as_bool()), (Some(true), Some(true)));
    // The root key signs root 2, under root 1 and under root 2.
    let missing = data["missing"].as_array().unwrap();
    assert!(missing.iter().all(|missing| missing["keys"] == serde_json::json!([root])), "{missing:?}");
    assert_eq!(missing.len(), 2);
    // Twice is boring, by every name of the old key.
    for name in [&old[..12], "old", "old.pub"] {
        let again = json(&mut desk, &format!("$U --repo r key rotate {name} new"));
        assert_eq!(again["data"]["changed"], false, "{name}");
    }

    let keys = json(&mut desk, "$U --repo r key list")["data"]["keys"].clone();
    let of = |id: &str| keys.as_array().unwrap().iter().find(|key| key["id"] == id).unwrap().clone();
    assert_eq!(of(&old)["roles"], serde_json::json!(["targets", "snapshot", "timestamp"]));
    assert_eq!(
        (of(&old)["next_roles"].clone(), of(&new)["roles"].clone()),
        (serde_json::json!([]), serde_json::json!([]))
    );
    assert_eq!(of(&old)["signed"], serde_json::json!(["targets", "snapshot", "timestamp"]));
    assert_eq!(of(&root)["signed"], serde_json::json!(["root"]));
    let text = desk.done("$U --repo r key list");
    assert!(text.contains("not in use") && text.contains("targets needs 1 of 1 keys"), "{text}");

    for line in [
        "$U --repo r root sign --key root",
        "$U --repo r sign --key old --key new",
        "$U --repo r publish public",
        "$U validate public --root r/root/1.root.json",
        "$U refresh public --key new",
    ] {
        desk.ends(line, 0);
    }
    desk.ends("$U refresh public --key old", 2);
}

#[test]
fn the_root_key_itself_is_rotated_by_both() {
    let mut desk = Desk::new();
    desk.done("$U --repo r init");
    let old = made(&mut desk, "$U --repo r key new old --role all");
    let new = made(&mut desk, "$U key new new");
    desk.done("$U --repo r release add release --level 1");
    desk.done("$U --repo r sign --key old");
    desk.done("$U --repo r publish public");
    let said = json(&mut desk, "$U --repo r key rotate old new --role root");
    let missing = said["data"]["missing"].as_array().unwrap();
    let under: Vec<(u64, &str)> = missing
        .iter()
        .map(|missing| (missing["under_root"].as_u64().unwrap(), missing["keys"][0].as_str().unwrap()))
        .collect();
    assert_eq!(under, [(1, old.as_str()), (2, new.as_str())]);
    assert_eq!(said["data"]["old_and_new_sign"], false);
    desk.done("$U --repo r root sign --key old --key new");
    desk.done("$U --repo r sign --key old");
    desk.done("$U --repo r publish public");
    desk.ends("$U validate public --root r/root/1.root.json", 0);
}

#[test]
fn what_cannot_be_rotated_changes_nothing() {
    let mut desk = Desk::new();
    desk.done("$U --repo r init");
    desk.done("$U --repo r key new k --role targets");
    desk.done("$U key new other");
    let before = std::fs::read(desk.path("r/root/next.json")).unwrap();
    for (line, word) in [
        ("key rotate k k", "same one twice"),
        ("key rotate k k.pub", "same one twice"),
        ("key rotate other k", "failed to find key"),
        ("key rotate ffffffff k", "failed to find key"),
        ("key rotate k other --role root", "no part in root"),
        ("key rotate k missing", "missing"),
        ("key rotate k 'pkcs11:object=x?pin-value=4711'", "pin-value"),
        ("key rotate 'pkcs11:object=x?pin-value=4711' k", "pin-value"),
        ("key show missing", "missing"),
    ] {
        let said = desk.ends(&format!("$U --repo r {line}"), 2);
        assert!(said.contains(word) && !said.contains("4711"), "{line}: {said}");
    }
    assert_eq!(std::fs::read(desk.path("r/root/next.json")).unwrap(), before);
    // A key is shown without a root, the same from each of its files.
    let shown: Vec<String> =
        ["other", "other.pub"].iter().map(|file| desk.done(&format!("$U key show {file}"))).collect();
    assert!(shown[0] == shown[1] && shown[0].starts_with("type: ed25519\npublic: "), "{shown:?}");
    assert!(desk.done("$U --repo r key rotate k other --dry-run").lines().count() > 2);
    assert_eq!(std::fs::read(desk.path("r/root/next.json")).unwrap(), before);
}
