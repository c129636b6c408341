//! Releases and rollouts that are changed after they were signed: by commands, with the answer of a host at each step.

use std::fs;

use chrono::{DateTime, Utc};
use release::manifest::{Manifest, Update};
use serde_json::Value;
use updog_repo::Disk;
use updog_repo::host_check::host_check;
use updog_repo::source::FolderSource;
use waves::{Rollout, Seed, Verdict};

use crate::cli::Desk;
use crate::common::write_release;

/// Two releases; the newer rolls out by `normal` from 2026-12-01 on, is signed and published.
fn published() -> Desk {
    let desk = Desk::new();
    write_release(&desk.path().join("release-2"), "1.1.0", "1.1.0");
    for line in [
        "--repo r init",
        "--repo r key new k --role all",
        "--repo r release add release --level 1",
        "--repo r release add release-2 --level 1",
        "--repo r waves set normal --start-at 2026-12-01T00:00:00Z",
        "--repo r sign --key k",
        "--repo r publish public",
    ] {
        desk.done(&at(1, line));
    }
    desk
}

fn at(day: u32, line: &str) -> String {
    format!("{line} --clock 2026-12-{day:02}T00:00:00Z")
}

fn manifest(desk: &Desk) -> Manifest {
    Manifest::parse(&fs::read(desk.path().join("r/draft/manifest.json")).unwrap()).unwrap()
}

fn open(desk: &Desk, seed: u32, day: u32) -> bool {
    let update = manifest(desk).updates.remove(1);
    matches!(update.rollout().verdict(Seed::new(seed).unwrap(), moment(day)), Verdict::Open { .. })
}

#[test]
fn a_rollout_is_paused_resumed_slowed_hurried_and_halted() {
    let desk = published();
    for unexplained in [
        "waves pause 1.1.0",
        "waves resume 1.1.0",
        "waves slow 1.1.0 2",
        "waves hurry 1.1.0 2",
        "waves halt 1.1.0",
        "waves set normal --version 1.1.0 --restart",
    ] {
        let wrong = desk.output(&at(4, &format!("--repo r {unexplained}")));
        assert_eq!(wrong.status.code(), Some(2), "{unexplained}");
        assert!(String::from_utf8_lossy(&wrong.stderr).contains("--reason"), "{unexplained}");
    }
    let paused = desk.json(&at(4, "--repo r waves pause 1.1.0 --reason disks"));
    assert_eq!(paused["message"], "paused: tiny x86_64 1.1.0");
    let kinds: Vec<&str> = paused["data"]["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["waves", "paused"]);
    assert!(desk.done("--repo r release list").contains("paused since 2026-12-04T00:00:00Z: disks"));
    assert!(open(&desk, 500, 4) && !open(&desk, 700, 30), "what has opened stays open, the rest waits");
    assert!(desk.done("--repo r waves show 1.1.0 --seed 700").contains("No host installs it: paused since"));
    for (line, code) in [
        ("waves pause 1.1.0 --reason again", 10),
        ("waves slow 1.1.0 2 --reason disks", 50),
        ("waves set slow --version 1.1.0", 50),
        ("waves resume 1.1.0 --clock 2026-12-03T00:00:00Z --reason disks", 50),
    ] {
        let line = if line.contains("--clock") {
            format!("--repo r {line}")
        } else {
            at(5, &format!("--repo r {line}"))
        };
        assert_eq!(desk.run(&line), code, "{line}");
    }
    desk.done(&at(6, "--repo r waves resume 1.1.0 --reason cable"));
    // Two days of pause: normal ends on the 10th instead of the 8th.
    assert!(desk.done("--repo r release list").contains("all hosts by 2026-12-10T00:00:00Z"));
    desk.done(&at(6, "--repo r waves slow 1.1.0 2 --reason disks"));
    assert!(desk.done("--repo r release list").contains("all hosts by 2026-12-14T00:00:00Z"));
    desk.done(&at(10, "--repo r waves hurry 1.1.0 4 --reason disks"));
    assert!(desk.done("--repo r release list").contains("all hosts by 2026-12-11T00:00:00Z"));
    desk.done(&at(10, "--repo r waves halt 1.1.0 --reason never"));
    assert_eq!(desk.run(&at(10, "--repo r waves resume 1.1.0 --reason cable")), 50);
    let shown = desk.json("--repo r release show 1.1.0");
    let history: Vec<&str> = shown["data"]["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["what"].as_str().unwrap())
        .collect();
    assert_eq!(history, ["set normal", "pause", "resume", "slow 2", "hurry 4", "halt"]);
    let reasons: Vec<&str> = shown["data"]["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["reason"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(reasons, ["", "disks", "cable", "disks", "disks", "never"]);
    desk.done(&at(10, "--repo r waves set emergency --version 1.1.0 --restart --reason new"));
    // Hosts and old clients read it all.
    desk.done(&at(10, "--repo r sign --key k"));
    desk.done(&at(10, "--repo r publish public"));
    assert!(desk.done(&at(10, "validate public --root r/root/1.root.json")).contains("no problems"));
}

/// Whoever signs may come days later: nothing moves by that, neither when it is signed nor when it is published.
#[test]
fn a_change_counts_from_the_moment_of_its_verb_however_late_it_is_signed() {
    // `normal` from the 1st has its last host on the 8th; the change is made on the 4th, when four days are left.
    let cases = [
        ("waves slow 1.1.0 2 --reason disks", Some("2026-12-12T00:00:00Z")),
        ("waves hurry 1.1.0 2 --reason disks", Some("2026-12-06T00:00:00Z")),
        ("waves pause 1.1.0 --reason disks", None),
        ("waves halt 1.1.0 --reason disks", None),
        ("waves set normal --version 1.1.0", Some("2026-12-11T00:00:00Z")),
    ];
    for (verb, closes) in cases {
        let desk = published();
        desk.done(&at(4, &format!("--repo r {verb}")));
        let update = signed_and_shown(&desk, 6);
        let rollout = update.rollout();
        let closes = closes.unwrap_or("9999-01-01T00:00:00Z");
        assert_eq!(rollout.closes_at(), Some(closes.parse().unwrap()), "{verb}");
        let ours = update.updog.as_ref().unwrap();
        let stands = ours.paused.as_ref().map(|halt| halt.at);
        assert_eq!(stands, closes.starts_with('9').then(|| moment(4)), "{verb}");
        if stands.is_some() {
            let opened_on = |day| Seed::all().filter(|seed| opens(&rollout, *seed) <= moment(day)).count();
            assert!(opened_on(4) > 0, "{verb}: what had opened by the verb stays open");
            assert_eq!(
                opened_on(4),
                opened_on(30),
                "{verb}: what opened between verb and signing is held too"
            );
        }
    }
    let desk = published();
    desk.done(&at(4, "--repo r waves pause 1.1.0 --reason disks"));
    signed_and_shown(&desk, 5);
    desk.done(&at(7, "--repo r waves resume 1.1.0 --reason cable"));
    let resumed = signed_and_shown(&desk, 9).rollout();
    assert_eq!(resumed.closes_at(), Some(moment(11)), "three days of pause: from verb to verb");
}

/// What hosts find of 1.1.0 after somebody signed and published on that day; it is what the verb made of the draft.
fn signed_and_shown(desk: &Desk, day: u32) -> Update {
    let made = manifest(desk);
    desk.done(&at(day, "--repo r sign --key k"));
    desk.done(&at(day, "--repo r publish public"));
    let root = fs::read(desk.path().join("r/root/1.root.json")).unwrap();
    let view = host_check(&FolderSource::new(&Disk, &desk.path().join("public")), root, moment(day)).unwrap();
    let mut shown = view.manifest.unwrap();
    assert_eq!(shown, made);
    shown.updates.remove(1)
}

fn opens(rollout: &Rollout, seed: Seed) -> DateTime<Utc> {
    rollout.opens_at(seed).unwrap()
}

fn moment(day: u32) -> DateTime<Utc> {
    format!("2026-12-{day:02}T00:00:00Z").parse().unwrap()
}

#[test]
fn what_hosts_will_see_is_said_before_it_is_signed() {
    let desk = published();
    let none = desk.json("--repo r release diff");
    assert_eq!((none["exit"].as_i64(), none["reason"].as_str()), (Some(10), Some("nothing_to_do")));
    desk.done("--repo r release yank 1.0.0 --reason old");
    for against in ["", "--against public"] {
        let diff = desk.json(&at(2, &format!("--repo r release diff {against}")));
        let all = diff["data"]["differences"].as_array().unwrap();
        assert_eq!((all.len(), all[0]["kind"].as_str()), (1, Some("yanked")), "{diff}");
        assert_eq!((all[0]["was"].is_null(), all[0]["is"]["reason"].as_str()), (true, Some("old")));
    }
    desk.done(&at(2, "--repo r sign --key k"));
    assert_eq!(desk.json("--repo r release diff")["exit"], 10);
    assert_eq!(
        desk.json(&at(2, "--repo r release diff --against public"))["data"]["against"],
        "what hosts see"
    );
    desk.done(&at(2, "--repo r publish public"));
    assert_eq!(desk.run(&at(2, "--repo r release diff --against public")), 10);
    assert_eq!(desk.run("--repo r release diff --against nowhere"), 2);
    fs::create_dir(desk.path().join("empty")).unwrap();
    let fresh = desk.json(&at(2, "--repo r release diff --against empty"));
    assert_eq!(fresh["data"]["differences"].as_array().unwrap().len(), 2, "everything is new there");
}

#[test]
fn a_release_is_removed_with_the_targets_that_only_it_names() {
    let desk = published();
    let before = targets(&desk);
    assert_eq!(desk.json("--repo r release remove 1.1.0")["data"]["targets"].as_array().unwrap().len(), 6);
    assert_eq!((before, targets(&desk)), (12, 6));
    assert_eq!(manifest(&desk).updates.len(), 1);
    assert_eq!(desk.run("--repo r release remove 1.1.0"), 2);
    // Its blobs are there still, so that it is back as it was.
    desk.done("--repo r release add release-2 --level 1");
    assert_eq!(targets(&desk), 12);
    let again = desk.json("--repo r release add release-2");
    assert_eq!((again["exit"].as_i64(), again["data"]["changed"].as_bool()), (Some(10), Some(false)));
}

#[test]
fn hosts_are_called_down_by_a_yank_and_a_maximum() {
    let desk = published();
    assert_eq!(desk.run("--repo r release max-version 1.0.0"), 50, "1.1.0 is above it and offered");
    desk.done("--repo r release yank 1.1.0 --reason disks");
    assert_eq!(desk.run("--repo r release yank 1.1.0 --reason disks"), 10);
    let done = desk.json("--repo r release max-version 1.0.0");
    assert_eq!(done["data"]["differences"][0]["kind"], "max_version");
    assert_eq!(desk.run("--repo r release max-version 1.0.0"), 10);
    assert_eq!(
        desk.run("--repo r release unyank 1.1.0 --reason mended"),
        50,
        "1.1.0 would be offered above the maximum"
    );
    desk.done("--repo r release max-version 1.1.0");
    assert_eq!(desk.run("--repo r release unyank 1.1.0 --reason mended"), 0);
    assert_eq!(desk.run("--repo r release max-version 0.9.0"), 2);
    desk.done("--repo r release from 1.1.0 >=1.0.0");
    assert_eq!(desk.run("--repo r release from 1.1.0 >=1.0.0"), 10);
    assert_eq!(desk.run("--repo r release from 1.1.0 newest"), 2);
    desk.done("--repo r release from 1.1.0 any");
}

#[test]
fn migrations_are_a_table_of_targets() {
    let desk = published();
    fs::write(desk.path().join("migrate_users"), "#!bin").unwrap();
    fs::write(desk.path().join("a b"), "x").unwrap();
    let set = desk.json("--repo r migrations set 1.0.0 1.1.0 migrate_users");
    assert_eq!(set["data"]["differences"][0]["is"], serde_json::json!(["migrate_users"]));
    assert_eq!(desk.run("--repo r migrations set 1.0.0 1.1.0 migrate_users"), 10);
    assert_eq!(desk.json("--repo r migrations list")["data"]["migrations"][0]["to"], "1.1.0");
    let kept = fs::read(desk.path().join("r/draft/manifest.json")).unwrap();
    for (line, code) in [
        ("migrations set 1.1.0 1.0.0", 50),
        ("migrations set 1.1.0 9.0.0", 50),
        ("migrations set 1.0.0 1.1.0 nowhere", 2),
        ("migrations set 1.0 1.1.0", 2),
        ("migrations remove 3.0.0 4.0.0", 10),
        ("release remove 1.1.0", 50),
    ] {
        assert_eq!(desk.run(&format!("--repo r {line}")), code, "{line}");
    }
    assert_eq!(fs::read(desk.path().join("r/draft/manifest.json")).unwrap(), kept);
    desk.done("--repo r migrations remove 1.0.0 1.1.0");
    assert_eq!(targets(&desk), 12);
}

#[test]
fn nonsense_is_refused_with_one_error_and_changes_nothing() {
    let desk = published();
    let wave = "[[waves]]\nstart_after = \"1 hour\"\nfleet_percentage = ";
    fs::write(desk.path().join("falling.toml"), format!("{wave}50\n{}20\n", wave.replace('1', "2"))).unwrap();
    let kept = fs::read(desk.path().join("r/draft/manifest.json")).unwrap();
    for (line, code, named) in [
        ("waves set falling.toml", 2, "expected more than 50 %"),
        ("waves plan falling.toml", 2, "expected more than 50 %"),
        ("waves set normal --start-at 2020-01-01T00:00:00Z", 2, "in the past"),
        ("waves plan normal --start-at 2020-01-01T00:00:00Z", 2, "in the past"),
        ("waves set normal --variant desktop", 2, "no variant \"desktop\", it has tiny"),
        ("waves pause 9.9.9 --reason x", 2, "no release 9.9.9"),
        ("waves show 1.1.0 --seed 2048", 2, "expected 0 to 2047"),
        ("waves slow 1.1.0 0 --reason disks", 2, "expected a number above 1"),
        ("waves slow 1.1.0 -2 --reason disks", 2, "expected a number above 1"),
        ("waves hurry 1.1.0 0.5 --reason disks", 2, "expected a number above 1"),
        ("release yank 1.1.0 --reason=", 2, "expected one line"),
        ("release show 1.1.0 --arch aarch64", 2, "no architecture \"aarch64\", it has x86_64"),
    ] {
        let output = desk.output(&at(2, &format!("--repo r {line}")));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(said.contains(named) && said.matches("error").count() == 1, "{line}: {said}");
    }
    assert_eq!(fs::read(desk.path().join("r/draft/manifest.json")).unwrap(), kept);
}

#[test]
fn a_rollout_is_seen_before_anything_is_signed() {
    let desk = Desk::new();
    // Without a working folder.
    let plan = desk.json(&at(1, "waves plan normal --hosts 100000 --svg curve.svg"));
    let rows = plan["data"]["waves"].as_array().unwrap();
    assert_eq!(rows.len(), 7);
    let seeds: u64 = rows.iter().map(|row| row["seeds"].as_u64().unwrap()).sum();
    assert_eq!(seeds, 2048);
    // 20 of 2048 seeds in three hours.
    assert_eq!(rows[0]["hosts_per_hour"], 100_000 * 20 / 2048 / 3);
    let text = desk.done(&at(1, "waves plan normal --hosts 100000"));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("wave  bound  opens") && lines[1].contains("2026-12-01T01:00:00Z"), "{text}");
    let svg = fs::read_to_string(desk.path().join("curve.svg")).unwrap();
    assert!(
        svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>") && !svg.contains("script"),
        "{svg}"
    );
    assert_eq!(desk.run("waves plan normal --hosts 0"), 2);
}

fn targets(desk: &Desk) -> usize {
    let text = fs::read(desk.path().join("r/draft/targets.json")).unwrap();
    serde_json::from_slice::<Value>(&text).unwrap()["targets"].as_object().unwrap().len()
}

/// A rollout that stood still and goes on as before is another file all the same: its history tells of both.
#[test]
fn a_pause_that_is_over_is_one_difference_wherever_it_is_looked_for() {
    let desk = Desk::new();
    for line in [
        "--repo r init",
        "--repo r key new k --role all",
        "--repo r release add release --level 1",
        "--repo r waves set normal",
        "--repo r sign --key k",
        "--repo r publish public",
        "--repo r waves pause 1.0.0 --reason slow --clock 2030-01-01T00:00:00Z",
        "--repo r waves resume 1.0.0 --reason mended --clock 2030-01-01T00:00:00Z",
    ] {
        desk.done(line);
    }
    let looks = ["release diff", "release diff --against public", "--dry-run publish public"];
    let told = |line: &str| {
        let answer = desk.json(&format!("--repo r {line}"));
        let data = &answer["data"];
        let found =
            if line.contains("publish") { &data["preview"]["differences"] } else { &data["differences"] };
        found
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["kind"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for line in looks.iter().take(2) {
        assert_eq!(told(line), ["notes"], "{line}");
    }
    assert!(desk.done("--repo r release diff").contains("history of tiny x86_64 1.0.0: pause, resume"));
    desk.done("--repo r sign --key k");
    for (line, expected) in looks.iter().zip([&[][..], &["notes"], &["notes"]]) {
        assert_eq!(told(line), expected, "{line}");
    }
    desk.done("--repo r publish public");
    for line in looks {
        assert!(told(line).is_empty(), "{line}");
    }
}
