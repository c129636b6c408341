//! `auto` killed at each line that it prints, with a restart and without: the next turn ends where an undisturbed one does.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::etcd::Cluster;
use crate::host::{flags, write};
use crate::online::Served;

/// A host that left a trial and has an update open: a turn settles, ends the trial, checks, stages and arms.
fn host() -> Served {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    assert_eq!(served.host.updog(&["apply"]).code, 0);
    for _ in 0..4 {
        served.host.restart();
    }
    assert_eq!(flags(&served.host.slots()), "1/6/1 2/0/0");
    served.publish("1.2.0", |_| ());
    served
}

/// Disk and state folder, to begin again from.
struct Before {
    disk: Vec<u8>,
    state: Vec<(PathBuf, Vec<u8>)>,
}

impl Before {
    fn of(served: &Served) -> Before {
        Before { disk: served.host.bytes(), state: files(&served.host.state()) }
    }

    fn restore(&self, served: &Served) {
        fs::write(served.host.disk(), &self.disk).unwrap();
        fs::remove_dir_all(served.host.state()).unwrap();
        for (path, bytes) in &self.state {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// What a host is once nothing is left to do: every byte of its disk, and what it says, but for how much of the way its last run
/// had to go.
fn end(served: &Served, verb: &[&str]) -> (Vec<u8>, Value) {
    let said = served.host.updog(verb);
    assert_eq!(said.code, 0, "{said:?}");
    let mut data = served.host.json(&["status"])["data"].clone();
    data["last_check"].as_object_mut().unwrap().remove("fetched_bytes");
    (served.host.bytes(), data)
}

/// Kills `auto` once it has printed this many lines; the last one, or `None`: it ended before.
fn killed_after(served: &Served, verb: &[&str], lines: usize) -> Option<String> {
    let mut command = served.host.command(&[&["--json"], verb].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let printed = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let last = printed.take(lines).collect::<Vec<String>>();
    child.kill().unwrap();
    let status = child.wait().unwrap();
    (last.len() == lines && !status.success()).then(|| last.last().unwrap().clone())
}

#[test]
fn a_turn_that_is_killed_is_gone_on_with() {
    let served = host();
    let before = Before::of(&served);
    let again = || before.restore(&served);
    let next = killed_everywhere(&served, &["auto"], &again, "1/6/1 2/3/0");
    // The last one is fast: it may end before it can be killed.
    for step in ["settle", "end the trial", "check", "stage", "arm"] {
        assert!(next.contains(step), "{step}: {next:?}");
    }
}

/// A trial that is healthy and not confirmed yet, with another release open, hooks, and a group to ask.
#[test]
fn a_turn_that_restarts_is_gone_on_with_too() {
    let cluster = Cluster::start(1, &[]);
    let mut served = Served::new();
    let host = &mut served.host;
    host.settle_at_once();
    let text = fs::read_to_string(host.config()).unwrap();
    let dir = host.path("hooks.d").display().to_string();
    write(host.config(), format!("{text}[hooks]\ndir = {dir:?}\n"));
    for phase in ["pre-stage", "post-stage", "pre-reboot"] {
        host.hook(phase, "10-agrees", "exit 0");
    }
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
    host.join("web", &cluster.ports(), "");
    host.arm_by_itself("1.1.0");
    host.restart();
    host.os_release("1.1.0");
    served.publish("1.2.0", |_| ());
    let before = Before::of(&served);
    // What the gate has said is not in the state folder: as if it had been cut before it confirmed.
    assert_eq!(served.host.updog(&["health"]).code, 0);
    let permit = served.host.state().join("permit.json");
    let again = || {
        if let Ok(text) = fs::read_to_string(&permit) {
            let lease = serde_json::from_str::<Value>(&text).unwrap()["lease"].to_string();
            assert_eq!(served.host.updog(&["return-permit", &lease]).code, 0);
        }
        assert_eq!(cluster.holders("web"), []);
        let _ = fs::remove_file(served.host.path("restarted"));
        before.restore(&served);
    };
    again();
    let next = killed_everywhere(&served, &["auto", "--reboot"], &again, "2/3/0 1/7/1");
    for step in ["confirm", "check", "stage", "arm", "take a permit", "reboot"] {
        assert!(next.contains(step), "{step}: {next:?}");
    }
    for phase in ["pre-stage", "post-stage", "pre-reboot"] {
        assert!(next.contains(&format!("asking {phase} hook 10-agrees")), "{phase}: {next:?}");
    }
    assert!(served.host.restarted());
    assert_eq!(cluster.holders("web").len(), 1);
}

/// Kills a turn at its first line, its second, and so on to the last; each time the next turn must end in the same place, with these
/// flags, and the one after it too. The steps and messages at which it was killed.
fn killed_everywhere(served: &Served, verb: &[&str], again: &dyn Fn(), slots: &str) -> BTreeSet<String> {
    let undisturbed = end(served, verb);
    assert_eq!(flags(&served.host.slots()), slots);
    let mut at = BTreeSet::new();
    for lines in 1.. {
        assert!(lines < 200, "it never ends");
        again();
        let Some(line) = killed_after(served, verb, lines) else { break };
        let event: Value = serde_json::from_str(&line).unwrap();
        at.extend(["next", "message"].iter().filter_map(|key| event[key].as_str()).map(str::to_owned));
        assert!(end(served, verb) == undisturbed, "killed at {line}");
        assert_eq!(end(served, verb), undisturbed, "and once more");
    }
    at
}
