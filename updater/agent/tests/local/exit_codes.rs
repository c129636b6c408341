//! Exit codes and `--json`: one object on every verb, also on errors and usage errors.

use std::collections::BTreeSet;

use serde_json::Value;
use updater_core::Exit;

use crate::host::{Host, write};
use crate::online::{Served, waves};

/// Prepares a host; what is run; its exit code; its reason.
type Case = (&'static str, fn(&mut Host), &'static [&'static str], i32, Option<&'static str>);

const CASES: [Case; 32] = [
    ("status", |_| (), &["status"], 0, None),
    ("nothing armed", |_| (), &["cancel"], 10, None),
    ("nothing staged", |_| (), &["arm"], 10, None),
    ("nothing to verify against", |_| (), &["verify"], 10, None),
    ("armed", |host| _ = host.stage("1.1.0"), &["arm"], 0, None),
    ("whole", |host| _ = host.stage("1.1.0"), &["verify"], 0, None),
    ("no fallback", |_| (), &["rollback"], 50, None),
    ("fallback never confirmed", |host| host.set((2, 7, true), (1, 3, false)), &["rollback"], 50, None),
    ("trial", |host| host.set((1, 2, false), (0, 0, false)), &["confirm"], 0, None),
    ("unknown verb", |_| (), &["frobnicate"], 2, None),
    ("no verb", |_| (), &[], 2, None),
    ("a word that is missing", |_| (), &["config"], 2, None),
    ("help", |_| (), &["--help"], 0, None),
    ("help of a verb", |_| (), &["stage", "--help"], 0, None),
    ("version", |_| (), &["--version"], 0, None),
    ("unknown option", |_| (), &["status", "--frobnicate"], 2, None),
    ("no such slot", |_| (), &["verify", "--slot", "C"], 2, None),
    ("no version", |_| (), &["check", "--to", "1.0"], 2, None),
    ("unknown key", |host| write(host.config(), "sead = 1"), &["check"], 2, None),
    ("seed out of range", |host| write(host.config(), "seed = 2048"), &["check"], 2, None),
    ("no repository configured", |host| write(host.config(), ""), &["check"], 2, None),
    ("config show with problems", |host| write(host.config(), "sead = 1"), &["config", "show"], 2, None),
    ("no disk", |host| std::fs::remove_file(host.disk()).unwrap(), &["status"], 40, None),
    ("no table", |host| write(host.disk(), vec![0; 1 << 20]), &["confirm"], 40, None),
    ("no root", |_| (), &["plan"], 2, None),
    ("nothing to check", |_| (), &["health"], 0, None),
    ("a check that fails", |host| host.check("10-net", "exit 1"), &["health"], 12, None),
    ("nowhere to restart", |host| host.trial_that_fails(), &["health", "--reboot"], 20, None),
    ("nothing happened", |_| (), &["report"], 0, None),
    ("something happened", |host| host.arm_and_leave(), &["report"], 0, None),
    ("armed already", |host| _ = host.arm_by_itself("1.1.0"), &["auto"], 0, None),
    ("armed by hand", |host| _ = host.arm("1.1.0"), &["auto"], 0, Some("by_hand")),
];

#[test]
fn every_verb_ends_with_its_code_and_one_object() {
    for (name, prepare, arguments, code, reason) in CASES {
        let mut host = Host::new();
        prepare(&mut host);
        let said = host.updog(&[&["--json"], arguments].concat());
        assert_eq!(said.code, code, "{name}: {said:?}");
        let answer: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{name}: {said:?}"));
        let keys: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["format", "verb", "ok", "exit", "reason", "message", "data"], "{name}");
        assert_eq!(answer["exit"], code, "{name}");
        assert_eq!(answer["ok"], code == 0, "{name}");
        assert_eq!(answer["reason"].as_str(), reason, "{name}");
        assert!(!answer["message"].as_str().unwrap().is_empty(), "{name}");
        for line in said.stderr.lines() {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "{name}: stderr is JSON lines too: {line}");
        }
    }
}

#[test]
fn an_error_is_printed_once_with_its_causes_and_a_hint() {
    let host = Host::new();
    write(host.config(), "metadata_base_ulr = \"http://127.0.0.1/\"");
    let said = host.updog(&["check"]);
    let expected = format!(
        "error: failed to read the configuration: unknown key \"metadata_base_ulr\" in {}\n\
         hint: did you mean \"metadata_base_url\"?\n",
        host.config().display()
    );
    assert_eq!((said.code, said.stdout.as_str(), said.stderr), (2, "", expected));
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in [&["--help"][..], &["--version"], &["help", "stage"], &["stage", "--help"]] {
        let said = Host::new().updog(arguments);
        assert_eq!(said.code, 0, "{arguments:?} {said:?}");
    }
}

/// The codes of the cases above and of a repository: all that there are, but for the one that must never be seen.
#[test]
fn each_code_is_ended_with_by_something() {
    let mut seen: BTreeSet<i32> = CASES.iter().map(|(_, _, _, code, _)| *code).collect();
    let mut served = Served::new();
    served.publish("1.1.0", waves);
    let waits = served.host.json(&["check"]);
    assert_eq!((&waits["exit"], &waits["reason"]), (&11.into(), &"wave".into()));
    seen.insert(11);
    write(served.host.path("root.json"), "{}");
    std::fs::remove_dir_all(served.host.state().join("trust")).unwrap();
    let untrusted = served.host.json(&["check"]);
    assert_eq!((&untrusted["exit"], &untrusted["reason"]), (&30.into(), &"untrusted".into()), "{untrusted}");
    seen.insert(30);
    // A bug cannot be ordered; what counts as one ends so, and says so.
    let bug = updog::Error::from(updog::engine::Error::Thread);
    assert_eq!(bug.exit(), Exit::Bug);
    seen.insert(bug.exit().code().into());
    assert_eq!(seen, Exit::ALL.into_iter().map(|exit| exit.code().into()).collect());
}
