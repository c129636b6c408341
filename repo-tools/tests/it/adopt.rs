//! The working folder is lost: another one is made out of what is published.

use std::fs;
use std::path::Path;

use fixtures::server::{Faults, Server};
use serde_json::Value;

use crate::cli::Desk;
use crate::common::write_release;
use crate::interop::read_by_python_tuf;
use crate::moto::Moto;
use crate::s3::plant;
use crate::stores::remember;

/// A repository that has seen a year: two releases, one paused, a delegated role, and a rotation.
fn year() -> Desk {
    let desk = Desk::new();
    write_release(&desk.path().join("later"), "1.1.0", "1.1.0");
    for (name, text) in [("tools-a", "a"), ("tools-b", "b"), ("hop", "moves data")] {
        fs::write(desk.path().join(name), text).unwrap();
    }
    for line in [
        "--repo r init",
        "--repo r key new ann",
        "--repo r root add-key ann.pub --role all",
        "--repo r key new tool",
        "--repo r release add release --level 1",
        "--repo r delegation add tools --key tool.pub --path tools-*",
        "--repo r delegation sign tools --key tool --target tools-a",
        "--repo r sign --key ann --targets-expire 30d",
        "--repo r publish public",
        "--repo r release add later --level 1",
        "--repo r migrations set 1.0.0 1.1.0 hop",
        "--repo r waves set normal --version 1.1.0",
        "--repo r sign --key ann --targets-expire 30d",
        "--repo r publish public",
        "--repo r key new ben",
        "--repo r key rotate ann ben.pub --role targets,timestamp",
        "--repo r sign --key ann --key ben --targets-expire 30d",
        "--repo r publish public",
        "--repo r waves pause 1.1.0 --reason slow",
        "--repo r sign --key ann --key ben --targets-expire 30d",
        "--repo r publish public",
    ] {
        desk.done(line);
    }
    desk
}

fn lose(desk: &Desk) {
    fs::rename(desk.path().join("r"), desk.path().join("lost")).unwrap();
}

/// What the folder says of itself in its own words.
fn said(desk: &Desk, repo: &str) -> [Value; 4] {
    ["release list", "root show", "delegation list", "waves show 1.1.0"]
        .map(|verb| desk.json(&format!("--repo {repo} {verb}"))["data"].clone())
}

/// Signs and publishes from it, and lets others read.
fn goes_on(desk: &Desk) {
    assert_eq!(desk.run("--repo r release diff"), 10);
    assert!(desk.done("--repo r sign --key ann --key ben").contains("nothing to sign"));
    assert!(desk.done("--repo r publish public").contains("already published"));
    for line in [
        "--repo r waves resume 1.1.0 --reason mended",
        "--repo r migrations remove 1.0.0 1.1.0",
        "--repo r delegation sign tools --key tool --target tools-b",
        "--repo r sign --key ann --key ben",
        "--repo r publish public",
        "validate public --root lost/root/1.root.json",
    ] {
        desk.done(line);
    }
    let tools = &desk.json("--repo r delegation list")["data"];
    assert!(tools.to_string().contains("tools-a") || tools.to_string().contains('2'), "{tools}");
}

#[test]
fn a_lost_folder_is_made_again_and_goes_on() {
    let desk = year();
    lose(&desk);
    let done = desk.json("--repo r adopt public --root lost/root/1.root.json");
    let adopted = &done["data"]["adopted"];
    assert_eq!((done["exit"].as_i64(), &adopted["is_signed"]), (Some(0), &Value::Bool(true)), "{done}");
    assert_eq!((adopted["releases"].as_u64(), adopted["versions"]["root"].as_u64()), (Some(2), Some(2)));
    assert_eq!(adopted["delegated"], serde_json::json!(["tools"]));
    assert_eq!((&adopted["lacking"], &adopted["expired"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert_eq!(said(&desk, "r"), said(&desk, "lost"));
    // All but the memory of earlier bytes, and what was never published.
    for file in [
        "root/1.root.json",
        "root/2.root.json",
        "signing/targets.json",
        "signing/snapshot.json",
        "signing/timestamp.json",
        "signing/delegated/tools.json",
        "draft/manifest.json",
        "draft/targets.json",
    ] {
        let [new, old] =
            ["r", "lost"].map(|repo| fs::read_to_string(desk.path().join(repo).join(file)).unwrap());
        assert_eq!(new, old, "{file}");
    }
    let [new, old] = ["r", "lost"].map(|repo| {
        let bytes = fs::read(desk.path().join(repo).join("updog-repo.json")).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    });
    assert_eq!(
        (&new["published"], &new["known"]["releases"]),
        (&old["published"], &old["known"]["releases"])
    );
    // Of each role the document that is there now.
    for (role, known) in new["known"]["roles"].as_object().unwrap() {
        let was = old["known"]["roles"][role].as_array().unwrap();
        assert!(known.as_array().unwrap().iter().all(|one| was.contains(one)), "{role}");
    }
    let intent = fs::read_to_string(desk.path().join("r/repo.toml")).unwrap();
    for part in ["[keys]\nann = \"", "[roles.snapshot]\nkeys = [\"ann\"]\nthreshold = 1\nexpires = \"30d\"\n"]
    {
        assert!(intent.contains(part), "{part}: {intent}");
    }
    let doctor = desk.json("--repo r doctor");
    let findings = doctor["data"]["findings"].as_array().unwrap();
    let is_about_setup = |one: &Value| {
        let tools = one["what"].as_str().is_some_and(|what| what.starts_with("tools "));
        tools || ["threshold_equals_keys", "root_threshold_one"].iter().any(|kind| one["kind"] == *kind)
    };
    assert!(findings.iter().all(is_about_setup), "{doctor}");
    goes_on(&desk);
    assert!(read_by_python_tuf(&desk.path().join("public"), desk.path()) > 0);
}

#[test]
fn a_url_and_a_bucket_are_adopted_like_a_folder() {
    let desk = year();
    lose(&desk);
    let server = Server::start(desk.path().join("public"), Faults::default()).unwrap();
    let url = server.url().replace("http://", "http://user:hunter2@");
    let told = desk.done(&format!("--repo r adopt {url}"));
    assert!(told.contains("adopted: 2 release(s), root 2") && !told.contains("hunter2"), "{told}");
    assert_eq!(said(&desk, "r"), said(&desk, "lost"));
    let text = fs::read_to_string(desk.path().join("r/repo.toml")).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    goes_on(&desk);

    let bucket = Moto::running().bucket();
    plant(&bucket, "p", &remember(&desk.path().join("public")));
    let place = format!("s3://{}/p", bucket.name);
    for line in ["adopt PLACE", "release remove 1.1.0", "sign --key ann --key ben", "publish PLACE"] {
        let line = format!("--repo far {}", line.replace("PLACE", &place));
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_updog-repo"))
            .args(line.split_whitespace())
            .envs(bucket.variables())
            .current_dir(desk.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn what_is_missing_is_said_and_stops_nothing_else() {
    let desk = year();
    lose(&desk);
    let (gone, _) = named(&desk.path().join("public/targets"), "1.0.0-hash.idx");
    fs::remove_file(gone).unwrap();
    let (role, _) = named(&desk.path().join("public/metadata"), "tools.json");
    fs::remove_file(role).unwrap();
    let told = desk.done("--repo r adopt public");
    assert!(told.contains("Missing: target tiny-x86_64-1.0.0-hash.idx: it is not there."), "{told}");
    assert!(told.contains("Missing: delegated role tools: "), "{told}");
    // What lies in the lost folder after all makes it whole.
    let (blob, name) = named(&desk.path().join("lost/blobs"), "1.0.0-hash.idx");
    fs::copy(blob, desk.path().join("r/blobs").join(name)).unwrap();
    desk.done("--repo r delegation take tools lost/signing/delegated/tools.json --targets lost/blobs");
    desk.done("--repo r release remove 1.0.0");
    desk.done("--repo r sign --key ann --key ben");
    desk.done("--repo r publish public");
    assert_eq!(desk.run("validate public"), 0);
}

#[test]
fn what_is_not_to_be_trusted_leaves_no_folder() {
    let desk = year();
    lose(&desk);
    desk.done("--repo other init");
    desk.done("--repo other key new stranger --role all");
    desk.done("--repo other root sign --key stranger");
    desk.done("bundle public part.bundle");
    for (line, exit, words) in [
        ("--repo r adopt public --root other/root/1.root.json", 30, "root 1 is not the one that you trust"),
        ("--repo lost adopt public", 2, "it is a working folder already"),
        ("--repo public adopt public", 2, "which hosts read"),
        ("--repo public/r adopt public", 2, "which hosts read"),
        ("--repo r adopt part.bundle", 2, "no more than a part"),
        ("--repo r adopt nowhere", 2, "failed to find metadata/"),
    ] {
        let output = desk.output(line);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit), "{line}: {said}");
        assert!(said.contains(words), "{line}: {said}");
    }
    let (snapshot, _) = named(&desk.path().join("public/metadata"), "snapshot.json");
    let mut bytes = fs::read(&snapshot).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&snapshot, bytes).unwrap();
    assert_eq!(desk.run("--repo r adopt public"), 30);
    assert!(!desk.path().join("r").exists());
}

/// A repo.toml from version control stays, a rehearsal writes nothing, and a run that was cut is completed.
#[test]
fn it_can_be_rehearsed_and_run_again() {
    let desk = year();
    lose(&desk);
    let told = desk.done("--repo r --dry-run adopt public");
    assert!(told.contains("would adopt: 2 release(s)") && !desk.path().join("r").exists(), "{told}");
    assert!(told.contains("15 of 15 blobs to be fetched"), "{told}");
    assert!(!told.contains("hosts would see") && told.matches(".manifest.json").count() == 1, "{told}");
    fs::create_dir(desk.path().join("r")).unwrap();
    fs::copy(desk.path().join("lost/repo.toml"), desk.path().join("r/repo.toml")).unwrap();
    assert!(desk.done("--repo r adopt public").contains("repo.toml was there and stays."));
    // Cut before the state was written, with a blob that is not whole.
    fs::remove_file(desk.path().join("r/updog-repo.json")).unwrap();
    let (blob, name) = named(&desk.path().join("r/blobs"), "1.0.0-root.idx");
    fs::rename(blob, desk.path().join("r/blobs").join(format!(".{name}.partial"))).unwrap();
    let again = desk.json("--repo r adopt public");
    assert_eq!(again["data"]["adopted"]["new_blobs"], 1, "{again}");
    assert_eq!(said(&desk, "r"), said(&desk, "lost"));
    // A root that nobody has seen, left by somebody else's ceremony, is not taken for one of the chain.
    fs::remove_file(desk.path().join("r/updog-repo.json")).unwrap();
    fs::copy(desk.path().join("r/root/1.root.json"), desk.path().join("r/root/3.root.json")).unwrap();
    assert_eq!(desk.run("--repo r adopt public"), 30);
    assert!(!desk.path().join("r/updog-repo.json").exists());
}

fn named(dir: &Path, end: &str) -> (std::path::PathBuf, String) {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(end)).collect();
    names.sort();
    let name = names.pop().unwrap();
    (dir.join(&name), name)
}
