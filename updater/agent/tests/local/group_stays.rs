//! A host that asks for its restart and stays up: its group does not wait for it for ever.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::etcd::{Cluster, until};
use crate::host::{Host, NOW, Said, write};

fn time(secs: i64) -> DateTime<Utc> {
    NOW.parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(secs)
}

/// A turn, so many seconds later.
fn turn(host: &Host, secs: i64) -> Said {
    at(host, secs).output().unwrap().into()
}

fn at(host: &Host, secs: i64) -> Command {
    let command = host.command(&["--json", "auto", "--reboot"]);
    let clock = time(secs).to_rfc3339();
    let words = command.get_args().map(|word| if word == NOW { clock.as_ref() } else { word });
    let mut later = Command::new(command.get_program());
    later.args(words);
    later
}

fn restarts(host: &Host, secs: i64) {
    let said = turn(host, secs);
    assert!(said.code == 0 && host.restarted(), "{said:?}");
    fs::remove_file(host.path("restarted")).unwrap();
}

/// The answer of a turn that does not ask for the restart: none does for a minute after the first of them, 90 s after [`NOW`].
fn spent(host: &Host, secs: i64, code: i32, reason: &str, what: &str) {
    let said = turn(host, secs);
    assert_eq!(said.code, code, "{said:?}");
    let answer: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(answer["reason"], reason, "{answer}");
    assert!(answer["message"].as_str().unwrap().contains(what), "{answer}");
    let until: DateTime<Utc> = answer["data"]["until"].as_str().unwrap().parse().unwrap();
    assert_eq!(until.timestamp_subsec_nanos(), 0, "{answer}");
    // However long the turn took.
    assert!(time(150) <= until && until < time(180), "{answer}");
    assert!(!host.restarted());
}

fn record(host: &Host) -> Value {
    serde_json::from_slice(&fs::read(host.state().join("permit.json")).unwrap()).unwrap()
}

#[test]
fn a_host_that_stays_up_keeps_its_permit_for_max_hold_and_no_longer() {
    let cluster = Cluster::start(1, &[]);
    let of = || Host::of_group("web", &cluster.ports(), "max_hold = \"60s\"\n");
    let (stays, other) = (of(), of());
    restarts(&stays, 0);
    let first = record(&stays);
    restarts(&stays, 30);
    assert_eq!((record(&stays), cluster.holders("web").len()), (first, 1));
    let what = "the restart that was asked for at 2026-01-02T03:04:";
    spent(&stays, 90, 12, "never_tried", what);
    assert_eq!(cluster.holders("web"), []);
    spent(&stays, 110, 12, "never_tried", what);
    assert_eq!(cluster.holders("web"), []);
    restarts(&other, 0);
    assert_eq!(other.updog(&["cancel"]).code, 0);
    until("cancel has given the permit back", || cluster.holders("web").is_empty());
    // As long again has passed.
    restarts(&stays, 300);
}

/// Whatever its clock says: etcd ends a lease that nobody renews.
#[test]
fn a_host_that_stays_up_does_not_renew_its_permit() {
    let cluster = Cluster::start(1, &[]);
    let of = || Host::of_group("web", &cluster.ports(), "max_hold = \"5s\"\n");
    let (stays, other) = (of(), of());
    restarts(&stays, 0);
    until("the other one may restart", || {
        let said = turn(&stays, 0);
        assert!([0, 12].contains(&said.code), "{said:?}");
        turn(&other, 0);
        other.restarted()
    });
    assert!(turn(&stays, 0).stdout.contains("\"reason\":\"never_tried\""));
}

/// What is never used counts too, from when it was taken.
#[test]
fn a_host_whose_turns_are_killed_leaves_the_group_to_others() {
    let cluster = Cluster::start(1, &[]);
    let host = Host::of_group("web", &cluster.ports(), "max_hold = \"60s\"\n");
    let dir = host.path("hooks.d").display().to_string();
    let plain = fs::read_to_string(host.config()).unwrap();
    write(host.config(), format!("{plain}[hooks]\ndir = {dir:?}\n"));
    host.hook("pre-reboot", "10-kills", "kill -9 $PPID");
    let killed = |secs| assert_eq!(at(&host, secs).status().unwrap().signal(), Some(9));
    killed(0);
    let first = record(&host);
    assert_eq!(cluster.holders("web").len(), 1);
    // As if it had ended in etcd.
    cluster.ask("lease/revoke", &json!({ "ID": first["lease"].to_string() }));
    killed(30);
    assert_eq!(cluster.holders("web").len(), 1);
    assert_ne!(record(&host)["lease"], first["lease"]);
    assert_eq!(record(&host)["at"], first["at"]);
    spent(&host, 90, 0, "coordinated", "the permit taken at 2026-01-02T03:04:");
    assert_eq!(cluster.holders("web"), []);
}
