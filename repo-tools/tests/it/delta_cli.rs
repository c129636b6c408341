//! `delta …` and `release add --delta-from`, as they are typed.

use std::fs;

use release::Digest;

use crate::cli::Desk;
use crate::delta::{write_images, write_release};

/// Two releases in the draft, the second with a delta from the first.
fn desk() -> Desk {
    let desk = Desk::new();
    for (number, version) in ["1.0.0", "1.1.0", "1.2.0"].into_iter().enumerate() {
        write_images(&desk.path().join(version), version, number + 1);
    }
    for line in [
        "--repo r init",
        "--repo r key new k --role all",
        "--repo r release add 1.0.0 --level 3 --delta-from 2",
        "--repo r release add 1.1.0 --level 3 --delta-from 2",
    ] {
        desk.done(line);
    }
    desk
}

#[test]
fn deltas_are_made_listed_published_copied_and_removed() {
    let desk = desk();
    let again = desk.json("--repo r release add 1.1.0 --delta-from 2");
    assert_eq!((again["exit"].as_i64(), again["data"]["deltas"].as_array().unwrap().len()), (Some(10), 3));
    let listed = desk.done("--repo r delta list");
    assert!(listed.contains("root from 1.0.0: ") && listed.contains("3 delta(s) in the draft"), "{listed}");
    let shown = desk.json("--repo r release show 1.1.0");
    let root = &shown["data"]["deltas"][1];
    assert_eq!((root["image"].as_str(), root["base"].as_str()), (Some("root"), Some("1.0.0")));
    let fetched = root["length"].as_u64().unwrap() + root["sizes"]["full_frames"].as_u64().unwrap();
    let said = format!("root from 1.0.0: {fetched} bytes instead of {}, pieces: ", root["frames_length"]);
    assert!(fetched < root["frames_length"].as_u64().unwrap() && listed.contains(&said), "{listed}");
    assert!(desk.done("--repo r release show 1.1.0").contains("pieces: "));

    desk.done("--repo r release add 1.2.0 --level 3");
    let rehearsed = desk.json("--repo r delta add --version 1.2.0 --from 1.0.0 1.1.0 --level 3 --dry-run");
    let files = rehearsed["data"]["dry_run"]["files"].as_array().unwrap();
    let count = files.iter().filter(|file| file["path"].as_str().unwrap().ends_with("delta")).count();
    assert_eq!(count, 6);
    assert!(desk.done("--repo r delta list").contains("3 delta(s)"), "a rehearsal adds nothing");
    let made = desk.json("--repo r delta add --version 1.2.0 --from 1.0.0 1.1.0 --level 3");
    assert_eq!(made["data"]["made"].as_array().unwrap().len(), 6);
    assert_eq!(desk.run("--repo r delta add --last 2"), 10);

    for line in ["--repo r sign --key k", "--repo r publish public", "validate public"] {
        desk.done(line);
    }
    let targets = |dir: &str| {
        let names = fs::read_dir(desk.path().join(dir)).unwrap();
        names.filter(|name| name.as_ref().unwrap().file_name().to_str().unwrap().ends_with("delta")).count()
    };
    assert_eq!(targets("public/targets"), 9);
    desk.done("mirror public whole");
    assert_eq!(targets("whole/targets"), 9);
    desk.done("mirror public part --release 1.1.0");
    assert_eq!(targets("part/targets"), 3);
    assert_eq!(desk.json("bundle public b --release 1.1.0")["data"]["bundle"]["targets"], 7);
    assert!(desk.done("report public --out page").contains("page"));
    assert_eq!(desk.json("validate b")["data"]["left_out"], 21);

    // They stay as long as they are named.
    let named = desk.json("prune public");
    assert_eq!(named["data"]["plan"]["blobs"].as_array().unwrap().len(), 0);
    let removed = desk.done("--repo r delta remove --version 1.2.0 --from 1.0.0");
    assert!(removed.ends_with("removed: 3 delta(s) of tiny x86_64 1.2.0\n"), "{removed}");
    let removed = desk.json("--repo r delta remove --version 1.2.0 --all");
    assert_eq!(removed["data"]["targets"].as_array().unwrap().len(), 3);
    assert_eq!(desk.run("--repo r delta remove --version 1.2.0 --all"), 10);
    assert_eq!(desk.run("--repo r delta remove --version 1.1.0 --from 9.9.9"), 2);
}

/// A delta that a host would fetch more bytes with is not listed, however often it is asked for.
#[test]
fn a_delta_that_helps_nothing_is_not_listed() {
    let desk = Desk::new();
    let noise = |seed: u8, bytes: usize| -> Vec<u8> {
        (0_u32..)
            .flat_map(|part| *Digest::of(&[&part.to_le_bytes()[..], &[seed]].concat()).bytes())
            .take(bytes)
            .collect()
    };
    for (seed, version) in [(1, "1.0.0"), (2, "1.1.0")] {
        // Zeros are a short frame already; the hash image has nothing in common with the one before.
        let images = [("boot", vec![0; 8192]), ("root", noise(7, 1 << 16)), ("hash", noise(seed, 4096))];
        write_release(&desk.path().join(version), version, &images);
    }
    for line in ["--repo r init", "--repo r key new k --role all", "--repo r release add 1.0.0 --level 3"] {
        desk.done(line);
    }
    let added = desk.json("--repo r release add 1.1.0 --level 3 --delta-from 1");
    let images = |list: &serde_json::Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|row| row["image"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(images(&added["data"]["deltas"]), ["root"]);
    assert_eq!(images(&added["data"]["needless"]), ["boot", "hash"]);
    for row in added["data"]["needless"].as_array().unwrap() {
        assert!(row["length"].as_u64() >= row["frames_length"].as_u64(), "{row}");
    }
    let before = desk.json("--repo r release show 1.1.0");
    let again = desk.json("--repo r delta add --version 1.1.0 --from 1.0.0 --level 3");
    assert_eq!((again["exit"].as_i64(), again["data"]["changed"].as_bool()), (Some(10), Some(false)));
    assert_eq!(images(&again["data"]["needless"]), ["boot", "hash"]);
    desk.done("--repo r delta remove --version 1.1.0 --all");
    let made = desk.done("--repo r delta add --version 1.1.0 --from 1.0.0 --level 3");
    assert!(
        made.contains("boot from 1.0.0: no delta: full frames are as short, ")
            && made.contains("added: 1 delta(s)"),
        "{made}"
    );
    assert_eq!(desk.json("--repo r release show 1.1.0")["data"], before["data"]);
    assert!(desk.done("--repo r delta list").ends_with("1 delta(s) in the draft\n"));
}

/// What lies in the working folder but for signatures.
fn lies_there(desk: &Desk) -> Vec<(String, u64, Digest)> {
    let mut all = Vec::new();
    for dir in ["r/draft", "r/blobs"] {
        for entry in fs::read_dir(desk.path().join(dir)).unwrap().map(Result::unwrap) {
            let bytes = fs::read(entry.path()).unwrap();
            all.push((entry.path().display().to_string(), bytes.len() as u64, Digest::of(&bytes)));
        }
    }
    all.sort();
    all
}

/// A release without the deltas that were asked for would be signed and published so, and nobody would have been told.
#[test]
fn a_release_whose_deltas_cannot_be_made_is_not_added() {
    let desk = desk();
    for line in ["--repo r sign --key k", "--repo r publish public"] {
        desk.done(line);
    }
    for entry in fs::read_dir(desk.path().join("r/blobs")).unwrap().map(Result::unwrap) {
        if entry.file_name().to_str().unwrap().ends_with("1.0.0-root.img.zst") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    let before = lies_there(&desk);
    let refused = desk.json("--repo r release add 1.2.0 --level 3 --delta-from 2");
    assert_eq!(refused["exit"], 2, "{refused}");
    assert!(refused["data"]["hint"].as_str().unwrap().contains("--source"), "{refused}");
    assert_eq!(lies_there(&desk), before);
    assert_eq!(desk.run("--repo r release add 1.2.0 --level 3 --source public"), 2, "a source of nothing");
    let added = desk.json("--repo r release add 1.2.0 --level 3 --delta-from 2 --source public");
    assert_eq!((added["exit"].as_i64(), added["data"]["deltas"].as_array().unwrap().len()), (Some(0), 6));
}

#[test]
fn words_that_make_no_sense_are_usage() {
    let desk = desk();
    for line in [
        "--repo r delta add --version 1.1.0",
        "--repo r delta add --version 1.1.0 --last 1 --from 1.0.0",
        "--repo r delta add --version 1.1.0 --last 1 --level 23",
        "--repo r delta add --version 1.1.0 --from 1.0",
        "--repo r delta add --version 1.1.0 --last 0",
        "--repo r release add 1.2.0 --delta-from 0",
        "--repo r delta add --version 7.0.0 --last 1",
        "--repo r delta remove --version 1.1.0",
        "--repo r delta add --version 1.1.0 --from 0.1.0",
    ] {
        assert_eq!(desk.run(line), 2, "{line}");
    }
    assert_eq!(desk.run("--repo r delta add --version 1.0.0 --from 1.1.0"), 50);
    for line in ["delta add --last 0", "release add 1.2.0 --delta-from 0"] {
        let refused = desk.json(&format!("--repo r {line}"));
        assert!(refused["message"].as_str().unwrap().contains("expected a number from 1 on"), "{refused}");
    }
}

/// Each of the long steps says how far it is.
#[test]
fn every_long_step_of_a_delta_is_said() {
    let desk = desk();
    desk.done("--repo r release add 1.2.0 --level 3");
    let output = desk.output("--repo r --json delta add --last 1 --level 3");
    let lines = String::from_utf8(output.stderr).unwrap();
    let steps = ["unpack root 1.2.0", "unpack root 1.1.0", "map root 1.1.0", "root from 1.1.0"];
    let found = steps.map(|step| lines.find(&format!("{{\"progress\":\"{step}\",")));
    assert!(found.is_sorted() && found[0].is_some(), "{found:?} in {lines}");
}
