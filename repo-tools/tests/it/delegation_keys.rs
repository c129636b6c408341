//! Other keys for a delegated role whose targets stay, and signatures that meet in one copy.

use std::fs;
use std::process::Command;

use crate::cli::Desk;

const VALIDATE: &str = "validate public --root repo/root/1.root.json --clock 2026-12-01T00:30:00Z";

/// `tools` left to one key, signed and published on minute 1.
fn published() -> Desk {
    let desk = Desk::new();
    fs::write(desk.path().join("tools-1"), "one").unwrap();
    for line in [
        "--repo repo init",
        "--repo repo key new k --role all",
        "key new a",
        "key new b",
        "--repo repo release add release --level 1",
        "--repo repo delegation add tools --key a.pub --path tools-*",
    ] {
        desk.done(line);
    }
    show(&desk, 1, &["delegation sign tools --key a --target tools-1"]);
    desk
}

/// Each line at its own minute, then signs and publishes.
fn show(desk: &Desk, minute: u32, lines: &[&str]) {
    for line in lines.iter().chain(&["sign --key k", "publish public"]) {
        desk.done(&format!("--repo repo {line} --clock 2026-12-01T00:{minute:02}:00Z"));
    }
}

fn sign(desk: &Desk, minute: u32, key: &str) -> serde_json::Value {
    desk.json(&format!("--repo repo delegation sign tools --key {key} --clock 2026-12-01T00:{minute:02}:00Z"))
}

#[test]
fn a_key_that_takes_the_place_of_another_signs_a_version_more_of_the_same_targets() {
    let desk = published();
    let before = sign(&desk, 2, "a");
    assert_eq!(before["exit"], 10, "{before}");
    desk.done("--repo repo delegation add tools --key b.pub --path tools-*");
    let after = sign(&desk, 2, "b");
    let version = |answer: &serde_json::Value| answer["data"]["version"].as_u64().unwrap();
    assert!(version(&after) > version(&before), "{after}");
    assert_eq!(
        (after["data"]["targets"].as_u64(), after["data"]["lacks"]["signatures"].as_u64()),
        (Some(1), Some(0))
    );
    show(&desk, 3, &[]);
    assert!(desk.done(VALIDATE).contains("no problems"));

    // A higher threshold: one document more, which both sign.
    desk.done("--repo repo delegation add tools --key a.pub --key b.pub --threshold 2 --path tools-*");
    let one = sign(&desk, 4, "b");
    let two = sign(&desk, 5, "a");
    assert!(version(&one) > version(&after) && version(&two) == version(&one), "{one} {two}");
    show(&desk, 6, &[]);
    // A lower one: what is published still does, and no byte of it changes.
    desk.done("--repo repo delegation add tools --key a.pub --key b.pub --path tools-*");
    assert_eq!(sign(&desk, 7, "a")["exit"], 10);
    show(&desk, 8, &[]);
    assert!(desk.done(VALIDATE).contains("no problems"));
}

#[test]
fn a_signature_more_is_not_put_to_a_document_that_is_published() {
    let desk = published();
    desk.done("--repo repo delegation add tools --key a.pub --key b.pub --path tools-*");
    assert_eq!(sign(&desk, 2, "b")["exit"], 10);
    show(&desk, 3, &[]);
    assert!(desk.done(VALIDATE).contains("no problems"));
}

#[test]
fn two_copies_of_one_document_become_one_with_the_signatures_of_both() {
    let desk = published();
    let clock = "--clock 2026-12-01T00:05:00Z";
    fs::write(desk.path().join("tools-2"), "two").unwrap();
    desk.done("--repo repo delegation add tools --key a.pub --key b.pub --threshold 2 --path tools-*");
    let sign = "delegation sign tools --target tools-2 --key";
    assert_eq!(desk.run(&format!("--repo repo {sign} b {clock}")), 0);
    let copy = Command::new("cp").args(["-a", "repo", "other"]).current_dir(desk.path()).status().unwrap();
    assert!(copy.success());
    // The same contents in the same second: one document, and each copy has one signature of its own.
    let file = "signing/delegated/tools.json";
    let text = fs::read_to_string(desk.path().join("repo").join(file)).unwrap();
    let mut bare: serde_json::Value = serde_json::from_str(&text).unwrap();
    bare["signatures"] = serde_json::json!([]);
    fs::write(desk.path().join("other").join(file), serde_json::to_vec(&bare).unwrap()).unwrap();
    assert_eq!(desk.run(&format!("--repo other delegation sign tools --key a {clock}")), 0);
    let take = format!("--repo repo delegation take tools other/{file} {clock}");
    let joined = desk.json(&take);
    assert_eq!(
        (joined["exit"].as_i64(), joined["data"]["lacks"]["signatures"].as_u64()),
        (Some(0), Some(0)),
        "{joined}"
    );
    assert_eq!(desk.json(&take)["exit"], 10);
    show(&desk, 6, &[]);
    assert_eq!(desk.json(&take)["exit"], 10, "published, and no byte of it changes");
    assert!(desk.done(VALIDATE).contains("no problems"));
}
