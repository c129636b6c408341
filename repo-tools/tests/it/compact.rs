//! What is published has no blanks; what was published with them goes on as it is.

use std::fs;
use std::path::Path;

use release::Digest;
use release::manifest::Manifest;
use tough::schema::{Role, Root, Signed, Snapshot, Targets, Timestamp};
use updog_repo::Blob;

use crate::cli::Desk;
use crate::common::{resign, write_release};

fn published() -> Desk {
    let desk = Desk::new();
    for line in [
        "--repo r init",
        "--repo r key new k --role all",
        "--repo r release add release --level 1",
        "--repo r sign --key k",
        "--repo r publish public",
    ] {
        desk.done(line);
    }
    desk
}

/// The file in `dir` whose name ends so; of several, one that is named by its digest alone.
fn file(dir: &Path, end: &str) -> Vec<u8> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = names.filter(|path| path.to_str().unwrap().ends_with(end)).collect();
    assert_eq!(found.len(), 1, "{end}: {found:?}");
    fs::read(found.remove(0)).unwrap()
}

/// The bytes of `signed` in a role's file are the very ones that were signed.
fn holds_what_was_signed<T: Role + serde::de::DeserializeOwned>(bytes: &[u8]) {
    let parsed: Signed<T> = serde_json::from_slice(bytes).unwrap();
    let text = str::from_utf8(bytes).unwrap();
    let (signatures, signed) = text.split_once("],\"signed\":").unwrap();
    assert!(signatures.starts_with("{\"signatures\":["), "{text}");
    let signed = signed.strip_suffix("}\n").unwrap();
    assert_eq!(signed.as_bytes(), parsed.signed.canonical_form().unwrap());
}

#[test]
fn what_is_published_has_no_blanks_and_the_draft_has() {
    let desk = published();
    let (metadata, targets) = (desk.path().join("public/metadata"), desk.path().join("public/targets"));
    holds_what_was_signed::<Root>(&file(&metadata, "1.root.json"));
    holds_what_was_signed::<Targets>(&file(&metadata, ".targets.json"));
    holds_what_was_signed::<Snapshot>(&file(&metadata, ".snapshot.json"));
    holds_what_was_signed::<Timestamp>(&file(&metadata, "timestamp.json"));
    let shown = file(&targets, ".manifest.json");
    let manifest = Manifest::parse(&shown).unwrap();
    assert_eq!(shown, manifest.encode().unwrap());
    let draft = fs::read(desk.path().join("r/draft/manifest.json")).unwrap();
    assert_eq!(draft, manifest.encode_pretty().unwrap());
}

/// As updog-repo wrote it before: all of it with blanks, as tough writes roles.
fn with_blanks(desk: &Desk) -> Vec<u8> {
    let public = desk.path().join("public");
    let targets = public.join("targets");
    let shown = file(&targets, ".manifest.json");
    fs::remove_file(targets.join(format!("{}.manifest.json", Digest::of(&shown)))).unwrap();
    let pretty = Manifest::parse(&shown).unwrap().encode_pretty().unwrap();
    let blob = Blob::of(&pretty);
    fs::write(targets.join(blob.file_name("manifest.json")), &pretty).unwrap();
    resign(&public, &desk.path().join("k"), &blob);
    pretty
}

#[test]
fn a_repository_with_blanks_is_not_another_one() {
    let desk = published();
    let pretty = with_blanks(&desk);
    let public = desk.path().join("public");
    desk.done("--repo s adopt public --root r/root/1.root.json");
    for against in ["", " --against public"] {
        assert_eq!(desk.run(&format!("--repo s release diff{against}")), 10, "{against}");
    }
    let roles = || file(&public.join("metadata"), ".targets.json");
    let before = roles();
    assert!(before.starts_with(b"{\n  "));
    assert!(desk.done("--repo s sign --key k").contains("nothing to sign"));
    assert!(desk.done("--repo s publish public").contains("already published"));
    let ill = desk.json("--repo s doctor")["data"].to_string();
    assert!(!ill.contains("draft"), "{ill}");
    assert_eq!(roles(), before);

    // Signed anew for its date alone, also offline, the manifest that hosts have stays.
    desk.run("--repo s targets propose --renew --out ask");
    desk.done("targets sign ask --key k --yes");
    desk.done("--repo s targets collect ask");
    for line in ["--repo s sign --key k", "--repo s publish public"] {
        desk.done(line);
    }
    assert_eq!(file(&public.join("targets"), ".manifest.json"), pretty);

    // The next change is published without blanks.
    write_release(&desk.path().join("later"), "1.1.0", "1.1.0");
    for line in [
        "--repo s release add later --level 1",
        "--repo s sign --key k",
        "--repo s publish public",
        "validate public --root r/root/1.root.json",
    ] {
        desk.done(line);
    }
    let manifests = fs::read_dir(public.join("targets")).unwrap().map(|entry| entry.unwrap().path());
    let manifests = manifests.filter(|path| path.to_str().unwrap().ends_with(".manifest.json"));
    let mut forms: Vec<bool> = manifests.map(|path| fs::read(path).unwrap().starts_with(b"{\"")).collect();
    forms.sort_unstable();
    assert_eq!(forms, [false, true]);
}
