//! What goes to a bucket goes past the files, and a dry run names it all the same.

use std::collections::BTreeSet;
use std::fs;

use updog_repo::store::{Part, Store};

use crate::moto::Moto;
use crate::s3::{release, run};

#[test]
fn a_dry_run_names_what_would_be_written_to_s3() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    release(&path.join("release"), 1 << 20);
    let bucket = Moto::running().bucket();
    let variables = bucket.variables();
    let place = format!("s3://{}/p", bucket.name);
    let done = |line: &str| {
        let output = run(path, &variables, line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{line}: {said}");
        output.stdout
    };
    let would = |line: &str| -> Vec<String> {
        let object: serde_json::Value =
            serde_json::from_slice(&done(&format!("{line} --dry-run --json"))).unwrap();
        let files = object["data"]["dry_run"]["files"].as_array().unwrap().iter();
        let words = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap().to_owned();
        files.map(|one| format!("{} {}", words(one, "kind"), words(one, "path"))).collect()
    };
    for line in ["init", "key new k --role all", "release add release --level 1", "sign --key k"] {
        done(&format!("--repo repo {line}"));
    }
    let publish = format!("--repo repo publish {place}");
    // The stage is made on the way.
    let is_there = |one: &String| one.contains(&place);
    let listed = || -> BTreeSet<String> {
        let names = |part: Part| {
            let there = bucket.store("p").list(part).unwrap();
            there.into_iter().map(move |entry| format!("{}/{}", part.name(), entry.name))
        };
        let all = [Part::Metadata, Part::Targets].into_iter().flat_map(names);
        all.map(|name| format!("made {place}/{name}")).collect()
    };
    let first: BTreeSet<String> = would(&publish).into_iter().filter(is_there).collect();
    assert_eq!(listed(), BTreeSet::new());
    done(&publish);
    assert_eq!(first, listed());
    assert_eq!(would(&publish), [""; 0], "all is there");
    let timestamp = format!("replaced {place}/metadata/timestamp.json");
    assert_eq!(would(&format!("refresh {place} --key k")), std::slice::from_ref(&timestamp));
    assert_eq!(would(&format!("prune {place} --delete")), [""; 0]);

    // The next time what is new is named, also the document of a delegated role, and of that once only.
    fs::write(path.join("tools-1.tar"), "tools").unwrap();
    for line in [
        "key new team.key",
        "delegation add team --key team.key.pub --threshold 1 --path tools-*",
        "delegation sign team --key team.key --target tools-1.tar",
        "sign --key k",
    ] {
        done(&format!("--repo repo {line}"));
    }
    for (is_new, renewed) in [(true, "targets"), (false, "timestamp")] {
        let before = listed();
        let second: BTreeSet<String> = would(&publish).into_iter().filter(is_there).collect();
        assert_eq!(second.iter().any(|one| one.ends_with(".team.json")), is_new, "{second:?}");
        done(&publish);
        let mut written = &listed() - &before;
        written.insert(timestamp.clone());
        assert_eq!(second, written);
        done(&format!("--repo repo sign --key k --renew {renewed}"));
    }
    let third: Vec<String> = would(&publish).into_iter().filter(is_there).collect();
    assert_eq!(third, [timestamp]);
}
