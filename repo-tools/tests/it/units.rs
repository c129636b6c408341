//! The example units in docs/systemd: they parse, and what they run works.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// By systemd's own reader, which knows more than a list of settings: calendars, values, the timer's unit.
#[test]
fn systemd_finds_nothing_wrong_with_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        // Systemd looks whether the program is there.
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replace("/usr/bin/updog-repo", env!("CARGO_BIN_EXE_updog-repo"));
        let to = dir.path().join(path.file_name().unwrap());
        fs::write(&to, text).unwrap();
        names.push(to);
    }
    assert_eq!(names.len(), 4, "{names:?}");
    let (well, said) = verify(&names);
    assert!(well && said.is_empty(), "{said}");
    // It is one that complains.
    let wrong = dir.path().join("updog-repo-refresh.timer");
    let text = fs::read_to_string(&wrong).unwrap();
    for (right, mistake) in [("OnCalendar=daily", "OnCalendar=dayly"), ("Persistent=", "Persistant=")] {
        assert!(text.contains(right));
        fs::write(&wrong, text.replace(right, mistake)).unwrap();
        let (_, said) = verify(std::slice::from_ref(&wrong));
        assert!(said.contains("updog-repo-refresh.timer:"), "{mistake}: {said}");
    }
}

/// Whether it ended well, and what it said. Fails where systemd is not installed.
fn verify(units: &[PathBuf]) -> (bool, String) {
    // Other units of this machine are not ours to judge, nor whether their manual pages are installed.
    let mut program = Command::new("systemd-analyze");
    program.args(["verify", "--man=no", "--recursive-errors=no"]).args(units);
    let output = program.output().unwrap_or_else(|error| {
        panic!("systemd-analyze does not start ({error}); \"cargo xtask setup test\" installs it")
    });
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
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
