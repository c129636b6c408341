//! Publishing to a real server of the S3 protocol: moto, over HTTP.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use chrono::{DateTime, Utc};
use trust_core::Trusted;
use updater_core::Exit;
use updog_repo::refresh::{Terms, refresh_at};
use updog_repo::source::StoreSource;
use updog_repo::store::{Memory, New, Part, S3, Store, Swap};
use updog_repo::{Error, Staged};

use crate::common::{again, day, wait};
use crate::cut_store::{CutStore, Loss, glance, see};
use crate::moto::{Bucket, Moto, Parrot, SECRET};
use crate::stores::{Copies, copies, put, put_over_others, rotation, same, second_release};

pub(crate) fn plant(bucket: &Bucket, prefix: &str, base: &Memory) {
    for ((part, name), bytes) in base.tree() {
        bucket.plant(prefix, part, &name, &bytes);
    }
}

fn names(store: &S3) -> Vec<(Part, String, u64)> {
    let list =
        |part| store.list(part).unwrap().into_iter().map(move |entry| (part, entry.name, entry.length));
    list(Part::Metadata).chain(list(Part::Targets)).collect()
}

/// Every operation that writes, lost and done-but-unanswered. The reading ones are in `stores.rs`.
fn sweep(staged: &Staged, base: &Memory, root: &[u8], now: DateTime<Utc>) {
    let bucket = Moto::running().bucket();
    plant(&bucket, "whole", base);
    let whole = bucket.store("whole");
    let before = glance(&whole, root, now).unwrap();
    let counting = CutStore::new(&whole, None);
    put(&counting, staged).unwrap();
    let after = see(&StoreSource(&whole), root, now).unwrap();
    let (mut old, mut new) = (0, 0);
    let writes = counting.writes();
    for (number, at) in writes.iter().copied().enumerate() {
        // Documents both ways, blobs one way each: a blob that is there twice is the same blob.
        let last = writes.len() - number <= 4;
        let losses = [Loss::All, Loss::Answer];
        for loss in losses.into_iter().filter(|loss| last || (*loss == Loss::All) == (number % 2 == 0)) {
            let prefix = format!("cut/{at}-{loss:?}");
            plant(&bucket, &prefix, base);
            let store = bucket.store(&prefix);
            assert!(put(&CutStore::new(&store, Some((at, loss))), staged).is_err());
            let found: Trusted = glance(&store, root, now).unwrap();
            if same(found, after) {
                new += 1;
            } else {
                assert!(same(found, before), "cut {at}, {loss:?}: {found:?}");
                old += 1;
            }
            put(&store, staged).unwrap();
            assert_eq!(names(&store), names(&whole), "cut {at}, {loss:?}");
        }
    }
    println!("{} operations that write, {old} old, {new} new", writes.len());
    assert!(old > 0 && new > 0);
}

#[test]
fn a_publish_to_s3_cut_anywhere_leaves_old_or_new_and_a_rerun_completes_it() {
    let (_yard, staged, base, root) = second_release();
    sweep(&staged, &base, &root, day(2));
}

#[test]
fn a_rotation_in_s3_cut_anywhere_is_read_by_a_host_that_saw_only_root_1() {
    let (_yard, staged, base, root) = rotation();
    sweep(&staged, &base, &root, day(2));
}

#[test]
fn s3_keeps_two_publishers_apart_and_says_what_caches_may_do() {
    let bucket = Moto::running().bucket();
    let store = bucket.store("a/b");
    assert!(store.list(Part::Metadata).unwrap().is_empty());
    assert_eq!(store.put_new("1.root.json", b"one").unwrap(), New::Written);
    assert_eq!(store.put_new("1.root.json", b"two").unwrap(), New::Taken);
    assert_eq!(store.swap("timestamp.json", b"v1", None).unwrap(), Swap::Done);
    assert_eq!(store.swap("timestamp.json", b"v2", None).unwrap(), Swap::Changed);
    let first = store.read(Part::Metadata, "timestamp.json", 9).unwrap().unwrap();
    assert_eq!(store.swap("timestamp.json", b"v2", Some(&first.tag)).unwrap(), Swap::Done);
    assert_eq!(store.swap("timestamp.json", b"v3", Some(&first.tag)).unwrap(), Swap::Changed);
    let second = store.read(Part::Metadata, "timestamp.json", 9).unwrap().unwrap();
    assert_eq!((second.bytes.as_slice(), first.bytes.as_slice()), (&b"v2"[..], &b"v1"[..]));
    store.remove(Part::Metadata, "timestamp.json").unwrap();
    store.remove(Part::Metadata, "timestamp.json").unwrap();
    assert_eq!(store.swap("timestamp.json", b"v3", Some(&second.tag)).unwrap(), Swap::Changed);
    assert_eq!(store.read(Part::Metadata, "1.root.json", 9).unwrap().unwrap().bytes, b"one");
    assert!(store.read(Part::Metadata, "1.root.json", 2).is_err(), "a limit is a limit");

    let (yard, staged, _, _) = second_release();
    let store = bucket.store("caches");
    put(&store, &staged).unwrap();
    let online = staged.metadata().online.as_ref().unwrap();
    let (blob, _) = &online.blobs()[0];
    let versioned = format!("metadata/{}.targets.json", online.targets.version());
    for (key, cache) in [
        ("metadata/timestamp.json", "no-cache"),
        (versioned.as_str(), "public, max-age=60"),
        ("metadata/1.root.json", "public, max-age=60"),
        (format!("targets/{blob}").as_str(), "public, max-age=31536000, immutable"),
    ] {
        let (status, head, _) = bucket.request("GET", &format!("caches/{key}"), b"");
        assert_eq!(status, 200, "{key}");
        assert!(head.contains(&format!("cache-control: {cache}\r\n")), "{key}: {head}");
    }
    // A refresh needs the timestamp key alone, here too.
    let key = updog_repo::keys::Signer::from_file(&yard.path("keys/all")).unwrap();
    let terms = Terms { now: day(3), term: chrono::TimeDelta::days(7), expired: trust_core::Expiry::Enforce };
    let refreshed = wait(refresh_at(&store, &[again(&key)], terms)).unwrap();
    let root = staged.metadata().roots[0].bytes();
    assert_eq!(glance(&store, root, day(3)).unwrap().timestamp.version, refreshed.version);
    let refused = put(&store, &staged);
    assert!(matches!(refused, Err(Error::Older { .. })), "{refused:?}");
}

/// One line, the right code, what to do, and no secret.
#[test]
fn every_failure_of_s3_is_one_line_with_its_code() {
    const DENIED: &str = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    const MALFORMED: &str = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' is wrong; \
                             expecting 'eu-central-1'</Message></Error>";
    const NO_BUCKET: &str =
        "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>";
    let (_yard, staged, _, _) = second_release();
    for (answer, exit, words) in [
        (Some(("403 Forbidden", DENIED)), Exit::Usage, "403 AccessDenied: Access Denied"),
        (Some(("404 Not Found", NO_BUCKET)), Exit::Usage, "404 NoSuchBucket"),
        (Some(("301 Moved Permanently", "")), Exit::Usage, "another region"),
        (Some(("400 Bad Request", MALFORMED)), Exit::Usage, "expecting 'eu-central-1'"),
        (
            Some(("500 Internal Server Error", "<Error><Code>InternalError</Code></Error>")),
            Exit::Transient,
            "500",
        ),
        (Some(("503 Slow Down", "")), Exit::Transient, "503"),
        (Some(("501 Not Implemented", "")), Exit::Usage, "501"),
        (None, Exit::Transient, "did not answer in time"),
    ] {
        let store = Parrot::saying(answer).store().unwrap();
        let error = put(&store, &staged).unwrap_err();
        check(&error, exit, words, &format!("{answer:?}"));
    }
    // Nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = put(&Parrot::at(port).store().unwrap(), &staged).unwrap_err();
    check(&error, Exit::Transient, "no connection", "refused");
    // A bucket that is not there, said by a real server.
    let store = Moto::running().no_bucket().store("");
    check(&put(&store, &staged).unwrap_err(), Exit::Usage, "NoSuchBucket", "moto");
    // Half of a credential.
    let half = [("AWS_ACCESS_KEY_ID".to_owned(), "x".to_owned())];
    let error =
        S3::from_variables(half, ("updates", ""), updog_repo::store::Patience::default()).unwrap_err();
    check(&error, Exit::Usage, "failed to open s3://updates", "half");
    // Settings that the library would only stumble over in the middle of a request.
    for (name, value) in [
        ("AWS_ENDPOINT_URL", ""),
        ("AWS_ENDPOINT_URL", "localhost:9000"),
        ("AWS_ENDPOINT_URL", "http://host:port"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1 "),
        ("AWS_REGION", "eu central"),
        ("AWS_REGION", "eu-central-1\n"),
    ] {
        let mut variables = crate::moto::variables(1);
        variables.push((name.to_owned(), value.to_owned()));
        let error = S3::from_variables(variables, ("updates", ""), updog_repo::store::Patience::default());
        check(&error.unwrap_err(), Exit::Usage, name, value);
    }
}

fn check(error: &Error, exit: Exit, words: &str, what: &str) {
    let text = error.to_string();
    assert_eq!(error.exit(), exit, "{what}: {text}");
    assert!(text.contains(words) && text.starts_with("failed to "), "{what}: {text}");
    assert!(text.lines().count() == 1 && text.len() < 300, "{what}: {text}");
    assert!(error.hint().is_some(), "{what}: {text}");
    assert!(!text.contains(SECRET) && !format!("{error:?}").contains(SECRET), "{what}: {error:?}");
}

/// Copies of the working folder publish at the same moment, on threads: one commits, the other is told.
#[test]
fn two_publishers_at_the_same_moment_in_s3() {
    let Copies { _yards, ours, theirs, base, root } = copies(3);
    let bucket = Moto::running().bucket();
    for round in 0..3 {
        let prefix = format!("round-{round}");
        plant(&bucket, &prefix, &base);
        let (ours_in, theirs_in) = (bucket.store(&prefix), bucket.store(&prefix));
        let results = std::thread::scope(|scope| {
            let one = scope.spawn(|| put(&ours_in, &ours).map(|_| ()));
            let two = scope.spawn(|| put(&theirs_in, &theirs).map(|_| ()));
            [one.join().unwrap(), two.join().unwrap()]
        });
        println!("{results:?}");
        assert!(results.iter().any(Result::is_ok));
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            let told = matches!(error, Error::Raced { .. } | Error::Older { .. } | Error::Undoes { .. });
            assert!(told, "{error}: {error:?}");
        }
        see(&StoreSource(&ours_in), &root, day(3)).unwrap();
        put_over_others(&theirs_in, &theirs).unwrap();
    }
}

pub(crate) fn run(dir: &Path, variables: &[(String, String)], line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_updog-repo"));
    command.args(line.split_whitespace()).current_dir(dir);
    command.envs(variables.iter().map(|(name, value)| (name, value))).output().unwrap()
}

/// By the program, with a blob in parts: published, pruned, read over plain HTTP, no secret anywhere.
#[test]
fn the_program_publishes_to_s3_and_others_read_it_over_http() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    release(&path.join("release"), 12 << 20);
    let bucket = Moto::running().bucket();
    let variables = bucket.variables();
    let place = format!("s3://{}/deep/er", bucket.name);
    let done = |line: &str| {
        let output = run(path, &variables, line);
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{line}: {said}");
        assert!(!said.contains(SECRET), "{said}");
        said
    };
    for line in ["init", "key new k --role all", "release add release --level 1", "sign --key k"] {
        done(&format!("--repo repo {line}"));
    }
    let dry = done(&format!("--repo repo publish {place} --dry-run"));
    assert!(
        dry.contains("hosts would see added: tiny x86_64 1.0.0") && dry.contains("would publish 7 blob(s)"),
        "{dry}"
    );
    assert!(bucket.store("deep/er").list(Part::Targets).unwrap().is_empty());
    let said = done(&format!("--repo repo publish {place} --parallel 3"));
    assert!(said.contains("timestamp") && said.contains(&place), "{said}");
    assert!(said.contains("publish: "), "progress: {said}");
    assert!(done(&format!("--repo repo publish {place}")).contains("already published"));
    let timestamp = || bucket.request("GET", "deep/er/metadata/timestamp.json", b"").2;
    let before = timestamp();
    assert!(done(&format!("refresh {place} --key k --dry-run")).contains("nothing was written"));
    assert_eq!(timestamp(), before);
    assert!(done(&format!("refresh {place} --key k")).contains("A refresh works until"));
    assert_ne!(timestamp(), before);
    assert!(done(&format!("prune {place} --delete")).contains("nothing to prune"));
    let url = format!("{}/{}/deep/er", variables[3].1, bucket.name);
    let said = done(&format!("validate {url} --root repo/root/1.root.json"));
    assert!(said.contains("no problems: ") && said.contains("7 targets"), "{said}");
    // Whoever may list the bucket sees what nothing names, too.
    let said = done(&format!("validate {place} --root repo/root/1.root.json"));
    assert!(
        said.contains("no problems: ") && said.contains("7 targets") && !said.contains("orphans"),
        "{said}"
    );
    bucket.plant("deep/er", Part::Targets, "stray", b"x");
    let found = run(path, &variables, &format!("validate {place} --json"));
    let found: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(found["data"]["problems"][0]["what"], "targets/stray is named by nothing", "{found}");
    assert!(done(&format!("expirations {place}")).contains("nothing expires soon"));
    assert_eq!(run(path, &variables, "expirations s3://nowhere/x").status.code(), Some(2));
    let intent = std::fs::read_to_string(path.join("repo/repo.toml")).unwrap();
    assert!(intent.contains("\n[stores]\n"), "{intent}");
    let intent = intent.replace("\n[stores]\n", &format!("\n[stores]\nlive = \"{place}\"\n"));
    std::fs::write(path.join("repo/repo.toml"), intent).unwrap();
    assert!(done("--repo repo expirations live").contains("nothing expires soon"));
    let doctor = |clock: &str, variables: &[(String, String)]| {
        let output = run(path, variables, &format!("--repo repo --clock {clock} doctor"));
        String::from_utf8(output.stdout).unwrap()
    };
    // The timestamp of the bucket is a later one than that of the working folder.
    let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
    let clock = now.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    done(&format!("refresh {place} --key k --expires 30d"));
    let later = (now + chrono::TimeDelta::days(8)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    assert!(!doctor(&later, &variables).contains("expired: "), "{}", doctor(&later, &variables));
    let offline = vec![(variables[3].0.clone(), "http://127.0.0.1:1".to_owned())];
    let said = doctor(&clock, &[&variables[..3], &offline].concat());
    assert!(said.contains("unreadable: stores.live: failed to ") && !said.contains(SECRET), "{said}");
    assert!(doctor(&later, &[&variables[..3], &offline].concat()).contains("expired: timestamp"));
    assert_eq!(run(path, &variables, "--repo repo publish gs://updates").status.code(), Some(2));
    let json = run(path, &variables, &format!("--repo repo publish s3://{}-not --json", bucket.name));
    assert_eq!(json.status.code(), Some(2));
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["reason"], "usage");
}

/// The largest image is not held in memory: a publish of ten times as many bytes takes about as much.
#[test]
fn memory_does_not_grow_with_the_blob() {
    let bucket = Moto::running().bucket();
    let mut peaks = Vec::new();
    for (name, megabytes) in [("small", 40_u64), ("large", 120)] {
        let dir = tempfile::tempdir().unwrap();
        release(&dir.path().join("release"), megabytes << 20);
        let place = format!("s3://{}/{name}", bucket.name);
        for line in ["init", "key new k --role all", "release add release --level 1", "sign --key k", "stage"]
        {
            assert!(run(dir.path(), &[], &format!("--repo repo {line}")).status.success());
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_updog-repo"))
            .args(["--repo", "repo", "publish", &place, "--json"])
            .current_dir(dir.path())
            .envs(bucket.variables())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let (status, mut peak) = (format!("/proc/{}/status", child.id()), 0);
        let exit = loop {
            if let Ok(text) = fs::read_to_string(&status) {
                let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
                peak = peak.max(kilobytes.unwrap_or(0));
            }
            if let Some(exit) = child.try_wait().unwrap() {
                break exit;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        assert!(exit.success());
        println!("{megabytes} MiB: peak {} MiB", peak >> 10);
        peaks.push(peak >> 10);
    }
    assert!(peaks[1] < peaks[0] + 16, "{peaks:?} MiB");
}

/// A release whose root image cannot be compressed.
pub(crate) fn release(dir: &Path, length: u64) {
    use release::Digest;
    fs::create_dir_all(dir).unwrap();
    let mut word = 0x9e37_79b9_7f4a_7c15_u64;
    let root: Vec<u8> = (0..length / 8)
        .flat_map(|_| {
            word ^= word << 13;
            word ^= word >> 7;
            word ^= word << 17;
            word.to_le_bytes()
        })
        .collect();
    let images = [("boot", vec![1; 8192]), ("root", root), ("hash", vec![2; 4096])].map(|(name, bytes)| {
        fs::write(dir.join(format!("{name}.img")), &bytes).unwrap();
        let image = serde_json::json!({
            "file": format!("{name}.img"), "length": bytes.len(), "sha256": Digest::of(&bytes).to_string(),
        });
        (name.to_owned(), image)
    });
    let release = serde_json::json!({
        "format": 1, "variant": "tiny", "arch": "x86_64", "version": "1.0.0", "created": "2026-10-01T00:00:00Z",
        "images": serde_json::Map::from_iter(images), "root_hash": "00".repeat(32), "packages": [],
    });
    fs::write(dir.join("release.json"), release.to_string()).unwrap();
}
