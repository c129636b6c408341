//! The example units in docs/systemd: they parse, and what they run works.

use std::fs;
use std::path::{Path, PathBuf};

use fixtures::server::{Faults, Server};

use crate::cli::Desk;

/// One setting: its section, its key and its value.
type Setting = (String, String, String);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/systemd")
}

fn settings(name: &str) -> Vec<Setting> {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    let mut section = String::new();
    let mut all = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut section);
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{name}: {line}"));
        assert!(
            !section.is_empty() && key.chars().all(|letter| letter.is_ascii_alphanumeric()),
            "{name}: {line}"
        );
        all.push((section.clone(), key.to_owned(), value.to_owned()));
    }
    all
}

fn value(name: &str, key: &str) -> String {
    let found = settings(name).into_iter().find(|setting| setting.1 == key);
    found.unwrap_or_else(|| panic!("{name} has no {key}")).2
}

#[test]
fn every_timer_has_its_service_and_only_known_settings() {
    let known = [
        ("Unit", &["Description"][..]),
        (
            "Service",
            &[
                "Type",
                "User",
                "DynamicUser",
                "ExecStart",
                "ProtectSystem",
                "ReadWritePaths",
                "ProtectHome",
                "PrivateTmp",
                "PrivateNetwork",
                "NoNewPrivileges",
                "LimitCORE",
            ],
        ),
        ("Timer", &["OnCalendar", "RandomizedDelaySec", "Persistent"]),
        ("Install", &["WantedBy"]),
    ];
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 4, "{names:?}");
    for name in &names {
        for (section, key, _) in settings(name) {
            let keys = known
                .iter()
                .find(|(known, _)| *known == section)
                .unwrap_or_else(|| panic!("{name}: {section}"));
            assert!(keys.1.contains(&key.as_str()), "{name}: {section}.{key}");
        }
        if let Some(timer) = name.strip_suffix(".timer") {
            assert!(names.contains(&format!("{timer}.service")), "{name}");
            assert_eq!(value(name, "WantedBy"), "timers.target");
        }
    }
}

#[test]
fn what_they_run_works() {
    let desk = Desk::new();
    for line in [
        "--repo r init",
        "--repo r key new key --role all",
        "--repo r sign --key key",
        "--repo r publish pub",
    ] {
        desk.done(line);
    }
    let server = Server::start(desk.path().join("pub"), Faults::default()).unwrap();
    let run = |name: &str| {
        let line = value(name, "ExecStart");
        let line = line.strip_prefix("/usr/bin/updog-repo ").unwrap_or_else(|| panic!("{name}: {line}"));
        line.replace("/srv/updates", "pub")
            .replace("/etc/updog-repo/timestamp.key", "key")
            .replace("https://updates.example.com/", &server.url())
    };
    assert!(desk.done(&run("updog-repo-refresh.service")).contains("published, good until"));
    assert!(desk.done(&run("updog-repo-expirations.service")).contains("nothing expires soon"));
}
