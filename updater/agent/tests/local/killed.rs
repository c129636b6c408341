//! `auto` killed at each line that it prints: the next turn ends where an undisturbed one does.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::host::flags;
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
fn end(served: &Served) -> (Vec<u8>, Value) {
    let said = served.host.updog(&["auto"]);
    assert_eq!(said.code, 0, "{said:?}");
    let mut data = served.host.json(&["status"])["data"].clone();
    data["last_check"].as_object_mut().unwrap().remove("fetched_bytes");
    (served.host.bytes(), data)
}

/// Kills `auto` once it has printed this many lines; the last one, or `None`: it ended before.
fn killed_after(served: &Served, lines: usize) -> Option<String> {
    let mut command = served.host.command(&["--json", "auto"]);
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
    let undisturbed = end(&served);
    assert_eq!(flags(&served.host.slots()), "1/6/1 2/3/0");
    let mut next = Vec::new();
    for lines in 1.. {
        assert!(lines < 200, "it never ends");
        before.restore(&served);
        let Some(line) = killed_after(&served, lines) else { break };
        let event: Value = serde_json::from_str(&line).unwrap();
        next.extend(event["next"].as_str().map(str::to_owned));
        assert!(end(&served) == undisturbed, "killed at {line}");
        assert_eq!(end(&served), undisturbed, "and once more");
    }
    // The last one is fast: it may end before it can be killed.
    for step in ["settle", "end the trial", "check", "stage", "arm"] {
        assert!(next.iter().any(|name| name == step), "{step}: {next:?}");
    }
}
