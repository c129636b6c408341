//! `--dry-run`: every verb says what it would write, and not a byte of any folder changes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use updog_repo::Disk;
use updog_repo::files::{self, Files};
use updog_repo::rehearsal::{Kind, Rehearsal};

use crate::cli::Desk;

/// Every file below `dir` with its bytes; a rehearsal leaves all of it.
fn everything(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(everything(&path));
            found.insert(path, Vec::new());
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn every_step_from_nothing_to_published_is_rehearsed_and_then_done() {
    let desk = Desk::new();
    let steps = [
        ("key new k", "k.pub"),
        ("--repo repo init", "repo/updog-repo.json"),
        ("--repo repo key new more/other --role root", "repo/root/next.json"),
        ("--repo repo root add-key k.pub --role all", "repo/root/next.json"),
        ("--repo repo release add release --level 1", "repo/draft/manifest.json"),
        ("--repo repo waves set normal", "repo/draft/manifest.json"),
        ("--repo repo root threshold root 2", "repo/root/next.json"),
        ("--repo repo root threshold root 1", "repo/root/next.json"),
        ("--repo repo root expire 300d", "repo/root/next.json"),
        ("--repo repo sign --key k", "repo/signing/timestamp.json"),
        ("--repo repo stage", "repo/stage/metadata/timestamp.json"),
        ("--repo repo publish public", "public/metadata/timestamp.json"),
        ("refresh public --key k", "public/metadata/timestamp.json"),
    ];
    for (line, file) in steps {
        let before = everything(desk.path());
        let answer = desk.json(&format!("{line} --dry-run"));
        assert_eq!(answer["exit"], 0, "{line}: {answer}");
        assert_eq!(answer["message"], "dry run: nothing was written", "{line}");
        let would = answer["data"]["dry_run"]["files"].as_array().unwrap();
        assert!(would.iter().any(|change| change["path"] == file), "{line}: {would:?}");
        assert_eq!(everything(desk.path()), before, "{line}");
        let said = desk.done(&format!("{line} --dry-run"));
        assert!(said.contains(file) && said.ends_with("dry run: nothing was written\n"), "{line}: {said}");
        desk.done(line);
        let after = everything(desk.path());
        for change in would {
            let path = desk.path().join(change["path"].as_str().unwrap());
            assert!(before.get(&path) != after.get(&path), "{line}: {change} did not come true");
        }
    }
    // What nobody can ask for any more goes, and so it is said before.
    fs::write(desk.path().join("public/targets/stray"), "x").unwrap();
    let stray = fs::File::options().write(true).open(desk.path().join("public/targets/stray")).unwrap();
    stray.set_modified((chrono::Utc::now() - chrono::TimeDelta::days(100)).into()).unwrap();
    let prune = "prune public --delete";
    let there = everything(desk.path());
    let answer = desk.json(&format!("{prune} --dry-run"));
    let gone = answer["data"]["dry_run"]["files"].as_array().unwrap();
    assert!(!gone.is_empty() && gone.iter().all(|change| change["kind"] == "removed"), "{answer}");
    assert_eq!(everything(desk.path()), there);
    desk.done(prune);
    assert!(gone.iter().all(|change| !desk.path().join(change["path"].as_str().unwrap()).exists()));
    // Nothing to do is nothing to write.
    let answer = desk.json("--repo repo stage --dry-run");
    assert_eq!(answer["data"]["dry_run"]["files"], serde_json::json!([]), "{answer}");
}

#[test]
fn sign_and_publish_say_what_hosts_would_see_of_each_release() {
    let desk = Desk::new();
    crate::common::write_release(&desk.path().join("next"), "1.1.0", "1.1.0");
    let at = |line: &str| format!("--clock 2026-12-01T00:00:00Z --repo r {line}");
    for line in ["init", "key new k --role all", "release add release --level 1"] {
        desk.done(&at(line));
    }
    let kinds = |value: &serde_json::Value| -> Vec<String> {
        let all = value.as_array().unwrap_or_else(|| panic!("{value}")).iter();
        all.map(|one| format!("{} {}", one["kind"].as_str().unwrap(), one["of"].as_str().unwrap())).collect()
    };
    let (release, line) = ("tiny x86_64 1.0.0", "tiny x86_64");
    let first = [format!("added {release}")];
    let signing = desk.json(&at("sign --key k --dry-run"));
    assert_eq!(kinds(&signing["data"]["dry_run"]["differences"]), first);
    assert!(desk.done(&at("sign --key k --dry-run")).contains("once published: added: tiny x86_64 1.0.0"));
    desk.done(&at("sign --key k"));
    desk.done(&at("publish public"));
    for line in ["release add next --level 1", "waves set normal --version 1.0.0"] {
        desk.done(&at(line));
    }
    let second =
        [format!("waves {release}"), "added tiny x86_64 1.1.0".to_owned(), format!("max_version {line}")];
    let signing = desk.json(&at("sign --key k --dry-run"));
    assert_eq!(kinds(&signing["data"]["dry_run"]["differences"]), second);
    desk.done(&at("sign --key k"));
    // Signed is not published: that is compared with what hosts see now.
    let signing = desk.json(&at("sign --key k --dry-run"));
    assert_eq!(signing["data"]["dry_run"]["differences"], serde_json::json!([]));
    let publishing = desk.json(&at("publish public --dry-run"));
    assert_eq!(kinds(&publishing["data"]["preview"]["differences"]), second);
    assert!(
        desk.done(&at("publish public --dry-run"))
            .contains("hosts would see max_version of tiny x86_64: 1.1.0 (before: 1.0.0)")
    );
    for line in ["publish public", "release remove 1.0.0", "sign --key k --renew targets"] {
        desk.done(&at(line));
    }
    let publishing = desk.json(&at("publish public --dry-run"));
    assert_eq!(kinds(&publishing["data"]["preview"]["differences"]), [format!("removed {release}")]);
}

#[test]
fn what_hosts_would_see_is_said() {
    let desk = Desk::new();
    desk.done("--repo r init");
    let key = desk.json("key new k")["data"]["id"].as_str().unwrap().to_owned();
    let hosts = |line: &str| -> Vec<String> {
        let answer = desk.json(&format!("{line} --dry-run --clock 2026-12-01T00:00:00Z"));
        serde_json::from_value(answer["data"]["dry_run"]["hosts"].clone()).unwrap()
    };
    let line = "--repo r root add-key k.pub --role targets";
    assert_eq!(hosts(line), [format!("root 1: targets needs 1 of 1 keys +{key}")]);
    desk.done("--repo r root add-key k.pub --role all");
    assert_eq!(
        hosts("--repo r root remove-key k --role targets")[0],
        format!("root 1: targets needs 1 of 0 keys -{key}")
    );
    let seen = hosts("--repo r sign --key k");
    assert_eq!(seen.len(), 4, "{seen:?}");
    assert_eq!(seen[3], "timestamp 1796083200, good until 2026-12-08T00:00:00Z");
    desk.done("--repo r sign --key k --clock 2026-12-01T00:00:00Z");
    assert!(hosts("--repo r sign --key k").is_empty());
}

#[test]
fn a_rehearsal_fails_where_the_real_run_would() {
    let desk = Desk::new();
    desk.done("--repo repo init");
    for line in [
        "--repo repo init",
        "--repo repo publish public",
        "--repo repo waves set normal",
        "refresh x --key k",
    ] {
        let code = desk.run(&format!("{line} --dry-run"));
        assert_eq!(code, desk.run(line), "{line}");
    }
}

#[test]
fn what_is_written_is_read_back_and_the_files_below_stay() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("old"), "old").unwrap();
    fs::write(path("same"), "same").unwrap();
    fs::write(path("going"), "going").unwrap();
    let before = everything(dir.path());
    let rehearsal = Rehearsal::over(Arc::new(Disk));
    files::ensure_dir(&rehearsal, &path("a/b")).unwrap();
    files::put_bytes(&rehearsal, &path("a/b/new"), b"new").unwrap();
    files::put_bytes(&rehearsal, &path("old"), b"newer").unwrap();
    files::put_bytes(&rehearsal, &path("same"), b"same").unwrap();
    rehearsal.remove(&path("going")).unwrap();
    rehearsal.link(&path("old"), &path("linked")).unwrap();
    rehearsal.rename(&path("same"), &path("moved")).unwrap();
    assert!(rehearsal.create(&path("nowhere/file")).is_err());
    assert!(rehearsal.remove(&path("going")).is_err());
    assert_eq!(files::read(&rehearsal, &path("linked"), 9).unwrap().as_deref(), Some(&b"newer"[..]));
    assert_eq!(files::read(&rehearsal, &path("moved"), 9).unwrap().as_deref(), Some(&b"same"[..]));
    assert_eq!(rehearsal.names(dir.path()).unwrap(), ["a", "linked", "moved", "old"]);
    assert_eq!(rehearsal.names(&path("./a//b")).unwrap(), ["new"]);

    let changes = rehearsal.changes().unwrap();
    let found: Vec<(PathBuf, Kind, u64)> =
        changes.into_iter().map(|change| (change.path, change.kind, change.length)).collect();
    let expected = [
        (path("a/b/new"), Kind::Made, 3),
        (path("going"), Kind::Removed, 0),
        (path("linked"), Kind::Made, 5),
        (path("moved"), Kind::Made, 4),
        (path("old"), Kind::Replaced, 5),
        (path("same"), Kind::Removed, 0),
    ];
    assert_eq!(found, expected);
    assert_eq!(everything(dir.path()), before);
}

#[test]
fn a_long_file_is_counted_and_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let rehearsal = Rehearsal::over(Arc::new(Disk));
    let path = dir.path().join("long");
    let mut file = rehearsal.create(&path).unwrap();
    let part = vec![7; 1 << 20];
    for _ in 0..33 {
        file.write_all(&part).unwrap();
    }
    file.sync().unwrap();
    assert_eq!(rehearsal.length(&path).unwrap(), Some(33 << 20));
    assert!(rehearsal.open(&path).is_err_and(|error| error.to_string().contains("dry run")));
    // A short one is whole.
    let mut file = rehearsal.create(&path).unwrap();
    file.write_all(b"short").unwrap();
    file.sync().unwrap();
    let mut text = String::new();
    rehearsal.open(&path).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "short");
}

/// What a verb can do to a folder with `a`, `b` and `sub/`.
const STEPS: [(&str, Step); 12] = [
    ("put a", |files, dir| files::put_bytes(files, &dir.join("a"), b"new a")),
    ("put a as it is", |files, dir| files::put_bytes(files, &dir.join("a"), b"a")),
    ("put sub/c", |files, dir| files::put_bytes(files, &dir.join("sub/c"), b"c")),
    ("put new/c", |files, dir| files::put_bytes(files, &dir.join("new/c"), b"c")),
    ("make new", |files, dir| files.make_dir(&dir.join("new"))),
    ("make sub", |files, dir| files.make_dir(&dir.join("sub"))),
    ("ensure new/deep", |files, dir| files::ensure_dir(files, &dir.join("new/deep"))),
    ("remove a", |files, dir| files.remove(&dir.join("a"))),
    ("a becomes b", |files, dir| files.rename(&dir.join("a"), &dir.join("b"))),
    ("b becomes sub/d", |files, dir| files.rename(&dir.join("b"), &dir.join("sub/d"))),
    ("sub/c is b too", |files, dir| files.link(&dir.join("b"), &dir.join("sub/c"))),
    ("sweep", |files, dir| {
        files::sweep_partials(files, dir);
        Ok(())
    }),
];

type Step = fn(&dyn Files, &Path) -> std::io::Result<()>;

/// What a reader finds: every name, with the bytes behind it.
fn view(files: &dyn Files, dir: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for folder in ["", "sub", "new", "new/deep"] {
        for name in files.names(&dir.join(folder)).unwrap() {
            let path = Path::new(folder).join(name);
            let bytes = files::read(files, &dir.join(&path), 99).ok().flatten();
            found.insert(path, bytes);
        }
    }
    found
}

#[test]
fn all_runs_of_three_steps_read_as_on_the_disk_and_change_what_is_named() {
    // Where fsync costs nothing; the disk is as true elsewhere.
    let home = Some(Path::new("/dev/shm")).filter(|dir| dir.is_dir()).map(Path::to_owned);
    let home = home.unwrap_or_else(std::env::temp_dir);
    let count = STEPS.len();
    for run in 0..count.pow(3) {
        let steps = [run / count / count, run / count % count, run % count].map(|place| STEPS[place]);
        let names = steps.map(|step| step.0);
        let (below, real) = (tempfile::tempdir_in(&home).unwrap(), tempfile::tempdir_in(&home).unwrap());
        for dir in [below.path(), real.path()] {
            fs::create_dir(dir.join("sub")).unwrap();
            fs::write(dir.join("a"), "a").unwrap();
            fs::write(dir.join("b"), "b").unwrap();
        }
        let before = view(&Disk, below.path());
        let rehearsal = Rehearsal::over(Arc::new(Disk));
        for (name, step) in steps {
            let kind = |result: std::io::Result<()>| result.map_err(|error| error.kind());
            assert_eq!(
                kind(step(&rehearsal, below.path())),
                kind(step(&Disk, real.path())),
                "{names:?} at {name}"
            );
        }
        let after = view(&Disk, real.path());
        assert_eq!(view(&rehearsal, below.path()), after, "{names:?}");
        assert_eq!(view(&Disk, below.path()), before, "{names:?} wrote");
        let expected: Vec<PathBuf> = before
            .keys()
            .chain(after.keys())
            .filter(|path| before.get(*path) != after.get(*path))
            // Folders are no files.
            .filter(|path| [&before, &after].iter().any(|view| matches!(view.get(*path), Some(Some(_)))))
            .map(|path| below.path().join(path))
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        let changed: Vec<PathBuf> =
            rehearsal.changes().unwrap().into_iter().map(|change| change.path).collect();
        assert_eq!(changed, expected, "{names:?}");
    }
}
