//! Places as they are typed: each verb reads every kind of place or refuses it, and says no secret of its URL.

use std::fs;
use std::process::{Command, Output};

use fixtures::server::{Faults, Server};
use serde_json::Value;

use crate::cli::Desk;
use crate::moto::{Bucket, Moto};
use crate::s3::plant;
use crate::stores::remember;

const SECRET: &str = "hunter2";

/// A published repository, and a working folder that knows it by names.
fn published() -> Desk {
    let desk = Desk::new();
    for line in [
        "--repo r init",
        "--repo r key new k --role all",
        "--repo r release add release --level 1",
        "--repo r sign --key k",
        "--repo r publish public",
        "bundle public one.bundle",
    ] {
        desk.done(line);
    }
    desk
}

fn name_stores(desk: &Desk, stores: &[(&str, &str)]) {
    let lines: Vec<String> = stores.iter().map(|(name, place)| format!("{name} = {place:?}")).collect();
    let path = desk.path().join("r/repo.toml");
    let text = fs::read_to_string(&path).unwrap();
    let named = text.replace("\n[stores]\n", &format!("\n[stores]\n{}\n", lines.join("\n")));
    assert_ne!(named, text, "the defaults have the section");
    fs::write(path, named).unwrap();
}

/// Runs it in both forms, and looks for the secret in all that is said. The exit code is the same.
fn quiet(desk: &Desk, line: &str) -> i32 {
    let [text, json] = ["", " --json"].map(|form| desk.output(&format!("{line}{form}")));
    for output in [&text, &json] {
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!said.contains(SECRET) && !said.contains("panicked"), "{line}: {said}");
    }
    let object: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(object["exit"].as_i64(), json.status.code().map(i64::from), "{line}");
    assert_eq!(text.status.code(), json.status.code(), "{line}");
    text.status.code().unwrap()
}

/// The verbs that would ask a server.
const READING: &[&str] = &[
    "validate PLACE",
    "--repo r report PLACE --out page",
    "mirror PLACE copy",
    "bundle PLACE copy.bundle",
    "expirations PLACE",
    "--repo r release diff --against PLACE",
];

/// Every verb that takes a place, and every option that a place could be given to by mistake.
const VERBS: &[&str] = &[
    "validate PLACE",
    "validate public PLACE",
    "validate public --root PLACE",
    "validate public --root=PLACE",
    "--repo r report PLACE --out page",
    "report public --out PLACE",
    "mirror PLACE copy",
    "mirror public PLACE",
    "bundle PLACE copy.bundle",
    "bundle public PLACE",
    "bundle public copy.bundle --from PLACE",
    "expirations PLACE",
    "--repo r release diff --against PLACE",
    "--repo r release add PLACE",
    "--repo r waves set PLACE",
    "--repo r waves simulate slow --svg PLACE",
    "--repo r root sign PLACE --key k",
    "--repo r root add-key PLACE --role all",
    "--repo r root remove-key PLACE",
    "--repo r sign --key PLACE",
    "--repo r publish PLACE",
    "refresh PLACE --key k",
    "refresh public --key PLACE",
    "prune PLACE",
    "--repo r delta add --last 1 --source PLACE",
    "--repo r delegation add tools --key PLACE --path x",
    "--repo r delegation sign tools --key PLACE",
    "--repo r delegation sign tools --key k --target PLACE",
    "--repo r delegation take tools PLACE",
    "--repo r delegation take tools k --targets PLACE",
    "--repo r migrations set 1.0.0 1.1.0 PLACE",
    "--repo r targets propose --out PLACE",
    "--repo r targets sign PLACE --key k",
    "--repo r targets collect PLACE",
    "--repo r root propose --out PLACE",
    "--repo r root sign ask --key k --root PLACE",
    "--repo r root sign ask --key k --out PLACE",
    "--repo r root collect PLACE",
    "--repo r waves plan PLACE",
    "--repo r waves plan slow --svg PLACE",
    "--repo r waves simulate PLACE",
    "key new PLACE",
    "key show PLACE",
    "--repo r key rotate PLACE k.pub --role all",
    "--repo r --passphrase-file PLACE sign --key k",
    "--repo PLACE init",
    "--repo PLACE doctor",
    "PLACE",
];

#[test]
fn no_verb_says_a_secret_of_a_url() {
    let desk = published();
    let wrong = [
        "ftp://user:hunter2@updates.example/x",
        "https://user:hunter2/more@updates.example/x",
        "https://updates.example/x?token=hunter2",
        "HTTPS://user:hunter2@updates.example/#hunter2",
        "http:user:hunter2@updates.example/x",
        "s3://id:hunter2@bucket/x",
        "s3://bucket/x?token=hunter2",
    ];
    for place in wrong {
        for verb in VERBS {
            if place.starts_with("http:") && READING.contains(verb) {
                continue; // It would be asked, and nobody is there.
            }
            let line = verb.replace("PLACE", place);
            assert!(quiet(&desk, &line) != 0, "{line}");
        }
    }
    let made: Vec<_> = fs::read_dir(desk.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(made.iter().all(|name| !name.to_string_lossy().contains(':')), "{made:?}");
    assert_eq!(quiet(&desk, "validate http://user:hunter2@127.0.0.1:1/x"), 20, "nobody is there");
}

#[test]
fn a_place_with_a_password_is_read_and_the_password_is_not_repeated() {
    let desk = published();
    let server = Server::start(desk.path().join("public"), Faults::default()).unwrap();
    let url = server.url().replace("http://", "http://user:hunter2@");
    name_stores(&desk, &[("far", &url)]);
    for place in [url.as_str(), "far"] {
        for verb in [
            "--repo r validate PLACE",
            "--repo r report PLACE --out page",
            "--repo r mirror PLACE ./copy",
            "--repo r bundle PLACE copy.bundle",
            "--repo r expirations PLACE",
        ] {
            let line = verb.replace("PLACE", place);
            assert_eq!(quiet(&desk, &line), 0, "{line}");
        }
        assert_eq!(quiet(&desk, &format!("--repo r release diff --against {place}")), 10, "no difference");
        let page = fs::read_to_string(desk.path().join("page/index.html")).unwrap();
        assert!(page.contains("127.0.0.1") && !page.contains(SECRET), "{page}");
        for verb in ["--repo r publish PLACE", "--repo r refresh PLACE --key k", "--repo r prune PLACE"] {
            assert_eq!(quiet(&desk, &verb.replace("PLACE", place)), 2, "{verb}");
        }
    }
    quiet(&desk, "--repo r doctor");
    // What is wrong there is told without it too.
    fs::remove_file(desk.path().join("public/metadata/timestamp.json")).unwrap();
    for verb in ["validate", "expirations", "report --out page"] {
        assert!(quiet(&desk, &format!("--repo r {verb} far")) != 0, "{verb}");
    }
    fs::write(desk.path().join("r/repo.toml"), format!("stores = {url:?}\n")).unwrap();
    assert_eq!(quiet(&desk, "--repo r doctor --key k"), 12);
    assert_eq!(quiet(&desk, "--repo r validate far"), 2);
}

/// A server that has a page of its own for everything it has not, with 200: the error names what it was asked for.
#[test]
fn a_page_in_place_of_a_missing_root_is_named() {
    let desk = published();
    fs::write(desk.path().join("public/metadata/2.root.json"), "<!doctype html><p>Not here").unwrap();
    let server = Server::start(desk.path().join("public"), Faults::default()).unwrap();
    for verb in [
        "validate PLACE",
        "mirror PLACE copy",
        "bundle PLACE copy.bundle",
        "expirations PLACE",
        "report PLACE --out page",
    ] {
        let output = desk.output(&verb.replace("PLACE", &server.url()));
        let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned();
        let code = if verb.starts_with("validate") { 12 } else { 30 };
        assert_eq!(output.status.code(), Some(code), "{verb}: {said}");
        assert!(
            said.contains("/metadata/2.root.json: expected metadata in JSON, found HTML"),
            "{verb}: {said}"
        );
        assert!(code == 12 || said.contains("hint: the mirror must answer 404"), "{verb}: {said}");
    }
}

#[test]
fn what_lies_on_this_machine_is_not_written_to_a_bucket() {
    let desk = published();
    name_stores(
        &desk,
        &[("bucket", "s3://updates/stable"), ("shelf", "shelf"), ("site", "https://a.example/")],
    );
    for place in ["s3://updates/stable", "bucket", "site", "https://a.example"] {
        let output = desk.output(&format!("--repo r mirror public {place}"));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{place}: {said}");
        assert!(said.contains("expected a folder") && said.contains("hint: "), "{place}: {said}");
        assert!(!desk.path().join(place.split('/').next().unwrap()).exists(), "{place}");
    }
    // A name is the place that it stands for.
    desk.done("--repo r mirror public shelf");
    assert!(
        desk.path().join("r/shelf/metadata/timestamp.json").exists() && !desk.path().join("shelf").exists()
    );
}

#[test]
fn a_store_with_a_typo_is_no_new_folder() {
    let desk = published();
    desk.done("--repo r publish fresh");
    name_stores(&desk, &[("prod", "s3://updates/stable"), ("shelf", "shelf")]);
    for (typed, near) in
        [("prdo", "\"prod\""), ("Prod", "\"prod\""), ("shelv", "\"shelf\""), ("elsewhere", "./elsewhere")]
    {
        for verb in [
            "publish PLACE",
            "mirror public PLACE",
            "refresh PLACE --key k",
            "prune PLACE",
            "validate PLACE",
            "bundle PLACE b",
            "expirations PLACE",
        ] {
            let output = desk.output(&format!("--repo r {}", verb.replace("PLACE", typed)));
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{verb} {typed}: {said}");
            assert!(
                said.contains("no such store") && said.contains(near) && said.contains("./"),
                "{verb} {typed}: {said}"
            );
        }
        assert!(!desk.path().join(typed).exists(), "{typed}");
    }
    for typed in ["s3:/updates/stable", "s3:updates/stable", "s3:updates"] {
        for verb in ["publish PLACE", "mirror public PLACE", "validate PLACE"] {
            let output = desk.output(&format!("--repo r {}", verb.replace("PLACE", typed)));
            assert_eq!(output.status.code(), Some(2), "{verb} {typed}");
        }
        assert!(!desk.path().join(typed.split('/').next().unwrap()).exists(), "{typed}");
    }
    // What is there, and what clearly is a path, is what it was.
    desk.done("--repo r publish public");
    desk.done("--repo r publish ./new");
    desk.done("--repo r mirror public deep/er");
}

#[test]
fn a_bundle_and_a_name_are_read_like_a_folder() {
    let desk = published();
    name_stores(&desk, &[("near", "../public")]);
    for place in ["near", "one.bundle", "public"] {
        let done = desk.json(&format!("--repo r report {place} --out page"));
        assert_eq!((done["exit"].as_i64(), done["data"]["releases"].as_u64()), (Some(0), Some(1)), "{place}");
        assert_eq!(desk.run(&format!("--repo r release diff --against {place}")), 10, "{place}");
    }
    for verb in ["report nowhere --out page", "release diff --against nowhere", "validate nowhere"] {
        let output = desk.output(&format!("--repo r {verb}"));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains("hint: "), "{verb}: {said}");
    }
}

#[test]
fn a_bucket_is_read_like_a_folder() {
    let desk = published();
    let bucket = Moto::running().bucket();
    plant(&bucket, "p", &remember(&desk.path().join("public")));
    let place = format!("s3://{}/p", bucket.name);
    name_stores(&desk, &[("far", &place)]);
    for (line, code) in [
        (format!("report {place} --out page"), 0),
        ("report far --out page".to_owned(), 0),
        ("mirror far ./copy".to_owned(), 0),
        ("bundle far far.bundle".to_owned(), 0),
        ("expirations far".to_owned(), 0),
        ("release diff --against far".to_owned(), 10),
        (format!("release diff --against s3://{}/other", bucket.name), 0),
        (format!("report s3://{}/other --out page", bucket.name), 2),
    ] {
        let output = there(&desk, &bucket, &format!("--repo r {line}"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
    }
    assert!(fs::read_to_string(desk.path().join("page/index.html")).unwrap().contains(&place));
}

fn there(desk: &Desk, bucket: &Bucket, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_updog-repo"))
        .args(line.split_whitespace())
        .envs(bucket.variables())
        .current_dir(desk.path())
        .output()
        .unwrap()
}
