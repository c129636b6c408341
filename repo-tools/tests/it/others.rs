//! A working folder that is behind takes away nothing that others have published, unless it is told to.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::cli::Desk;
use crate::common::write_release;

/// A desk on which each line is run a minute after the one before.
struct Minutes(Desk, Cell<u32>);

impl Minutes {
    fn at(&self, line: &str) -> String {
        self.1.set(self.1.get() + 1);
        format!("{line} --clock 2026-12-01T00:{:02}:00Z", self.1.get())
    }

    fn done(&self, line: &str) -> String {
        self.0.done(&self.at(line))
    }

    fn json(&self, line: &str) -> Value {
        self.0.json(&self.at(line))
    }

    fn output(&self, line: &str) -> Output {
        self.0.output(&self.at(line))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// 1.0.0 published from `ours`; `theirs` is a copy of it, and `next` and `other` are releases that nobody has added.
fn two_folders() -> Minutes {
    let desk = Minutes(Desk::new(), Cell::new(0));
    write_release(&desk.path("next"), "1.1.0", "1.1.0");
    write_release(&desk.path("other"), "1.2.0", "1.2.0");
    for line in [
        "--repo ours init",
        "--repo ours key new k --role all",
        "--repo ours release add release --level 1",
        "--repo ours sign --key k",
        "--repo ours publish public",
    ] {
        desk.done(line);
    }
    copy(&desk, "ours", "theirs");
    desk
}

fn copy(desk: &Minutes, from: &str, to: &str) {
    assert!(Command::new("cp").arg("-a").arg(desk.path(from)).arg(desk.path(to)).status().unwrap().success());
}

fn publish(desk: &Minutes, repo: &str, lines: &[&str]) {
    for line in lines.iter().copied().chain(["sign --key k", "publish public"]) {
        desk.done(&format!("--repo {repo} {line}"));
    }
}

fn live(desk: &Minutes) -> Vec<u8> {
    fs::read(desk.path("public/metadata/timestamp.json")).unwrap()
}

fn refused(desk: &Minutes, line: &str) -> Value {
    let before = live(desk);
    let answer = desk.json(line);
    assert_eq!((answer["exit"].as_i64(), answer["reason"].as_str()), (Some(50), Some("others")), "{answer}");
    assert_eq!(live(desk), before);
    answer
}

#[test]
fn a_release_that_this_folder_has_never_known_is_not_taken_away() {
    let desk = two_folders();
    publish(&desk, "theirs", &["release add next --level 1", "release yank 1.0.0 --reason broken"]);
    // Signed later than theirs: every version is higher, and still it must not be shown.
    desk.done("--repo ours release add other --level 1");
    desk.done("--repo ours sign --key k --renew timestamp");
    for more in ["", " --dry-run", " --from-scratch"] {
        let said = refused(&desk, &format!("--repo ours publish public{more}"))["message"].to_string();
        for undone in ["removed: tiny x86_64 1.1.0", "tiny x86_64 1.0.0"] {
            assert!(said.contains(undone), "{said}");
        }
        assert!(!said.contains("1.2.0,"), "what comes is meant: {said}");
    }
    let output = desk.output("--repo ours publish public");
    let said = String::from_utf8(output.stderr).unwrap();
    let hint = said.lines().find(|line| line.starts_with("hint: ")).unwrap();
    assert!(hint.contains("release diff --against public") && !hint.contains("renew"), "{hint}");
    assert!(desk.output("--repo ours release diff --against public").status.success());

    desk.done("--repo ours publish public --undo-others");
    assert!(desk.done("validate public").contains("no problems"));
    // And now it is theirs that is behind.
    refused(&desk, "--repo theirs publish public");
}

#[test]
fn a_stage_that_is_behind_is_told_to_take_over_what_is_live_first() {
    let desk = two_folders();
    desk.done("--repo ours waves set slow");
    desk.done("--repo ours sign --key k");
    publish(&desk, "theirs", &["release add next --level 1"]);
    // Older in every role; that a renewal would be newer is no help.
    refused(&desk, "--repo ours publish public");
    desk.done("--repo ours sign --key k --renew targets");
    refused(&desk, "--repo ours publish public");
}

#[test]
fn what_this_folder_has_known_it_may_take_away() {
    let desk = two_folders();
    publish(&desk, "ours", &["release add next --level 1"]);
    // Also a copy that came later, and one that published something in between.
    copy(&desk, "ours", "later");
    publish(&desk, "later", &["release remove 1.1.0"]);
    publish(&desk, "later", &["release add other --level 1"]);
    refused(&desk, "--repo ours publish public --staged");
    fs::remove_dir_all(desk.path("ours")).unwrap();
    copy(&desk, "later", "ours");
    publish(&desk, "ours", &["release remove 1.2.0", "release yank 1.0.0 --reason broken"]);
    assert!(desk.done("validate public").contains("no problems"));
}

#[test]
fn a_run_that_was_cut_after_its_commit_is_no_stranger() {
    let desk = two_folders();
    let versions = |desk: &Minutes| -> Value {
        serde_json::from_slice(&fs::read(desk.path("ours/updog-repo.json")).unwrap()).unwrap()
    };
    let before = versions(&desk);
    publish(&desk, "ours", &["release add next --level 1"]);
    // Shown, and not yet remembered but for what was announced before the commit.
    let mut cut = versions(&desk);
    cut["published"] = before["published"].clone();
    cut["known"]["releases"] = before["known"]["releases"].clone();
    fs::write(desk.path("ours/updog-repo.json"), cut.to_string()).unwrap();
    publish(&desk, "ours", &["release remove 1.1.0"]);
}

/// Blobs are long and travel by other ways than what is kept in version control.
#[test]
fn blobs_of_others_that_lie_here_make_nothing_known() {
    let desk = two_folders();
    desk.done("key new team");
    fs::write(desk.path("tools-1"), "one").unwrap();
    fs::write(desk.path("tools-2"), "two").unwrap();
    let sign = "delegation sign tools --key team --target";
    let delegate = "delegation add tools --key team.pub --path tools-*";
    publish(&desk, "ours", &[delegate, &format!("{sign} tools-1")]);
    fs::remove_dir_all(desk.path("theirs")).unwrap();
    copy(&desk, "ours", "theirs");
    publish(
        &desk,
        "theirs",
        &["release add next --level 1", "waves halt 1.0.0 --reason lost-data", &format!("{sign} tools-2")],
    );
    desk.done("--repo ours release add other --level 1");
    desk.done("--repo ours sign --key k");
    for name in names(&desk.path("theirs/blobs")) {
        fs::copy(desk.path("theirs/blobs").join(&name), desk.path("ours/blobs").join(&name)).unwrap();
    }
    for more in ["", " --staged", " --dry-run"] {
        let said = refused(&desk, &format!("--repo ours publish public{more}"))["message"].to_string();
        for undone in [
            "removed: tiny x86_64 1.1.0",
            "resumed: tiny x86_64 1.0.0",
            "removed: target tools-2 of role tools",
        ] {
            assert!(said.contains(undone), "{said}");
        }
    }
}

/// One folder publishes to two places, and what it shows at one says nothing about the other.
#[test]
fn what_others_published_elsewhere_is_known_by_its_bytes_not_its_version() {
    let desk = two_folders();
    publish(&desk, "theirs", &["release add next --level 1"]);
    desk.done("--repo ours release add other --level 1");
    desk.done("--repo ours sign --key k");
    desk.done("--repo ours publish rehearsal");
    refused(&desk, "--repo ours publish public");
}

/// What comes lifts the bound of its line; one that somebody has lowered stays.
#[test]
fn a_bound_is_lifted_by_what_comes_unless_it_calls_hosts_down() {
    let desk = two_folders();
    desk.done("--repo theirs sign --key k --renew targets");
    desk.done("--repo theirs publish public");
    desk.done("--repo ours release add next --level 1");
    publish(&desk, "ours", &[]);
    fs::remove_dir_all(desk.path("theirs")).unwrap();
    copy(&desk, "ours", "theirs");
    publish(&desk, "theirs", &["release yank 1.1.0 --reason broken", "release max-version 1.0.0"]);
    desk.done("--repo ours release add other --level 1");
    desk.done("--repo ours sign --key k");
    let said = refused(&desk, "--repo ours publish public")["message"].to_string();
    assert!(said.contains("max_version of tiny x86_64: 1.2.0 (before: 1.0.0)"), "{said}");
}

#[test]
fn a_manifest_that_cannot_be_read_there_may_hold_anything() {
    let desk = two_folders();
    publish(&desk, "theirs", &["release add next --level 1"]);
    let targets = desk.path("public/targets");
    let theirs: Vec<String> = names(&targets)
        .into_iter()
        .filter(|name| name.ends_with(".manifest.json") && !desk.path("ours/blobs").join(name).exists())
        .collect();
    assert_eq!(theirs.len(), 1);
    fs::remove_file(targets.join(&theirs[0])).unwrap();
    desk.done("--repo ours sign --key k --renew targets");
    let said = refused(&desk, "--repo ours publish public")["message"].to_string();
    assert!(said.contains("a manifest that is missing or damaged there"), "{said}");
}

fn names(dir: &Path) -> Vec<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// What Ann did to the delegated role stays, though the targets role is the same for both.
#[test]
fn targets_of_a_delegated_role_that_this_folder_has_never_known_stay() {
    let desk = two_folders();
    desk.done("key new team");
    for (name, bytes) in [("tools-1", "bad"), ("tools-2", "two"), ("tools-3", "three")] {
        fs::write(desk.path(name), bytes).unwrap();
    }
    let sign = "delegation sign tools --key team --target";
    publish(
        &desk,
        "ours",
        &["delegation add tools --key team.pub --path tools-*", &format!("{sign} tools-1")],
    );
    fs::remove_dir_all(desk.path("theirs")).unwrap();
    copy(&desk, "ours", "theirs");
    publish(&desk, "theirs", &[&format!("{sign} tools-2 --drop tools-1")]);

    desk.done(&format!("--repo ours {sign} tools-3"));
    let seen = desk.done("--repo ours release diff --against public");
    for line in
        ["tools-1 of role tools: added", "tools-2 of role tools: removed", "tools-3 of role tools: added"]
    {
        assert!(seen.contains(line), "{seen}");
    }
    desk.done("--repo ours sign --key k");
    for more in ["", " --dry-run"] {
        let said = refused(&desk, &format!("--repo ours publish public{more}"))["message"].to_string();
        for undone in ["removed: target tools-2 of role tools", "listed again: target tools-1 of role tools"]
        {
            assert!(said.contains(undone), "{said}");
        }
        assert!(!said.contains("tools-3"), "what comes is meant: {said}");
    }
    desk.done("--repo ours publish public --undo-others");
    // Known here by now: one step back and one on is meant.
    publish(&desk, "ours", &["delegation sign tools --key team --drop tools-3"]);
    assert!(desk.done("validate public").contains("no problems"));
}

/// The manifest names the same targets before and after.
#[test]
fn a_migration_that_was_mended_elsewhere_stays_mended() {
    let desk = two_folders();
    fs::write(desk.path("mig"), "eats data").unwrap();
    publish(&desk, "ours", &["release add next --level 1", "migrations set 1.0.0 1.1.0 mig"]);
    fs::remove_dir_all(desk.path("theirs")).unwrap();
    copy(&desk, "ours", "theirs");
    fs::write(desk.path("mig"), "mended").unwrap();
    let set = desk.json("--repo theirs migrations set 1.0.0 1.1.0 mig");
    assert_eq!(
        (set["exit"].as_i64(), set["data"]["differences"][0]["kind"].as_str()),
        (Some(0), Some("target"))
    );
    assert_eq!(desk.json("--repo theirs migrations set 1.0.0 1.1.0 mig")["exit"], 10);
    assert!(desk.done("--repo theirs release diff").contains("target mig: other bytes"));
    publish(&desk, "theirs", &[]);

    assert!(desk.done("--repo ours release diff --against public").contains("target mig: other bytes"));
    desk.done("--repo ours release add other --level 1");
    desk.done("--repo ours sign --key k");
    let said = refused(&desk, "--repo ours publish public")["message"].to_string();
    assert!(said.contains("other bytes: target mig"), "{said}");
    // Something else names it: no file of that name takes its place.
    let refused = desk.json("--repo theirs migrations set 0.9.0 1.0.0 mig");
    assert_eq!(refused["exit"], 0, "{refused}");
    fs::write(desk.path("mig"), "third").unwrap();
    assert_eq!(desk.json("--repo theirs migrations set 0.9.0 1.0.0 mig")["exit"], 2);
}
