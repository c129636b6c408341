//! Clocks that are wrong: `signed_at` never falls, none runs far ahead unseen, and there is a way out of one that did.

use std::fs;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::cli::Desk;
use crate::common::{read_again, write_release};
use updog_repo::{Disk, Metadata};

fn published(clock: &str) -> Desk {
    let desk = Desk::new();
    write_release(&desk.path().join("next"), "1.1.0", "1.1.0");
    for line in
        ["init", "key new k --role all", "release add release --level 1", "sign --key k", "publish public"]
    {
        desk.done(&format!("--repo r {line} --clock {clock}"));
    }
    desk
}

fn signed_at(desk: &Desk) -> DateTime<Utc> {
    let bytes = fs::read(desk.path().join("public/metadata/timestamp.json")).unwrap();
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    value["signed"]["signed_at"].as_str().unwrap().parse().unwrap()
}

/// Refused for its clock; the line that helps.
fn refused(desk: &Desk, line: &str) -> String {
    let before = signed_at(desk);
    let output = desk.output(line);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(50), "{line}: {said}");
    assert_eq!(desk.json(line)["reason"], "clock", "{line}");
    assert_eq!(signed_at(desk), before);
    said.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap().to_owned()
}

const RIGHT: &str = "2026-12-10T00:00:00Z";

#[test]
fn the_signing_time_never_falls() {
    let desk = published("2026-12-10T12:00:00Z");
    // In the folder that signed it.
    refused(&desk, &format!("--repo r sign --key k --renew timestamp --clock {RIGHT}"));
    refused(&desk, &format!("refresh public --key k --clock {RIGHT}"));
    // In a copy that signed before, whose versions are higher all the same: it followed another clock.
    let copy = |from: &str, to: &str| {
        let (from, to) = (desk.path().join(from), desk.path().join(to));
        assert!(std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
    };
    copy("r", "s");
    desk.done("refresh public --key k --clock 2026-12-10T18:00:00Z");
    let state = fs::read_to_string(desk.path().join("s/updog-repo.json")).unwrap();
    let mut state: Value = serde_json::from_str(&state).unwrap();
    state["published"]["timestamp"] = 1_900_000_000_u64.into();
    fs::write(desk.path().join("s/updog-repo.json"), state.to_string()).unwrap();
    desk.done("--repo s sign --key k --renew timestamp --clock 2026-12-10T15:00:00Z");
    let hint = refused(&desk, "--repo s publish public --clock 2026-12-10T15:00:00Z");
    assert!(hint.contains("--clock 2026-12-10T18:00:01Z"), "{hint}");
}

#[test]
fn a_signature_far_ahead_of_the_clock_is_not_published() {
    let desk = published(RIGHT);
    desk.done("--repo r release add next --level 1");
    desk.done("--repo r sign --key k --clock 2027-12-11T00:00:00Z");
    let now = "--clock 2026-12-11T00:00:00Z";
    refused(&desk, &format!("--repo r publish public {now}"));
    // Nobody has seen it: signing by the right clock is enough.
    desk.done(&format!("--repo r sign --key k {now}"));
    desk.done(&format!("--repo r publish public {now}"));
    assert_eq!(signed_at(&desk), "2026-12-11T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
}

#[test]
fn a_jump_is_said() {
    let desk = published(RIGHT);
    let quiet = desk.json("refresh public --key k --clock 2026-12-15T00:00:00Z");
    assert_eq!(quiet["data"]["clock_jump"], Value::Null, "{quiet}");
    let line = "refresh public --key k --allow-expired --clock 2027-10-15T00:00:00Z";
    assert_eq!(desk.json(&format!("{line} --dry-run"))["data"]["clock_jump"]["to"], "2027-10-15T00:00:00Z");
    assert!(desk.done(line).contains("304 d after the one before: if that clock is ahead"));

    let desk = published(RIGHT);
    let later = "--clock 2027-10-15T00:00:00Z";
    assert!(desk.done(&format!("--repo r sign --key k {later}")).contains("if that clock is ahead"));
    assert!(desk.done(&format!("--repo r publish public {later}")).contains("if that clock is ahead"));
}

/// Eleven months too early, by a machine whose clock was wrong from end to end. Hosts that have seen it take that year for the
/// earliest time it can be, and so must be shown what is good then.
#[test]
fn there_is_a_way_out_of_a_clock_that_was_far_ahead() {
    let desk = published(RIGHT);
    let wrong = "2027-11-10T00:00:00Z";
    desk.done("--repo r release add next --level 1");
    desk.done(&format!("--repo r sign --key k --clock {wrong}"));
    desk.done(&format!("--repo r publish public --clock {wrong}"));
    let seen = Metadata::read(&Disk, &desk.path().join("public/metadata")).unwrap();

    desk.done("--repo r release yank 1.1.0 --reason broken");
    let now = "--clock 2026-12-11T00:00:00Z";
    let hint = refused(&desk, &format!("--repo r sign --key k {now}"));
    refused(&desk, &format!("refresh public --key k {now}"));
    // What the hint says, word for word.
    let out = hint.split_once("--clock ").unwrap().1;
    assert_eq!(out, "2027-11-10T00:00:01Z");
    desk.done(&format!("--repo r sign --key k --clock {out}"));
    // By the right clock of whoever publishes.
    desk.done(&format!("--repo r publish public {now}"));
    let found = read_again(&desk.path().join("public"), &seen, wrong.parse().unwrap()).unwrap();
    assert!(found.targets.version > seen.versions().targets);
    // And a refresh goes on from there as well, as often as need be.
    for _ in 0..2 {
        desk.done(&format!("refresh public --key k --clock {out}"));
    }
    read_again(&desk.path().join("public"), &seen, wrong.parse().unwrap()).unwrap();
    assert!(desk.done(&format!("validate public --clock {out}")).contains("no problems"));
}

/// A year of more digits would be no date any more once a term is added or taken away.
#[test]
fn a_moment_that_is_no_rfc_3339_is_usage() {
    let desk = Desk::new();
    for at in ["+262142-12-31T23:59:59Z", "-262143-01-01T00:00:00Z", "2026-12-01", "now"] {
        for line in [
            format!("--clock={at} --repo r init"),
            format!("waves plan normal --start-at={at}"),
            format!("--repo r waves set normal --start-at={at}"),
            format!("waves simulate normal --start-at={at}"),
        ] {
            let output = desk.output(&line);
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{line}: {said}");
            assert!(said.contains("expected RFC 3339, such as 2026-12-01T00:00:00Z"), "{line}: {said}");
        }
    }
    desk.done("waves plan normal --start-at=9998-12-31T23:59:59Z --clock=0000-01-01T00:00:00Z");
}
