//! The program: six commands from nothing to published, exit codes, one object with `--json`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::common::write_release;

pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        write_release(&desk.0.path().join("release"), "1.0.0", "1.0.0");
        desk
    }

    /// A published repository in `public`, of the working folder `repo`, signed by `k`.
    pub(crate) fn published() -> Self {
        let desk = Self::new();
        for line in [
            "--repo repo init",
            "--repo repo key new k --role all",
            "--repo repo release add release --level 1",
            "--repo repo sign --key k",
            "--repo repo publish public",
        ] {
            desk.done(line);
        }
        desk
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn output(&self, line: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_updog-repo"))
            .args(line.split_whitespace())
            .current_dir(self.path())
            .output()
            .unwrap()
    }

    pub(crate) fn run(&self, line: &str) -> i32 {
        let output = self.output(line);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!errors.contains("panicked"), "{line}: {errors}");
        output.status.code().unwrap()
    }

    pub(crate) fn done(&self, line: &str) -> String {
        let output = self.output(line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, line: &str) -> Value {
        let output = self.output(&format!("{line} --json"));
        let value: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(value["exit"].as_i64(), output.status.code().map(i64::from), "{line}");
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["format", "verb", "ok", "exit", "reason", "message", "data"], "{line}");
        value
    }
}

#[test]
fn six_commands_from_nothing_to_published() {
    let desk = Desk::new();
    for line in [
        "--repo repo init",
        "--repo repo key new release.key --role all",
        "--repo repo release add release --level 1",
        "--repo repo waves set normal",
        "--repo repo sign --key release.key",
        "--repo repo publish public",
    ] {
        desk.done(line);
    }
    assert!(desk.done("validate public").contains("no problems: 4 roles, 7 targets"));
    // Twice is boring.
    assert!(desk.done("--repo repo sign --key release.key").contains("nothing to sign"));
    assert!(desk.done("--repo repo publish public").contains("already published"));
    assert!(desk.done("--repo repo stage").contains("seen by nobody"));
    assert!(desk.done("refresh public --key release.key").contains("A refresh works until"));
    assert!(desk.done("--repo repo release list").contains("tiny x86_64 1.0.0"));
    assert!(desk.done("--repo repo waves show --seed 2047").contains("Seed 2047 opens at"));
}

#[test]
fn every_refusal_has_its_code_and_one_line() {
    let desk = Desk::new();
    let setup = [
        "--repo repo init",
        "--repo repo key new release.key --role all",
        "--repo repo release add release --level 1",
    ];
    for (line, code) in [
        ("--repo repo release list", 2),
        ("validate nowhere", 2),
        ("refresh nowhere --key x", 2),
        ("waves plan nowhere.toml", 2),
        ("nonsense", 2),
    ] {
        assert_eq!(desk.run(line), code, "{line}");
    }
    for line in setup {
        desk.done(line);
    }
    for (line, code) in [
        ("--repo repo init", 2),
        ("--repo repo key new release.key", 2),
        ("--repo repo key new repo/secret.key", 2),
        ("--repo repo publish public", 50),
        ("--repo repo release add nowhere", 2),
        ("--repo repo release add release.key", 2),
        ("--repo repo waves set release", 2),
        ("--repo repo waves plan slow --svg nowhere/x.svg", 2),
        ("validate repo --root nowhere", 2),
        ("--repo repo stage", 50),
        ("--repo repo root sign --key missing.key", 2),
        ("--repo repo sign --key release/release.json", 50),
        ("--repo repo waves set nonsense", 2),
        ("--repo repo waves show --seed 2048", 2),
        ("--repo repo waves show --version 9.9.9", 2),
        ("--repo repo root remove-key ffffffff", 2),
        ("--repo repo root expire 2020-01-01T00:00:00Z", 50),
        ("--repo repo root expire 99999d", 2),
        ("refresh repo --key release.key", 2),
    ] {
        let output = desk.output(line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("hint: ")).collect();
        assert!(lines.len() == 1 && lines[0].starts_with("error: "), "{line}: {said}");
        assert!(said.contains("\nhint: ") || said.contains("expected "), "{line} names no next step: {said}");
    }
    // A term that is a slip is refused like a root's, not cut down to the last date there is.
    for line in [
        "sign --key k --timestamp-expire 99999999d",
        "sign --key k --timestamp-expire 367d",
        "sign --key k --targets-expire 3654d",
        "targets propose --targets-expire 3654d",
        "delegation sign tools --key k --expires 3654d",
        "refresh nowhere --key k --expires 367d",
        "root expire 7306d",
        "root expire 9999-01-01T00:00:00Z",
    ] {
        let output = desk.output(&format!("--repo repo {line}"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains("expected at most "), "{line}: {said}");
    }
    // The ends of what can be written are dates too.
    for clock in ["9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "1969-01-01T00:00:00Z"] {
        let line = format!("--clock={clock} --repo repo sign --key release.key");
        assert!([0, 50].contains(&desk.run(&line)), "{line}");
    }
    fs::set_permissions(desk.path().join("release.key"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(desk.run("--repo repo sign --key release.key"), 50);
}

#[test]
fn json_is_one_object_whatever_happens() {
    let desk = Desk::new();
    assert_eq!(desk.json("nonsense")["reason"], "usage");
    assert_eq!(desk.json("--repo repo init")["verb"], "init");
    let key = desk.json("--repo repo key new release.key --role all");
    assert_eq!(key["data"]["id"].as_str().unwrap().len(), 64);
    let added = desk.json("--repo repo release add release --level 1");
    assert_eq!((added["ok"].as_bool(), added["data"]["changed"].as_bool()), (Some(true), Some(true)));
    assert_eq!(desk.json("--repo repo release add release")["data"]["changed"], false);
    assert_eq!(desk.json("--repo repo publish public")["reason"], "not_signed");
    assert_eq!(
        desk.json(
            "--clock 2026-11-30T00:00:00Z --repo repo waves set emergency --start-at 2026-12-01T00:00:00Z"
        )["data"]["waves"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    assert_eq!(desk.json("--repo repo waves show --seed 0")["data"]["seed"]["opens"], "2026-12-01T00:30:00Z");
    assert_eq!(desk.json("--repo repo root show")["data"]["next"]["version"], 1);
    assert_eq!(desk.json("--repo repo sign --key release.key")["data"]["versions"]["root"], 1);
    assert_eq!(desk.json("--repo repo stage")["data"]["releases"], 1);
    assert_eq!(desk.json("--repo repo publish public")["data"]["new_blobs"], 7);
    assert_eq!(desk.json("refresh public --key release.key")["data"]["ends"]["role"], "snapshot");
    assert_eq!(desk.json("validate public")["data"]["targets"], 7);
    fs::write(desk.path().join("public/targets/stray"), "x").unwrap();
    let report = desk.json("validate public");
    assert_eq!(
        (report["exit"].as_i64(), report["data"]["problems"][0]["kind"].as_str()),
        (Some(12), Some("orphan"))
    );
}

/// Also where no verb runs: help, the version, and words that cannot be meant.
#[test]
fn json_is_one_object_without_a_verb_too() {
    let desk = Desk::new();
    for (line, verb, exit, said) in [
        ("--version", "version", 0, "updog-repo "),
        ("--help", "help", 0, "Keys, root ceremony"),
        ("key new --help", "help", 0, "Make a private key"),
        ("", "", 2, "expected a verb, found none"),
        ("key", "key", 2, "expected a verb after \"key\", found none"),
        ("--repo validate key nonsense", "key", 2, "nonsense"),
        ("validate", "validate", 2, "not provided: <PLACE>"),
        ("waves pause 1.0.0", "waves pause", 2, "--reason"),
        ("waves show --seed x", "waves show", 2, "invalid value 'x'"),
        ("validate public --parallel 0", "validate", 2, "from 1 to 64"),
    ] {
        let object = desk.json(line);
        assert_eq!((&object["verb"], &object["exit"]), (&verb.into(), &exit.into()), "{line}: {object}");
        assert_eq!(object["reason"].as_str(), (exit == 2).then_some("usage"), "{line}: {object}");
        let message = object["message"].as_str().unwrap();
        assert!(message.contains(said) && !message.contains('\n'), "{line}: {message}");
        let output = desk.output(&format!("{line} --json"));
        assert!(output.stderr.is_empty(), "{line}: all of it is in the object");
    }
    assert_eq!(desk.json("--version")["data"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(desk.json("--help")["data"]["help"].as_str().unwrap().contains("Exit codes: "));
}

#[test]
fn a_draft_that_moved_on_is_not_published_by_accident() {
    let desk = Desk::new();
    for line in [
        "--repo r init",
        "--repo r key new k --role all",
        "--repo r release add release --level 1",
        "--repo r sign --key k",
    ] {
        desk.done(line);
    }
    desk.done("--repo r stage");
    desk.done("--repo r waves set slow");
    assert_eq!(desk.run("--repo r publish public"), 50);
    assert!(!desk.path().join("public").exists());
    desk.done("--repo r publish public --staged");
    assert_eq!(desk.run("--repo r publish public"), 50);
    desk.done("--repo r sign --key k");
    desk.done("--repo r publish public");
}

#[test]
fn a_rotation_by_commands() {
    let desk = Desk::new();
    let clock = |day: u32, line: &str| format!("{line} --clock 2026-12-{day:02}T00:00:00Z");
    for line in [
        "--repo r init",
        "--repo r key new old --role all",
        "--repo r release add release --level 1",
        "--repo r sign --key old",
        "--repo r publish public",
    ] {
        desk.done(&clock(1, line));
    }
    desk.done(&clock(2, "--repo r key new new --role targets,snapshot,timestamp"));
    desk.done(&clock(2, "--repo r root remove-key old --role targets,snapshot,timestamp"));
    assert_eq!(desk.run(&clock(2, "--repo r sign --key new")), 11);
    desk.done(&clock(2, "--repo r root sign --key old"));
    assert!(desk.done(&clock(2, "--repo r sign --key new")).contains("under root 1"));
    desk.done(&clock(2, "--repo r sign --key old --key new"));
    assert!(desk.done(&clock(2, "--repo r publish public")).contains("Root 2 was shown last"));
    assert!(desk.done(&clock(3, "validate public --root r/root/1.root.json")).contains("no problems"));
    assert_eq!(desk.run(&clock(3, "refresh public --key old")), 2);
    desk.done(&clock(3, "refresh public --key new"));
}
