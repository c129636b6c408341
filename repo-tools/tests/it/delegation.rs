//! Names that others sign for: kept by every verb, signed apart, verified, carried, and read by other clients.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fixtures::server::{Faults, Server};
use futures_util::StreamExt;
use serde_json::Value;
use tough::{RepositoryLoader, TargetName};
use trust_core::Expiry;
use updog_repo::Disk;
use updog_repo::files::Files;
use updog_repo::host_check::{find, follow, target_bytes};
use updog_repo::source::FolderSource;

use crate::cli::Desk;
use crate::common::python;

/// Two of three keys of a team may sign for `tools-*`; nothing of it is signed yet.
fn delegated() -> Desk {
    let desk = Desk::new();
    for line in [
        "--repo repo init",
        "--repo repo key new release.key --role all",
        "key new a.key",
        "key new b.key",
        "key new c.key",
        "--repo repo release add release --level 1",
        "--repo repo sign --key release.key",
        "--repo repo publish public",
        "--repo repo delegation add team --key a.key.pub --key b.key.pub --key c.key.pub --threshold 2 --path tools-*",
    ] {
        desk.done(line);
    }
    fs::write(desk.path().join("tools-1.tar"), "first tools").unwrap();
    fs::write(desk.path().join("tools-2.tar"), "second tools").unwrap();
    desk
}

/// The same, signed by both, and published.
fn published() -> Desk {
    let desk = delegated();
    for line in [
        "--repo repo delegation sign team --key a.key --target tools-1.tar",
        "--repo repo delegation sign team --key b.key",
        "--repo repo sign --key release.key",
        "--repo repo publish public",
    ] {
        desk.done(line);
    }
    desk
}

/// A target as a host that was shipped with root 1 finds it.
fn found(dir: &Path, root: &Path, name: &str) -> Option<Vec<u8>> {
    let source = FolderSource::new(&Disk, dir);
    let root = fs::read(root).unwrap();
    let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
    let (mut session, _) = follow(&source, root, now, Expiry::Enforce).unwrap();
    let target = find(&source, &mut session, name).unwrap()?;
    Some(target_bytes(&source, &target, 1 << 20).unwrap())
}

fn role(desk: &Desk, dir: &str) -> Value {
    let names = fs::read_dir(desk.path().join(dir)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        names.filter(|path| path.to_str().unwrap().ends_with(".team.json")).collect();
    files.sort();
    serde_json::from_slice(&fs::read(files.last().unwrap()).unwrap()).unwrap()
}

#[test]
fn a_role_is_signed_apart_and_hosts_find_what_it_signs() {
    let desk = delegated();
    let root = desk.path().join("repo/root/1.root.json");
    // Targets that lead to a role that nobody signed would be a hole for hosts.
    let refused = desk.json("--repo repo sign --key release.key");
    assert_eq!((refused["exit"].as_i64(), refused["reason"].as_str()), (Some(11), Some("signatures")));
    let one = desk.json("--repo repo delegation sign team --key a.key --target tools-1.tar");
    assert_eq!(one["data"]["lacks"]["signatures"], 1, "{one}");
    assert_eq!(desk.run("--repo repo sign --key release.key"), 11);
    assert_eq!(desk.run("--repo repo delegation sign team --key a.key"), 11, "the same key counts once");
    let both = desk.json("--repo repo delegation sign team --key c.key");
    assert_eq!(both["data"]["lacks"]["signatures"], 0, "{both}");
    assert_eq!(both["data"]["version"], one["data"]["version"], "one document, two signatures");
    assert_eq!(desk.run("--repo repo delegation sign team --key b.key"), 0);
    assert_eq!(desk.run("--repo repo delegation sign team --key b.key"), 10);
    assert_eq!(desk.run("--repo repo publish public"), 50, "the draft has a delegation that is not signed");
    desk.done("--repo repo sign --key release.key");
    desk.done("--repo repo publish public");
    assert_eq!(found(&desk.path().join("public"), &root, "tools-1.tar").unwrap(), b"first tools");
    assert!(
        desk.done("validate public --root repo/root/1.root.json").contains("no problems: 5 roles, 8 targets")
    );
    let ends = desk.json("--repo repo expirations");
    let roles: Vec<&str> = ends["data"]["expirations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["role"].as_str().unwrap())
        .collect();
    assert!(roles.contains(&"team"), "{roles:?}");
}

#[test]
fn a_release_and_a_rotation_keep_what_is_left_to_others() {
    let desk = published();
    let root = desk.path().join("repo/root/1.root.json");
    let before = role(&desk, "public/metadata");
    crate::common::write_release(&desk.path().join("next"), "1.1.0", "1.1.0");
    for line in [
        "--repo repo release add next --level 1",
        "--repo repo waves set normal --version 1.1.0",
        "--repo repo key new new.key --role targets,snapshot,timestamp",
        "--repo repo root remove-key release.key.pub --role targets,snapshot,timestamp",
        "--repo repo root sign --key release.key",
        "--repo repo sign --key release.key --key new.key",
        "--repo repo publish public",
        "refresh public --key new.key",
        "mirror public copy",
        "bundle public one.bundle",
    ] {
        desk.done(line);
    }
    assert_eq!(role(&desk, "public/metadata"), before, "not a byte of the role changed");
    for place in ["public", "copy"] {
        assert_eq!(found(&desk.path().join(place), &root, "tools-1.tar").unwrap(), b"first tools", "{place}");
    }
    // A bundle leaves out what is in no release, and carries the role.
    for (place, counts) in
        [("public", "5 roles, 14 targets"), ("copy", "5 roles, 14 targets"), ("one.bundle", "5 roles, ")]
    {
        let said = desk.done(&format!("validate {place} --root repo/root/1.root.json"));
        assert!(said.contains("no problems") && said.contains(counts), "{place}: {said}");
    }
}

/// A copy gets the documents of delegated roles past the files, and they are named all the same.
#[test]
fn a_dry_run_names_the_documents_of_delegated_roles() {
    let desk = published();
    let would = |line: &str| -> Vec<String> {
        let answer = desk.json(&format!("{line} --dry-run"));
        assert_eq!(answer["exit"], 0, "{line}: {answer}");
        let files = answer["data"]["dry_run"]["files"].as_array().unwrap().iter();
        files.map(|one| one["path"].as_str().unwrap().to_owned()).collect()
    };
    let team = |files: &[String]| files.iter().filter(|file| file.ends_with(".team.json")).count();
    let first = would("mirror public copy");
    assert_eq!(team(&first), 1, "{first:?}");
    desk.done("mirror public copy");
    let mut made = Vec::new();
    for part in ["copy/metadata", "copy/targets"] {
        let names = Disk.names(&desk.path().join(part)).unwrap();
        made.extend(names.into_iter().map(|name| format!("{part}/{name}")));
    }
    let mut first = first;
    first.sort();
    made.sort();
    assert_eq!(first, made);
    assert_eq!(would("mirror public copy"), [""; 0], "all is there");
    // Others have signed nothing new: the document that is there stays.
    desk.done("refresh public --key release.key");
    assert_eq!(would("mirror public copy"), ["copy/metadata/timestamp.json"]);
    for line in ["team --key a.key --target tools-2.tar", "team --key b.key"] {
        desk.done(&format!("--repo repo delegation sign {line}"));
    }
    // Within the second of the refresh the folder, which has not seen it, would sign the same version.
    let later =
        chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()) + chrono::TimeDelta::minutes(1);
    let later = later.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    for line in ["sign --key release.key", "publish public"] {
        desk.done(&format!("--repo repo {line} --clock {later}"));
    }
    let second = would("mirror public copy");
    assert_eq!(team(&second), 1, "{second:?}");
}

#[test]
fn what_a_role_may_not_do_is_refused_and_nothing_is_written() {
    let desk = published();
    let before = fs::read(desk.path().join("repo/signing/delegated/team.json")).unwrap();
    fs::write(desk.path().join("other.tar"), "x").unwrap();
    fs::write(desk.path().join("manifest.json"), "{}").unwrap();
    let add = "--repo repo delegation add";
    for (line, code) in [
        ("--repo repo delegation sign team --key a.key --target other.tar".to_owned(), 50),
        ("--repo repo delegation sign team --key a.key --target manifest.json".to_owned(), 50),
        ("--repo repo delegation sign team --key a.key --drop tools-9.tar".to_owned(), 50),
        ("--repo repo delegation sign team --key release.key".to_owned(), 50),
        ("--repo repo delegation sign nobody --key a.key".to_owned(), 50),
        ("--repo repo delegation remove nobody".to_owned(), 50),
        (format!("{add} targets --key a.key.pub --path x"), 50),
        (format!("{add} team/../x --key a.key.pub --path x"), 50),
        (format!("{add} two --key a.key.pub --key a.key.pub --threshold 2 --path x"), 50),
        (format!("{add} bad --key a.key.pub --path a[b"), 50),
        (
            format!(
                "{add} team --key a.key.pub --key b.key.pub --key c.key.pub --threshold 2 --path tools-*"
            ),
            10,
        ),
    ] {
        assert_eq!(desk.run(&line), code, "{line}");
    }
    assert_eq!(fs::read(desk.path().join("repo/signing/delegated/team.json")).unwrap(), before);
    let dry = desk.done("--repo repo delegation sign team --key a.key --target tools-2.tar --dry-run");
    assert!(dry.contains("dry run"), "{dry}");
    assert_eq!(fs::read(desk.path().join("repo/signing/delegated/team.json")).unwrap(), before);
    assert!(desk.done("--repo repo sign --key release.key").contains("nothing to sign"));
}

/// TUF 5.5.5: hosts refuse a snapshot that forgets a role, and one that lists it older.
#[test]
fn a_role_that_is_gone_stays_listed_and_none_goes_back() {
    let desk = published();
    let root = desk.path().join("repo/root/1.root.json");
    let old = desk.path().join("old");
    Command::new("cp").arg("-a").arg(desk.path().join("repo")).arg(&old).status().unwrap();
    for line in [
        "--repo repo delegation sign team --key a.key --key b.key --target tools-2.tar --drop tools-1.tar",
        "--repo repo sign --key release.key",
        "--repo repo publish public",
    ] {
        desk.done(line);
    }
    let public = desk.path().join("public");
    assert_eq!(found(&public, &root, "tools-2.tar").unwrap(), b"second tools");
    assert_eq!(found(&public, &root, "tools-1.tar"), None);
    // The other copy of the working folder knows nothing of it.
    let later =
        chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()) + chrono::TimeDelta::hours(1);
    let later = later.format("--clock %Y-%m-%dT%H:%M:%SZ --repo old");
    desk.done(&format!("{later} sign --renew targets --key release.key"));
    let refused = desk.json(&format!("{later} publish public"));
    assert_eq!(
        (refused["exit"].as_i64(), refused["reason"].as_str()),
        (Some(50), Some("others")),
        "{refused}"
    );
    // Nor when it is told to take away what others did.
    let refused = desk.json(&format!("{later} publish public --undo-others"));
    assert_eq!(refused["exit"], 50, "{refused}");
    assert!(
        refused["message"].as_str().unwrap().contains("refused delegated role \"team\": version"),
        "{refused}"
    );
    desk.done("--repo repo delegation remove team");
    desk.done("--repo repo sign --key release.key");
    desk.done("--repo repo publish public");
    assert_eq!(found(&public, &root, "tools-2.tar"), None);
    assert!(desk.done("validate public").contains("no problems: 4 roles, 7 targets"));
    let snapshot = fs::read_dir(public.join("metadata")).unwrap().map(|entry| entry.unwrap().path());
    let mut snapshot: Vec<PathBuf> =
        snapshot.filter(|path| path.to_str().unwrap().ends_with(".snapshot.json")).collect();
    snapshot.sort();
    assert!(fs::read_to_string(snapshot.last().unwrap()).unwrap().contains("\"team.json\""));
}

/// A role's document and targets that tough's own editor signed, as `tuftool` does.
#[test]
fn interop_a_role_that_tough_signed_is_taken_and_kept() {
    use tough::editor::signed::SignedRole;
    use tough::schema::{Hashes, KeyHolder, Target, Targets};
    let desk = delegated();
    desk.done("--repo repo delegation add team --key a.key.pub --path tools-*");
    let draft: Value =
        serde_json::from_slice(&fs::read(desk.path().join("repo/draft/targets.json")).unwrap()).unwrap();
    let delegations: tough::schema::Delegations =
        serde_json::from_value(draft["delegations"].clone()).unwrap();
    let bytes = fs::read(desk.path().join("tools-1.tar")).unwrap();
    let sign = |version: u64, bytes: &[u8]| {
        let mut targets = Targets::new(
            "1.0.0".into(),
            version.try_into().unwrap(),
            "2037-01-01T00:00:00Z".parse().unwrap(),
        );
        let hashes =
            Hashes { sha256: release::Digest::of(bytes).bytes().to_vec().into(), _extra: HashMap::new() };
        let target =
            Target { length: bytes.len() as u64, hashes, custom: HashMap::new(), _extra: HashMap::new() };
        targets.targets.insert(TargetName::new("tools-1.tar").unwrap(), target);
        let targets = tough::schema::DelegatedTargets { name: "team".into(), targets };
        let keys = [Box::new(crate::common::PemKey(desk.path().join("a.key")))
            as Box<dyn tough::key_source::KeySource>];
        let rng = aws_lc_rs::rand::SystemRandom::new();
        let holder = KeyHolder::Delegations(delegations.clone());
        let signed = crate::common::wait(SignedRole::new(targets, &holder, &keys, &rng)).unwrap();
        let file = desk.path().join(format!("{version}.team.json"));
        fs::write(&file, signed.buffer()).unwrap();
    };
    sign(7, &bytes);
    assert_eq!(desk.run("--repo repo delegation take team 7.team.json"), 30, "its target is nowhere");
    desk.done("--repo repo delegation take team 7.team.json --targets .");
    assert_eq!(desk.run("--repo repo delegation take team 7.team.json --targets ."), 10);
    sign(6, &bytes);
    assert_eq!(desk.run("--repo repo delegation take team 6.team.json --targets ."), 50);
    sign(8, b"something else");
    assert_eq!(desk.run("--repo repo delegation take team 8.team.json --targets ."), 30);
    let other = fs::read_to_string(desk.path().join("7.team.json")).unwrap();
    let changed = other.replace("\"version\":7", "\"version\":9").replace("\"version\": 7", "\"version\": 9");
    assert_ne!(changed, other);
    fs::write(desk.path().join("9.team.json"), changed).unwrap();
    assert_eq!(
        desk.run("--repo repo delegation take team 9.team.json --targets ."),
        11,
        "not what was signed"
    );
    desk.done("--repo repo sign --key release.key");
    desk.done("--repo repo publish public");
    let root = desk.path().join("repo/root/1.root.json");
    assert_eq!(found(&desk.path().join("public"), &root, "tools-1.tar").unwrap(), b"first tools");
    assert_eq!(role(&desk, "public/metadata")["signed"]["version"], 7);
}

#[test]
fn interop_python_tuf_and_tough_download_what_a_delegated_role_signs() {
    let desk = published();
    let dir = desk.path().join("public");
    let server = Server::start(&dir, Faults::default()).unwrap();
    let cache = tempfile::tempdir().unwrap();
    let root = desk.path().join("repo/root/1.root.json");
    let python = |state: &str| {
        let mut client = Command::new(python());
        client.args(["-c", PYTHON, &server.url()]).arg(&root).arg(state).current_dir(cache.path());
        let out = client.output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    };
    assert_eq!(python("m"), "b'first tools' None");
    // A client that was here before follows: first another document of the role, then none.
    for line in [
        "--repo repo delegation sign team --key b.key --key c.key --target tools-2.tar",
        "--repo repo sign --key release.key",
        "--repo repo publish public",
    ] {
        desk.done(line);
    }
    assert_eq!(python("m"), "b'first tools' b'second tools'");
    let url = |sub: &str| url::Url::from_directory_path(dir.join(sub)).unwrap();
    let bytes = fs::read(&root).unwrap();
    let read = async {
        let repository = RepositoryLoader::new(&bytes, url("metadata"), url("targets")).load().await.unwrap();
        let name = TargetName::new("tools-2.tar").unwrap();
        let mut target = repository.read_target(&name).await.unwrap().unwrap();
        let mut found = Vec::new();
        while let Some(part) = target.next().await {
            found.extend_from_slice(&part.unwrap());
        }
        assert_eq!(found, b"second tools");
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(read);
    for line in [
        "--repo repo delegation remove team",
        "--repo repo sign --key release.key",
        "--repo repo publish public",
    ] {
        desk.done(line);
    }
    assert_eq!(python("m"), "None None");
}

const PYTHON: &str = "
import os, sys
from tuf.ngclient import Updater
base = sys.argv[1].rstrip('/')
for folder in (sys.argv[3], 't'): os.makedirs(folder, exist_ok=True)
updater = Updater(sys.argv[3], base + '/metadata/', 't', base + '/targets/', bootstrap=open(sys.argv[2], 'rb').read())
updater.refresh()
def read(name):
    info = updater.get_targetinfo(name)
    return info and open(updater.download_target(info), 'rb').read()
print(read('tools-1.tar'), read('tools-2.tar'))
";
