//! Where `key new` may write, what it leaves when it is cut, and which private keys doctor sees.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use updog_repo::Disk;
use updog_repo::files::Files;
use updog_repo::keys::{KeyKind, Signer, generate, key_id, public_key};

use crate::cli::Desk;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.done("--repo r init");
    desk
}

/// What went wrong, and what helps.
fn refused(desk: &Desk, line: &str, code: i32) -> String {
    let output = desk.output(line);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{line}: {said}");
    said
}

#[test]
fn no_private_key_is_written_into_a_folder_that_others_get() {
    let desk = desk();
    let path = |name: &str| desk.path().join(name);
    fs::create_dir_all(path("away")).unwrap();
    symlink(path("r/draft"), path("link")).unwrap();
    fs::create_dir_all(path("public/metadata")).unwrap();
    fs::write(path("public/metadata/timestamp.json"), "{}").unwrap();
    let absolute = path("r/k");
    let files = [
        "r/k",
        "r/draft/k",
        // Folders that are not there yet.
        "r/keys/k",
        "r/keys/deep/k",
        "new/../r/k",
        "link/k",
        "link/../k",
        absolute.to_str().unwrap(),
        // Of another working folder than the one that is meant, or of none that was named.
        "other/k",
        "public/k",
        "public/keys/k",
    ];
    desk.done("--repo other init");
    for file in files {
        for repo in ["--repo r", "--repo away", ""] {
            let said = refused(&desk, &format!("{repo} key new {file}"), 2);
            assert!(
                said.contains("refused to write key") && said.contains("hint: choose a file outside"),
                "{said}"
            );
        }
    }
    let mut found = Command::new("find");
    let found =
        found.arg(desk.path()).args(["-name", "*.pub", "-o", "-name", "k", "-o", "-name", "keys"]).output();
    assert_eq!(String::from_utf8(found.unwrap().stdout).unwrap(), "");
    desk.done("--repo r key new keys/k");
    desk.done("--repo r key new r2/k");
}

#[test]
fn a_locked_folder_makes_no_half_of_a_key() {
    let desk = desk();
    let held = Disk.lock(&desk.path().join("r")).unwrap();
    refused(&desk, "--repo r key new k --role all", 50);
    for name in ["k", "k.pub"] {
        assert!(!desk.path().join(name).exists(), "{name}");
    }
    drop(held);
    desk.done("--repo r key new k --role all");
}

#[test]
fn a_key_that_was_cut_half_way_is_completed() {
    for more in ["", "--encrypt --passphrase-file word"] {
        let desk = desk();
        let path = |name: &str| desk.path().join(name);
        fs::write(path("word"), "a word\n").unwrap();
        fs::set_permissions(path("word"), fs::Permissions::from_mode(0o600)).unwrap();
        desk.done(&format!("key new k {more}"));
        let (private, public) = (fs::read(path("k")).unwrap(), fs::read(path("k.pub")).unwrap());
        // Cut between the two renames.
        fs::rename(path("k.pub"), path(".k.pub.partial")).unwrap();
        let would = desk.json(&format!("--repo r key new k --role all {more} --dry-run"));
        let files = would["data"]["dry_run"]["files"].as_array().unwrap();
        let keys: Vec<&str> = files
            .iter()
            .map(|one| one["path"].as_str().unwrap())
            .filter(|one| one.starts_with('k'))
            .collect();
        assert_eq!(keys, ["k.pub"], "the half that is there stays");
        assert!(path(".k.pub.partial").exists() && !path("k.pub").exists());
        if more.is_empty() {
            // A plain key is not what was asked for.
            for rehearsed in ["", " --dry-run"] {
                let line = format!("key new k --encrypt --passphrase-file word{rehearsed}");
                assert!(refused(&desk, &line, 2).contains("refused to write key k: "));
            }
        }
        desk.done(&format!("--repo r key new k --role all {more}"));
        assert_eq!((fs::read(path("k")).unwrap(), fs::read(path("k.pub")).unwrap()), (private, public));
        assert!(!path(".k.pub.partial").exists());
        desk.done(&format!("--repo r root sign --key k {more}").replace("--encrypt ", ""));

        // Before either: what lies under partial names was never a key.
        fs::write(path(".n.partial"), "torn").unwrap();
        fs::write(path(".n.pub.partial"), "torn").unwrap();
        desk.done(&format!("key new n {more}"));
        assert!(!path(".n.partial").exists() && !path(".n.pub.partial").exists());
        assert_eq!(fs::metadata(path("n")).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_file_in_the_way_is_named_with_what_to_do() {
    let desk = desk();
    let path = |name: &str| desk.path().join(name);
    desk.done("key new whole");
    desk.done("key new private");
    fs::remove_file(path("private.pub")).unwrap();
    desk.done("key new public");
    fs::remove_file(path("public")).unwrap();
    // Another key's public half under the partial name.
    desk.done("key new foreign");
    fs::rename(path("foreign.pub"), path("other.pub")).unwrap();
    fs::copy(path("whole.pub"), path(".foreign.pub.partial")).unwrap();
    for (name, file, hint) in [
        ("whole", "whole", "updog-repo root add-key whole --role ROLES"),
        ("private", "private", "updog-repo root add-key private --role ROLES"),
        ("public", "public.pub", "it is the public half of a key that is elsewhere"),
        ("foreign", "foreign", "updog-repo root add-key foreign --role ROLES"),
    ] {
        let said = refused(&desk, &format!("--repo r key new {name} --role all"), 2);
        assert!(said.contains(&format!("refused to write key {file}: ")) && said.contains(hint), "{said}");
    }
    let said = refused(&desk, "key new whole/deep", 2);
    assert!(said.contains("failed to write whole: ") && said.contains("make its folder first"), "{said}");
    desk.done("--repo r root add-key private --role all");
    assert!(!path("private.pub").exists() && !path("foreign.pub").exists());
}

#[test]
fn a_public_half_that_cannot_be_written_leaves_no_private_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    // Nothing is there, and yet the name is taken.
    symlink("nowhere", path("k.pub")).unwrap();
    assert!(generate(KeyKind::Ed25519, &path("k")).is_err());
    assert_eq!(names(dir.path()), ["k.pub"]);
    fs::remove_file(path("k.pub")).unwrap();
    fs::create_dir(path(".k.pub.partial")).unwrap();
    assert!(generate(KeyKind::Ed25519, &path("k")).is_err());
    assert_eq!(names(dir.path()), [".k.pub.partial"]);
    fs::remove_dir(path(".k.pub.partial")).unwrap();
    let key = generate(KeyKind::Ed25519, &path("k")).unwrap();
    assert_eq!(
        key_id(&public_key(&key.public_file).unwrap()).unwrap(),
        *Signer::from_file(&path("k")).unwrap().id()
    );
}

fn names(dir: &Path) -> Vec<String> {
    Disk.names(dir).unwrap()
}

/// Kind and file of what doctor says about private keys.
fn found(desk: &Desk) -> Vec<(String, String)> {
    let answer = desk.json("--repo r doctor");
    let findings = answer["data"]["findings"].as_array().unwrap().clone();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let mut found: Vec<(String, String)> = findings
        .iter()
        .filter(|finding| ["key_mode", "key_inside"].contains(&finding["kind"].as_str().unwrap()))
        .map(|finding| (word(&finding["kind"]), word(&finding["what"]).split(' ').nth(2).unwrap().to_owned()))
        .collect();
    found.sort();
    found
}

#[test]
fn doctor_sees_private_keys_anywhere_in_the_folder() {
    let desk = desk();
    let path = |name: &str| desk.path().join(name);
    fs::write(path("word"), "a word\n").unwrap();
    fs::set_permissions(path("word"), fs::Permissions::from_mode(0o600)).unwrap();
    for line in ["key new ed", "key new ec --type ecdsa", "key new locked --encrypt --passphrase-file word"] {
        desk.done(line);
    }
    assert_eq!(found(&desk), []);
    fs::create_dir_all(path("r/notes/old")).unwrap();
    let der = pem::parse(fs::read(path("ec")).unwrap()).unwrap().into_contents();
    let text = format!("Kept here for now.\n\n{}", fs::read_to_string(path("ed")).unwrap());
    let strays = [
        ("r/k", fs::read(path("ed")).unwrap()),
        ("r/notes/old/.hidden", fs::read(path("locked")).unwrap()),
        ("r/blobs/key.der", der),
        ("r/notes/readme", text.into_bytes()),
    ];
    for (name, bytes) in &strays {
        fs::write(path(name), bytes).unwrap();
        fs::set_permissions(path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    // Public halves, and whatever is no key, are none.
    fs::copy(path("ed.pub"), path("r/ed.pub")).unwrap();
    fs::write(path("r/notes/about"), "BEGIN PRIVATE KEY is how one begins").unwrap();
    let mut expected: Vec<(String, String)> =
        strays.iter().map(|(name, _)| ("key_inside".to_owned(), (*name).to_owned())).collect();
    expected.sort();
    assert_eq!(found(&desk), expected);
    assert!(desk.run("--repo r doctor") == 12);
    for (name, _) in &strays {
        fs::remove_file(path(name)).unwrap();
    }
    assert_eq!(found(&desk), []);
    // A folder that becomes a working folder has what it has.
    fs::create_dir(path("soon")).unwrap();
    fs::copy(path("ed"), path("soon/k")).unwrap();
    assert!(desk.done("--repo soon init").contains("Private key soon/k lies in it: move it away."));
}

#[test]
fn doctor_sees_that_others_can_read_keys_that_nobody_named() {
    let desk = desk();
    let path = |name: &str| desk.path().join(name);
    let open = |name: &str| fs::set_permissions(path(name), fs::Permissions::from_mode(0o644)).unwrap();
    let mode = |name: &str| ("key_mode".to_owned(), name.to_owned());
    // Made for this folder, by id in the root and nowhere in repo.toml.
    desk.done("--repo r key new vault/release --role all");
    desk.done("--repo r key new desk/spare");
    assert_eq!(found(&desk), []);
    open("vault/release");
    open("desk/spare");
    assert_eq!(found(&desk), [mode("r/../desk/spare"), mode("r/../vault/release")]);
    // Beside one that is named, made by somebody else.
    desk.done("key new ring/ann");
    desk.done("key new ring/old.key");
    open("ring/old.key");
    fs::write(path("r/repo.toml"), "[keys]\nann = \"../ring/ann.pub\"\n").unwrap();
    let names: Vec<String> = found(&desk).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["r/../desk/spare", "r/../ring/old.key", "r/../vault/release"]);
    // On a machine without them nothing is said.
    for dir in ["vault", "desk", "ring"] {
        fs::rename(path(dir), path(&format!("{dir}-elsewhere"))).unwrap();
    }
    assert_eq!(found(&desk), []);
}

/// A line of which no file may become longer than 512 bytes: the writes beyond fail.
fn cramped(desk: &Desk, line: &str) -> std::process::Output {
    let program = env!("CARGO_BIN_EXE_updog-repo");
    let line = format!("trap '' XFSZ; ulimit -f 1; {program} {line}");
    Command::new("sh").args(["-c", &line]).current_dir(desk.path()).output().unwrap()
}

#[test]
fn a_key_that_could_not_be_written_down_is_made_by_the_next_run() {
    let desk = desk();
    let path = |name: &str| desk.path().join(name);
    // The root that lists it is longer.
    let output = cramped(&desk, "--repo r key new k --role all");
    assert_eq!(output.status.code(), Some(40), "{output:?}");
    let first = fs::read(path("k")).unwrap();
    // With other words it is another key, and never overwritten.
    refused(&desk, "--repo r key new k --role all --kind rsa", 2);
    refused(&desk, "--repo r key new k", 2);
    desk.done("--repo r key new k --role all");
    assert_eq!(fs::read(path("k")).unwrap(), first);
    refused(&desk, "--repo r key new k --role all", 2);
    assert_eq!(fs::read(path("k")).unwrap(), first);
    // The list of keys is longer: there is no key, so the next run makes one.
    let long = format!("{{\"format\": 1, \"made\": [\"../{}\"]}}", "x".repeat(600));
    fs::write(path("r/made-keys.json"), long).unwrap();
    let output = cramped(&desk, "--repo r key new l --role all");
    assert_eq!(output.status.code(), Some(40), "{output:?}");
    assert!(!path("l").exists() && !path("l.pub").exists());
    desk.done("--repo r key new l --role all");
    // Nobody's work is taken up that this folder does not know.
    desk.done("key new m");
    refused(&desk, "--repo r key new m --role all", 2);
}
