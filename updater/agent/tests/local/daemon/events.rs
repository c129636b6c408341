//! `/v1/events`: the story of a host.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::client::{Daemon, Told};
use crate::host::NOW;
use crate::online::Served;

#[test]
fn an_update_is_told_from_start_to_end_with_bytes_and_steps() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let daemon = Daemon::start(&served.host);
    let events = daemon.events();
    assert_eq!(daemon.post("/actions/refresh-updates").status, 204);
    let mut told = vec![events.next()];
    while told.last().unwrap().name != "ended" {
        told.push(events.next());
    }
    assert_eq!(daemon.post("/actions/prepare-update").status, 204);
    while told.iter().filter(|one| one.name == "ended").count() < 2 {
        told.push(events.next());
    }
    let names: Vec<&str> = told.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names.first(), Some(&"started"));
    for name in ["step", "progress", "history"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let write = told.iter().rev().find(|one| one.name == "progress" && one.data["step"] == "write").unwrap();
    assert_eq!(write.data["done"], write.data["total"], "{write:?}");
    assert!(write.data["fetched"].as_u64().unwrap() > 0, "{write:?}");
    let ids: Vec<u64> = told.iter().filter_map(Told::number).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>());

    // Who comes back is told what it has missed, progress aside.
    let again = daemon.events_after(told[0].id.as_deref());
    let missed = told.iter().filter(|one| one.name != "progress").nth(1).unwrap();
    let first = again.next();
    assert_eq!((&first.id, &first.name, &first.data), (&missed.id, &missed.name, &missed.data));
}

/// By a timer, by hand: whoever it was, it is part of the story.
#[test]
fn what_others_do_on_this_host_is_told_too() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let daemon = Daemon::start(&served.host);
    let events = daemon.events();
    assert_eq!(served.host.updog(&["apply"]).code, 0);
    let told = [events.until("history"), events.until("history")];
    assert_eq!(told.map(|one| one.data["event"].clone()), ["staged", "armed"]);
    assert_eq!(daemon.get("/v1/status").body["data"]["next"], "B");
}

#[test]
fn watch_tells_it_to_people_and_to_scripts() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let lines = |words: &[&str], daemon: &mut Daemon| {
        let mut child = served.host.command(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = lines.next().unwrap();
        daemon.done("/actions/refresh-updates");
        daemon.signal("TERM");
        assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
        let told: Vec<String> = std::iter::once(first).chain(lines).collect();
        // Whoever has followed it is told that it ended.
        assert_eq!(child.wait().unwrap().code(), Some(20));
        told
    };
    let told = lines(&["watch"], &mut Daemon::start(&served.host));
    let at = |line: &str| format!("{NOW} {line}");
    assert_eq!(told[0], at("Slot A: 1.0.0, running, confirmed (1/7/1)"));
    assert!(told.contains(&at("started: refresh")), "{told:#?}");
    assert!(
        told.iter().any(|line| line.starts_with(&at("ended: refresh (0): tiny x86_64 1.1.0: open"))),
        "{told:#?}"
    );

    let told = lines(&["watch", "--json"], &mut Daemon::start(&served.host));
    let mut told: Vec<Value> = told.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    // At its end the one object of every verb.
    let last = told.pop().unwrap();
    assert_eq!((last["verb"].as_str(), last["exit"].as_u64()), (Some("watch"), Some(20)));
    let names: Vec<&str> = told.iter().map(|one| one["event"].as_str().unwrap()).collect();
    assert_eq!(
        (names.first(), names.get(1), names.last()),
        (Some(&"status"), Some(&"started"), Some(&"ended"))
    );
    assert!(told[1]["id"].as_str().unwrap().ends_with("-1"), "{}", told[1]);

    let nobody = served.host.updog(&["watch"]);
    assert_eq!(nobody.code, 20, "{nobody:?}");
    assert!(nobody.stderr.contains("hint: \"updog serve\" is the daemon"), "{nobody:?}");
}

/// The first thing that it cannot tell ends it; it would follow the daemon for nobody.
#[test]
fn watch_ends_when_nobody_reads_on() {
    let served = Served::new();
    let _daemon = Daemon::start(&served.host);
    let inner = served.host.command(&["watch"]);
    let mut watch = Command::new("timeout");
    watch.arg("60").arg(inner.get_program()).args(inner.get_args()).stdout(std::io::pipe().unwrap().1);
    let output = watch.stderr(Stdio::piped()).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}

/// A client that was there before the host restarted hears what happened at the boot, which no daemon has seen.
#[test]
fn who_comes_back_after_a_restart_is_told_the_history_between() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let daemon = Daemon::start(&served.host);
    let first = daemon.done("/actions/refresh-updates");
    drop(daemon);
    assert_eq!(served.host.updog(&["apply"]).code, 0);
    let daemon = Daemon::start(&served.host);
    let again = daemon.events_after(first.id.as_deref());
    assert_eq!(again.next().name, "missed");
    let told = [again.next(), again.next()].map(|one| one.data["event"].clone());
    assert_eq!(told, ["staged", "armed"]);
    // One that is new is told how it is, and what comes.
    let events = daemon.events();
    assert_eq!(daemon.post("/actions/deactivate-update").status, 204);
    assert_eq!(events.next().name, "started");
}

#[test]
fn a_state_folder_that_is_not_there_yet_is_followed_too() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    std::fs::remove_dir_all(served.host.state()).unwrap();
    let daemon = Daemon::start(&served.host);
    let events = daemon.events();
    assert_eq!(served.host.updog(&["stage"]).code, 0);
    assert_eq!(events.until("history").data["event"], "staged");
}
