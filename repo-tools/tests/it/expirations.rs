//! `expirations`: to the second, delegated roles too, from a working folder, a folder and a URL.

use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use fixtures::server::{Faults, Server};
use fixtures::tuf::{Delegation, Repository, Signs};
use updog_repo::expirations::{Dated, State, judge, of_papers, of_source};
use updog_repo::source::FolderSource;
use updog_repo::{Disk, Error, Role};

use crate::cli::Desk;
use crate::common::{Yard, day};

#[test]
fn a_role_is_good_until_its_very_second_and_the_margin_counts_its_last() {
    let end = day(10);
    let dated = || vec![Dated { role: "targets".into(), policy: Role::Targets, version: 1, expires: end }];
    let margin = TimeDelta::days(3);
    let second = TimeDelta::seconds(1);
    for (now, state) in [
        (day(0), State::Good),
        (end - margin - second, State::Good),
        (end - margin, State::Soon),
        (end - second, State::Soon),
        (end, State::Expired),
        (end + second, State::Expired),
        (DateTime::<Utc>::MAX_UTC, State::Expired),
        (DateTime::<Utc>::MIN_UTC, State::Good),
    ] {
        assert_eq!(judge(dated(), |_| margin, now)[0].state, state, "{now}");
        // A host says the same.
        let fresh = trust_core::Freshness { now, expiry: trust_core::Expiry::Enforce };
        assert_eq!(fresh.holds(end), state != State::Expired, "{now}");
    }
}

#[test]
fn soonest_first_each_by_the_margin_of_its_role() {
    let (yard, key) = Yard::with_key();
    assert!(of_papers(&yard.folder.papers().unwrap()).is_empty());
    yard.sign(&[&key], day(0));
    let dated = of_papers(&yard.folder.papers().unwrap());
    let margin = |role| TimeDelta::days(if role == Role::Root { 360 } else { 3 });
    let judged = judge(dated, margin, day(5));
    let found: Vec<(&str, State)> = judged.iter().map(|one| (one.role.as_str(), one.state)).collect();
    assert_eq!(
        found,
        [
            ("timestamp", State::Soon),
            ("snapshot", State::Good),
            ("targets", State::Good),
            ("root", State::Soon),
        ]
    );
}

fn delegating() -> (Repository, tempfile::TempDir) {
    let mut repository = Repository::new(day(0));
    let delegation = |name: &str, key| Delegation {
        name: name.into(),
        keys: vec![key],
        paths: vec!["*".into()],
        terminating: false,
    };
    let top = repository.roles.get_mut("targets").unwrap();
    top.delegations = vec![delegation("teams", 7), delegation("late", 8)];
    let inner = Signs {
        keys: vec![7],
        delegations: vec![delegation("inner", 9), delegation("teams", 7)],
        ..Signs::default()
    };
    repository.roles.insert("teams".into(), inner);
    repository.roles.insert("late".into(), Signs { keys: vec![8], ..Signs::default() });
    repository.roles.insert("inner".into(), Signs { keys: vec![9], ..Signs::default() });
    repository.expiries.insert("inner".into(), day(4));
    repository.publish();
    let dir = tempfile::tempdir().unwrap();
    repository.write(dir.path()).unwrap();
    (repository, dir)
}

#[test]
fn delegated_roles_of_all_levels_are_listed_and_checked() {
    let (mut repository, dir) = delegating();
    let root = repository.root(1);
    let look = |dir: &std::path::Path| of_source(&FolderSource::new(&Disk, dir), root.clone(), day(1));
    let problem = |dir: &std::path::Path| {
        let mut listed = look(dir).unwrap();
        // What hangs on none of the bad one is listed all the same.
        assert!(listed.dated.iter().any(|dated| dated.role == "timestamp"));
        assert!(listed.dated.iter().all(|dated| dated.role != "inner"));
        assert_eq!(listed.problems.len(), 1);
        listed.problems.remove(0)
    };
    let dated = look(dir.path()).unwrap().dated;
    let judged = judge(dated, |_| TimeDelta::days(14), day(1));
    let roles: Vec<&str> = judged.iter().map(|one| one.role.as_str()).collect();
    assert_eq!(roles, ["inner", "late", "root", "snapshot", "targets", "teams", "timestamp"]);
    assert_eq!((judged[0].state, judged[0].policy), (State::Soon, Role::Targets));
    assert_eq!(judged[0].expires, day(4));

    // One that its parent's keys did not sign, one with other bytes, one that is gone: none is believed.
    repository.roles.get_mut("inner").unwrap().keys = vec![6];
    repository.publish();
    repository.write(dir.path()).unwrap();
    assert!(matches!(problem(dir.path()), Error::Delegation { name } if name == "inner"));
    let (repository, dir) = delegating();
    let version = repository.versions["inner"];
    let path = dir.path().join(format!("metadata/{version}.inner.json"));
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text} ")).unwrap();
    assert!(matches!(problem(dir.path()), Error::NotTheListed { .. }));
    fs::remove_file(&path).unwrap();
    assert!(matches!(problem(dir.path()), Error::Absent { .. }));
    let answer =
        Desk::new().json(&format!("expirations {} --clock 2026-11-01T00:00:00Z", dir.path().display()));
    assert_eq!(
        (answer["exit"].as_i64(), answer["reason"].as_str()),
        (Some(12), Some("problems")),
        "{answer}"
    );
    assert!(answer["data"]["expirations"].as_array().unwrap().len() >= 4, "{answer}");
    assert!(answer["data"]["problems"][0].as_str().unwrap().contains("inner.json"), "{answer}");
}

#[test]
fn from_cron_by_folder_and_by_url() {
    let (_, dir) = delegating();
    let desk = Desk::new();
    let server = Server::start(dir.path(), Faults::default()).unwrap();
    for place in [dir.path().display().to_string(), server.url()] {
        let at = |clock: &str, more: &str| desk.json(&format!("expirations {place} --clock {clock} {more}"));
        // inner ends on 2026-11-05.
        let answer = at("2026-11-01T23:59:59Z", "--within 3d");
        assert_eq!((answer["exit"].as_i64(), answer["reason"].as_str()), (Some(0), None), "{answer}");
        let answer = at("2026-11-02T00:00:00Z", "--within 3d");
        assert_eq!((answer["exit"].as_i64(), answer["reason"].as_str()), (Some(12), Some("expiring")));
        let first = &answer["data"]["expirations"][0];
        assert_eq!(first["role"], "inner");
        assert_eq!((first["state"].as_str(), first["seconds_left"].as_i64()), (Some("soon"), Some(259_200)));
        let answer = at("2026-11-05T00:00:00Z", "--within 1h");
        assert_eq!(answer["reason"], "expired", "{answer}");
        // Without --within the margins of repo.toml count: 14 days for what targets delegates to.
        assert_eq!(at("2026-11-01T00:00:00Z", "")["exit"], 12);
    }
    // "3 days" as one word of the shell.
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_updog-repo"))
        .args(["expirations", "--within", "3 days", "--clock", "2026-11-04T00:00:00Z"])
        .arg(dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(12));
    assert!(said.starts_with("inner ") && said.contains("in 1 d: soon"), "{said}");
    for (line, code) in [
        ("expirations nowhere", 2),
        ("expirations --within soon", 2),
        ("expirations http://127.0.0.1:1/", 20),
        ("expirations", 2),
    ] {
        assert_eq!(desk.run(line), code, "{line}");
    }
    // A root that one trusts, and one of another repository.
    let place = dir.path().display();
    fs::copy(dir.path().join("metadata/1.root.json"), desk.path().join("own.json")).unwrap();
    let mut other = Repository::new(day(0));
    other.keys.insert("timestamp", vec![40]);
    other.versions.clear();
    other.new_root(&[]);
    fs::write(desk.path().join("other.json"), other.root(1)).unwrap();
    for (root, code) in [("own.json", 12), ("other.json", 30), ("none.json", 2)] {
        let line = format!("expirations {place} --root {root} --clock 2026-11-01T00:00:00Z");
        assert_eq!(desk.run(&line), code, "{root}");
    }
}
