//! A host that keeps what it needs of the manifest says the same as one that reads all of it.

use std::fs;

use release::manifest::Update;

use crate::online::{Served, halt, waves};

/// The answers to everything that looks, by a host that knows or does not know what it saw before.
fn answers(served: &Served, knows: bool) -> Vec<serde_json::Value> {
    let lines: [&[&str]; 9] = [
        &["check"],
        &["check", "--all"],
        &["check", "--explain"],
        &["check", "--reinstall"],
        &["check", "--to", "0.9.0", "--allow-downgrade"],
        &["check", "--to", "0.9.0"],
        &["check", "--allow-downgrade"],
        &["check", "--ignore-waves"],
        &["plan"],
    ];
    let ask = |line: &[&str]| {
        if !knows {
            for file in ["excerpt.json", "trust/kept.found"] {
                // Not every answer leaves one.
                let _ = fs::remove_file(served.host.state().join(file));
            }
        }
        served.host.json(line)
    };
    lines.map(ask).to_vec()
}

#[test]
fn the_answers_are_those_of_the_whole_manifest() {
    let yanked = |update: &mut Update| update.updog.as_mut().unwrap().yanked = Some(halt());
    let called_back = |update: &mut Update| update.max_version = "0.9.0".parse().unwrap();
    let mut served = Served::new();
    served.publish("0.9.0", |_| ());
    let same = |served: &mut Served| {
        served.host.json(&["check"]);
        let known = answers(served, true);
        assert_eq!(known, answers(served, false));
        served.host.json(&["check"]);
    };
    same(&mut served);
    served.publish("1.0.0", |_| ());
    same(&mut served);
    assert!(served.host.state().join("excerpt.json").exists());
    served.publish("1.1.0", waves);
    same(&mut served);
    served.change("1.0.0", yanked);
    same(&mut served);
    served.change("1.1.0", yanked);
    same(&mut served);
    served.change("0.9.0", called_back);
    same(&mut served);
}

/// What is read is what was kept: neither document is needed again.
#[test]
fn a_second_look_reads_neither_manifest_nor_targets() {
    let mut served = Served::new();
    served.publish("0.9.0", |_| ());
    served.publish("1.0.0", |_| ());
    let first = served.host.json(&["check"]);
    assert_eq!(first["reason"], "not_newer", "{first}");
    for file in ["trust/kept.target", "trust/targets.json"] {
        fs::remove_file(served.host.state().join(file)).unwrap();
    }
    assert_eq!(served.host.json(&["check"]), first);
    assert!(!served.host.state().join("trust/targets.json").exists(), "it was not fetched");
    // For anything else it is fetched again.
    let other = served.host.json(&["check", "--to", "0.9.0", "--allow-downgrade"]);
    assert_eq!(other["data"]["version"], "0.9.0", "{other}");
}
